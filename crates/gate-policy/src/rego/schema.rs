//! The data schema that a bundle's rules declare. The shipped rules read the same data as the
//! built-in rules and declare it, so `data.json` is checked and a typo cannot switch a limit off.

use serde_json::Value;

use super::RegoPolicy;
use crate::bundle::Bundle;
use crate::policy::Policy as _;
use crate::rules::{DataError, TypedData};

/// The rule in package `gate` that declares the schema: `data_schema := "pretrade"`.
const RULE: &str = "data_schema";

/// Refuses data that does not fit the schema the rules declare. Without a declaration any data will
/// do.
pub(crate) fn check(policy: &RegoPolicy, bundle: &Bundle) -> Result<(), DataError> {
    if policy.query(&["gate", RULE], &Value::Null) == Ok(None) {
        return Ok(());
    }
    // There is only one schema, so the rule's value is not looked at. Members that the broker's own
    // rules read are exempt.
    let is_asked_for = |name: &str| bundle.rego().any(|(_, source)| names(source, name));
    TypedData::parse_beside(bundle.data(), is_asked_for).map(drop)
}

/// Whether a module reads that member of the data.
fn names(source: &str, member: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let quoted = Value::from(member).to_string();
    source.match_indices("data").any(|(at, word)| {
        let (before, from) = source.split_at(at);
        let after = from.get(word.len()..).unwrap_or_default();
        let ends_there = |rest: &str| !rest.starts_with(is_name);
        let dotted = after
            .strip_prefix('.')
            .and_then(|rest| rest.strip_prefix(member));
        let bracketed = after
            .strip_prefix('[')
            .and_then(|rest| rest.strip_prefix(quoted.as_str()));
        !before.ends_with(is_name) && (dotted.is_some_and(ends_there) || bracketed.is_some())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_asked_for_by_its_whole_name() {
        for source in [
            "x if data.desks[input.context.desk]",
            "x := data[\"desks\"].a",
            "import data.desks",
            "x if y in data.desks",
        ] {
            assert!(names(source, "desks"), "{source}");
        }
        for source in [
            "x if data.desks_of[1]",
            "x if mydata.desks",
            "x if data.desk",
            "x if input.desks",
            "x if data.other.desks",
        ] {
            assert!(!names(source, "desks"), "{source}");
        }
    }
}
