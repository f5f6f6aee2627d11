//! `object.subset`, `json.filter` and `json.remove` as in OPA. A path below another one has no
//! effect of its own.

use std::collections::BTreeMap;

use regorus::unstable::BuiltinFcn;
use regorus::{LimitError, Value};

use super::beyond;
use crate::rego::growth::within;

pub(super) const BUILTINS: [(&str, BuiltinFcn); 3] = [
    ("json.filter", (|_, _, args, _| Ok(filter(args)?), 2)),
    ("json.remove", (|_, _, args, _| Ok(remove(args)?), 2)),
    ("object.subset", (|_, _, args, _| Ok(subset(args)?), 2)),
];

/// The most names in a path: walking one recurses for each.
const MAX_NAMES: usize = 128;

type Branches = BTreeMap<Value, Tree>;

/// Paths merged into a tree; `Whole` is where one ends.
enum Tree {
    Whole,
    Below(Branches),
}

fn filter(args: &[Value]) -> Result<Value, LimitError> {
    match args {
        [document @ Value::Object(_), paths] => {
            Ok(planted(paths)?.map_or(Value::Undefined, |tree| kept(document, &tree)))
        }
        _ => Ok(Value::Undefined),
    }
}

fn remove(args: &[Value]) -> Result<Value, LimitError> {
    match args {
        [document @ Value::Object(_), paths] => {
            Ok(planted(paths)?.map_or(Value::Undefined, |tree| left(document, &tree)))
        }
        _ => Ok(Value::Undefined),
    }
}

fn subset(args: &[Value]) -> Result<Value, LimitError> {
    let [all, some] = args else {
        return Ok(Value::Undefined);
    };
    if let (Value::Array(all), Value::Set(some)) = (all, some) {
        // OPA counts each duplicate of an item in the array.
        let mut left = some.len();
        return Ok(Value::Bool(all.iter().any(|item| {
            left = left.saturating_sub(usize::from(some.contains(item)));
            left == 0
        })));
    }
    Ok(has(all, some, MAX_NAMES)?.map_or(Value::Undefined, Value::Bool))
}

/// Whether `all` contains `some`; `None` if they are of different kinds. Members of objects are
/// compared recursively, items by equality.
fn has(all: &Value, some: &Value, depth: usize) -> Result<Option<bool>, LimitError> {
    let depth = depth.checked_sub(1).ok_or_else(beyond)?;
    Ok(Some(match (all, some) {
        (Value::Object(all), Value::Object(some)) => {
            for (name, member) in some.iter() {
                let Some(other) = all.get(name) else {
                    return Ok(Some(false));
                };
                if other != member && has(other, member, depth)? != Some(true) {
                    return Ok(Some(false));
                }
            }
            true
        }
        (Value::Set(all), Value::Set(some)) => some.iter().all(|item| all.contains(item)),
        (Value::Array(all), Value::Array(some)) => {
            within(all.len().saturating_mul(some.len()))?;
            let mut parts = all.as_slice().windows(some.len().max(1));
            some.is_empty() || parts.any(|part| part == some.as_slice())
        }
        _ => return Ok(None),
    }))
}

/// `None` if these are not paths.
fn planted(paths: &Value) -> Result<Option<Branches>, LimitError> {
    let paths: Option<Vec<_>> = match paths {
        Value::Array(paths) => paths.iter().map(names).collect(),
        Value::Set(paths) => paths.iter().map(names).collect(),
        _ => None,
    };
    let Some(paths) = paths else {
        return Ok(None);
    };
    let mut root = Branches::new();
    for path in paths {
        if path.len() > MAX_NAMES {
            return Err(beyond());
        }
        plant(&mut root, &path);
    }
    Ok(Some(root))
}

fn names(path: &Value) -> Option<Vec<Value>> {
    match path {
        Value::String(path) if path.is_empty() => Some(Vec::new()),
        Value::String(path) => {
            let names = path.trim_start_matches('/').split('/');
            // One more is too many already.
            let names = names.take(MAX_NAMES + 1);
            let plain = |name: &str| name.replace("~1", "/").replace("~0", "~").into();
            Some(names.map(plain).collect())
        }
        Value::Array(names) => Some(names.to_vec()),
        _ => None,
    }
}

fn plant(root: &mut Branches, path: &[Value]) {
    let Some((last, before)) = path.split_last() else {
        return;
    };
    let mut place = root;
    for name in before {
        let below = || Tree::Below(Branches::new());
        match place.entry(name.clone()).or_insert_with(below) {
            Tree::Whole => return,
            Tree::Below(branches) => place = branches,
        }
    }
    place.insert(last.clone(), Tree::Whole);
}

fn kept(value: &Value, tree: &Branches) -> Value {
    let of = |value: &Value, name: &Value| match tree.get(name)? {
        Tree::Whole => Some(value.clone()),
        Tree::Below(branches) => Some(kept(value, branches)),
    };
    each(value, of)
}

fn left(value: &Value, tree: &Branches) -> Value {
    let of = |value: &Value, name: &Value| match tree.get(name) {
        None => Some(value.clone()),
        Some(Tree::Whole) => None,
        Some(Tree::Below(branches)) => Some(left(value, branches)),
    };
    each(value, of)
}

/// Maps the members of a collection: by name, by index in an array (as a string, as in a path), or,
/// in a set, by the member itself. Any other value stays.
fn each(value: &Value, of: impl Fn(&Value, &Value) -> Option<Value>) -> Value {
    match value {
        Value::Object(members) => {
            let member = |(name, value)| Some((Value::clone(name), of(value, name)?));
            let members: BTreeMap<_, _> = members.iter().filter_map(member).collect();
            members.into()
        }
        Value::Array(items) => {
            let item = |(place, item): (usize, _)| of(item, &place.to_string().into());
            let items: Vec<_> = items.iter().enumerate().filter_map(item).collect();
            items.into()
        }
        Value::Set(items) => {
            let items = items.iter().filter_map(|item| of(item, item));
            let items: std::collections::BTreeSet<_> = items.collect();
            items.into()
        }
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Value {
        Value::from_json_str(json).unwrap()
    }

    /// What OPA 1.20.2 answers.
    #[test]
    fn paths_are_followed_as_in_opa() {
        let document = read(r#"{"a": {"b": 1, "c": [1, {"d": 2}, 3]}, "e/f": 4, "g": 5}"#);
        for (paths, filtered, removed) in [
            (
                r#"["a/b", "g/h"]"#,
                r#"{"a": {"b": 1}, "g": 5}"#,
                r#"{"a": {"c": [1, {"d": 2}, 3]}, "e/f": 4, "g": 5}"#,
            ),
            (
                r#"["//a/c/1", ["a", "c", "0"], ["a", "c", 2]]"#,
                r#"{"a": {"c": [1, {"d": 2}]}}"#,
                r#"{"a": {"b": 1, "c": [3]}, "e/f": 4, "g": 5}"#,
            ),
            (
                r#"["a", "a/b", "e~1f", "", []]"#,
                r#"{"a": {"b": 1, "c": [1, {"d": 2}, 3]}, "e/f": 4}"#,
                r#"{"g": 5}"#,
            ),
        ] {
            let args = [document.clone(), read(paths)];
            assert_eq!(filter(&args).unwrap(), read(filtered), "{paths}");
            assert_eq!(remove(&args).unwrap(), read(removed), "{paths}");
        }
    }

    #[test]
    fn what_is_no_path_makes_no_value() {
        for paths in [r#""a""#, "[1]", r#"["a", {}]"#] {
            let args = [read("{}"), read(paths)];
            assert_eq!(filter(&args).unwrap(), Value::Undefined, "{paths}");
            assert_eq!(remove(&args).unwrap(), Value::Undefined, "{paths}");
        }
        let no_object = [read("[]"), read("[]")];
        assert_eq!(filter(&no_object).unwrap(), Value::Undefined);
    }

    #[test]
    fn a_path_of_too_many_names_ends_the_evaluation() {
        let args = [read("{}"), vec!["a/".repeat(1_000_000).into()].into()];
        assert!(filter(&args).is_err());
        assert!(remove(&args).is_err());
    }
}
