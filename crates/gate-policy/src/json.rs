//! Strict JSON over raw text: no member twice, bounded depth, numbers kept as written.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The deepest nesting of a JSON document in a bundle.
pub const MAX_JSON_DEPTH: usize = 32;

/// Why a document is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StrictError {
    /// Not JSON.
    #[error("not JSON: {0}")]
    Syntax(String),
    /// A member twice in one object, named by its path.
    #[error("member `{0}` twice")]
    Duplicate(String),
    /// Deeper than [`MAX_JSON_DEPTH`].
    #[error("nested deeper than {MAX_JSON_DEPTH}")]
    TooDeep,
}

/// The members of one object, in order, each value as it is written.
pub(crate) struct Members<'a>(pub(crate) Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;
        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut seen = HashSet::new();
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    if !seen.insert(name.clone()) {
                        // Checked documents have no duplicates; this is a second safeguard.
                        return Err(A::Error::custom(format_args!("member `{name}` twice")));
                    }
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(MembersVisitor)
    }
}

/// Checks a whole document: JSON, no member twice at any depth, not too deep.
pub(crate) fn check(text: &str) -> Result<(), StrictError> {
    // INVARIANT: serde_json's own recursion limit (128) is above MAX_JSON_DEPTH.
    let value: Checked =
        serde_json::from_str(text).map_err(|e| StrictError::Syntax(e.to_string()))?;
    value.0.map_or(Ok(()), Err)
}

/// The first problem in a value, returned as data so that it keeps its type.
struct Checked(Option<StrictError>);

impl<'de> Deserialize<'de> for Checked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut problem = None;
        let seed = Seed {
            path: &mut Vec::new(),
            problem: &mut problem,
        };
        serde::de::DeserializeSeed::deserialize(seed, deserializer)?;
        Ok(Self(problem))
    }
}

struct Seed<'p> {
    path: &'p mut Vec<String>,
    problem: &'p mut Option<StrictError>,
}

impl<'de> serde::de::DeserializeSeed<'de> for Seed<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.path.len() > MAX_JSON_DEPTH && self.problem.is_none() {
            *self.problem = Some(StrictError::TooDeep);
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        self.path.push("[]".to_owned());
        while seq
            .next_element_seed(Seed {
                path: self.path,
                problem: self.problem,
            })?
            .is_some()
        {}
        self.path.pop();
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            self.path.push(name.clone());
            if !seen.insert(name) && self.problem.is_none() {
                *self.problem = Some(StrictError::Duplicate(self.path.join(".")));
            }
            map.next_value_seed(Seed {
                path: self.path,
                problem: self.problem,
            })?;
            self.path.pop();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> Option<StrictError> {
        check(text).err()
    }

    #[test]
    fn takes_json_and_names_the_member_that_is_there_twice() {
        assert_eq!(problem(r#"{"a":{"b":[1,2.5,"x",null,true]}}"#), None);
        assert_eq!(
            problem(r#"{"a":{"b":1,"b":2}}"#),
            Some(StrictError::Duplicate("a.b".into()))
        );
        assert_eq!(
            problem(r#"{"a":[{"b":1,"\u0062":2}]}"#),
            Some(StrictError::Duplicate("a.[].b".into()))
        );
        assert!(matches!(problem("{"), Some(StrictError::Syntax(_))));
        assert!(matches!(problem("1 2"), Some(StrictError::Syntax(_))));
    }

    #[test]
    fn refuses_deep_nesting() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(problem(&nested(MAX_JSON_DEPTH)), None);
        assert_eq!(
            problem(&nested(MAX_JSON_DEPTH + 2)),
            Some(StrictError::TooDeep)
        );
        assert!(problem(&nested(1_000)).is_some());
    }
}
