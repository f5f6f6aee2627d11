//! Merges a bundle's data documents, as text, and lists their paths for the manifest's roots.
//! Numbers are never parsed here, so they stay as they were written.

use std::collections::{BTreeMap, HashMap};

use serde_json::value::RawValue;

use crate::bundle::BundleError;
use crate::json::{Members, StrictError};

/// Merges all documents into one: `a/b/data.json` is the value of `data.a.b`.
pub(crate) fn merge(documents: &BTreeMap<&str, &str>) -> Result<String, BundleError> {
    let mut merged = "{}".to_owned();
    for (file, text) in documents {
        let mut document = (*text).to_owned();
        if !is_object(text) {
            return Err(not_an_object(file));
        }
        for name in directories(file).iter().rev() {
            document = format!("{{{}:{document}}}", quote(name));
        }
        merged = merge_two("", &merged, &document)?;
    }
    Ok(merged)
}

/// The paths a data file defines, with `/`. A path that `stop` is true for is not walked into.
pub(crate) fn leaves(file: &str, text: &str, stop: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    let mut waiting = vec![(directories(file).join("/"), text.to_owned())];
    while let Some((path, text)) = waiting.pop() {
        match members(&text) {
            Some(members) if !stop(&path) && !members.0.is_empty() => {
                for (name, value) in members.0 {
                    let inner = if path.is_empty() {
                        name
                    } else {
                        format!("{path}/{name}")
                    };
                    waiting.push((inner, value.get().to_owned()));
                }
            }
            // An empty data.json defines nothing.
            _ if path.is_empty() => {}
            _ => found.push(path),
        }
    }
    found
}

fn directories(file: &str) -> Vec<&str> {
    let mut names: Vec<&str> = file.split('/').collect();
    names.pop();
    names
}

fn merge_two(path: &str, a: &str, b: &str) -> Result<String, BundleError> {
    let (Some(a), Some(b)) = (members(a), members(b)) else {
        return Err(BundleError::DataConflict(path.to_owned()));
    };
    let mut merged: Vec<(String, String)> = Vec::new();
    // By name, so that a large document takes linear time.
    let mut places: HashMap<String, usize> = HashMap::new();
    for (name, value) in a.0 {
        places.insert(name.clone(), merged.len());
        merged.push((name, value.get().to_owned()));
    }
    for (name, value) in b.0 {
        let known = places.get(&name).and_then(|place| merged.get_mut(*place));
        match known {
            Some((_, known)) => {
                let inner = if path.is_empty() {
                    name
                } else {
                    format!("{path}/{name}")
                };
                *known = merge_two(&inner, known, value.get())?;
            }
            None => merged.push((name, value.get().to_owned())),
        }
    }
    let members: Vec<String> = merged
        .iter()
        .map(|(name, value)| format!("{}:{value}", quote(name)))
        .collect();
    Ok(format!("{{{}}}", members.join(",")))
}

fn members(text: &str) -> Option<Members<'_>> {
    if is_object(text) {
        serde_json::from_str(text).ok()
    } else {
        None
    }
}

fn is_object(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn not_an_object(file: &str) -> BundleError {
    BundleError::Json {
        path: file.to_owned(),
        problem: StrictError::Syntax("expected an object".to_owned()),
    }
}

/// An object's members; `None` for any other value.
pub(crate) fn object(value: &RawValue) -> Option<Vec<(String, &RawValue)>> {
    members(value.get()).map(|members| members.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(documents: &[(&str, &str)], expected: &str) {
        let documents = documents.iter().copied().collect();
        assert_eq!(merge(&documents).unwrap(), expected);
    }

    #[test]
    fn a_document_stands_where_its_directory_says_and_numbers_stay_as_written() {
        check(
            &[("data.json", r#"{"x":90071992547409.930}"#)],
            r#"{"x":90071992547409.930}"#,
        );
        check(
            &[
                ("a/b/data.json", r#"{"x":1}"#),
                ("a/data.json", r#"{"b":{"y":2},"c":3}"#),
            ],
            r#"{"a":{"b":{"x":1,"y":2},"c":3}}"#,
        );
    }

    #[test]
    fn two_files_may_not_set_one_member() {
        let documents = [
            ("a/data.json", r#"{"x":1}"#),
            ("data.json", r#"{"a":{"x":1}}"#),
        ];
        let error = merge(&documents.into_iter().collect()).unwrap_err();
        assert_eq!(error.to_string(), "`a/x` is set by two data files");
    }
}
