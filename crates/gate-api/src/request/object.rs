//! Reads a JSON object member by member, in one pass and without copies; a duplicate name is an
//! error.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use gate_token::json::Strict;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::problem::{Code, Problem};

/// Receives the members of an object; any closure of name and value does.
pub(super) trait Members<'a> {
    /// Receives a member. A problem ends the walk.
    fn take(&mut self, key: Cow<'a, str>, raw: &'a RawValue) -> Result<(), Problem>;

    /// For a member that must be an object: its path, and the receiver of its members.
    fn within(&mut self, _key: &str) -> Option<(&'static str, &mut dyn Members<'a>)> {
        None
    }
}

impl<'a, F> Members<'a> for F
where
    F: FnMut(Cow<'a, str>, &'a RawValue) -> Result<(), Problem>,
{
    fn take(&mut self, key: Cow<'a, str>, raw: &'a RawValue) -> Result<(), Problem> {
        self(key, raw)
    }
}

/// Passes every member of the object `body` on; the first problem ends the walk. Malformed JSON
/// takes precedence over any problem.
pub(super) fn each_member<'a>(
    body: &'a [u8],
    members: &mut impl Members<'a>,
) -> Result<(), Problem> {
    let body = std::str::from_utf8(body).map_err(|error| malformed(&error))?;
    let mut found = Found::default();
    let walk = Walk {
        path: "",
        members,
        found: &mut found,
    };
    let mut json = serde_json::Deserializer::from_str(body);
    let walked = walk.deserialize(&mut json).and_then(|()| json.end());
    let Err(error) = walked else {
        return Ok(());
    };
    // Malformed JSON takes precedence over what was found before it.
    if let Err(error) = serde_json::from_str::<&RawValue>(body) {
        return Err(malformed(&error));
    }
    let problem = found.problem.or(found.awaited.map(not_an_object));
    // What remains is a name that is not Unicode text: a lone surrogate (RFC 8259 §8.2).
    Err(problem.unwrap_or_else(|| malformed(&error)))
}

fn malformed(error: &dyn fmt::Display) -> Problem {
    let detail = format!("the body is not valid JSON: {error}");
    Problem::new(Code::MalformedJson, detail)
}

/// A member's value for the policy alone. Every reader of the order digest must read its numbers
/// alike (RFC 7493 §2.2).
pub(super) fn extra_value(raw: &RawValue, path: &str, key: &str) -> Result<Value, Problem> {
    let member = || format!("{path}.{key}");
    let Strict(value) = serde_json::from_str(raw.get()).map_err(|error| {
        let code = if error.is_data() {
            Code::DuplicateMember
        } else {
            Code::InvalidMember
        };
        Problem::of_member(code, member(), format_args!("is invalid: {error}"))
    })?;
    // Check the text: an integer of more than 64 bits is a float by now and equals other ones.
    if gate_token::json::check_integers(raw.get().as_bytes()).is_err() {
        let what = "has a number beyond the integers that JSON readers agree on (2^53 - 1)";
        return Err(Problem::of_member(Code::InvalidMember, member(), what));
    }
    Ok(value)
}

fn not_an_object(path: &'static str) -> Problem {
    if path.is_empty() {
        Problem::new(Code::InvalidMember, "the body must be a JSON object")
    } else {
        Problem::of_member(Code::InvalidMember, path, "must be an object")
    }
}

struct Walk<'p, M: ?Sized> {
    path: &'static str,
    members: &'p mut M,
    found: &'p mut Found,
}

/// What ends a walk, beside malformed JSON.
#[derive(Default)]
struct Found {
    problem: Option<Problem>,
    /// The path of a value that must be an object and has not yet proved to be one.
    awaited: Option<&'static str>,
}

impl<'de, M: Members<'de> + ?Sized> DeserializeSeed<'de> for Walk<'_, M> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        self.found.awaited = Some(self.path);
        json.deserialize_map(self)
    }
}

impl<'de, M: Members<'de> + ?Sized> Visitor<'de> for Walk<'_, M> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.found.awaited = None;
        let mut seen = Seen::default();
        while let Some(key) = map.next_key_seed(Key)? {
            let outcome = if !seen.insert(key.clone()) {
                Err(duplicate(self.path, &key))
            } else if let Some((path, members)) = self.members.within(&key) {
                map.next_value_seed(Walk {
                    path,
                    members,
                    found: self.found,
                })?;
                Ok(())
            } else {
                self.members.take(key, map.next_value()?)
            };
            if let Err(problem) = outcome {
                self.found.problem = Some(problem);
                return Err(de::Error::custom("see problem"));
            }
        }
        Ok(())
    }
}

/// A member that an object, or a query, names twice.
pub(crate) fn duplicate(path: &str, key: &str) -> Problem {
    let member = if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    };
    Problem::of_member(Code::DuplicateMember, member, "is given twice")
}

/// The names so far. Orders have few members: the first [`FEW`] are compared one by one; further
/// ones, and names written with an escape, are hashed.
#[derive(Default)]
struct Seen<'a> {
    few: [&'a str; FEW],
    count: usize,
    many: Option<HashSet<Cow<'a, str>>>,
}

const FEW: usize = 16;

impl<'a> Seen<'a> {
    /// Whether the name is new.
    fn insert(&mut self, key: Cow<'a, str>) -> bool {
        let (seen, free) = self.few.split_at_mut(self.count);
        let is_among = |many: &HashSet<Cow<'a, str>>| many.contains(&key);
        if seen.contains(&&*key) || self.many.as_ref().is_some_and(is_among) {
            return false;
        }
        match (key, free.first_mut()) {
            (Cow::Borrowed(name), Some(slot)) => {
                *slot = name;
                self.count = self.count.saturating_add(1);
            }
            (key, _) => {
                self.many.get_or_insert_default().insert(key);
            }
        }
        true
    }
}

/// A member's name, borrowed unless it has an escape.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Cow<'de, str>, D::Error> {
        json.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member name")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}
