//! One JSON object, member by member, in one pass and without copies; a name given twice is
//! an error.

use std::borrow::Cow;
use std::fmt;

use gate_token::json::Strict;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::problem::{Code, Problem};

/// Calls `take` with every member of the object that `body` is; the first problem ends the walk.
pub(super) fn each_member_of_body<'a>(
    body: &'a [u8],
    take: impl FnMut(Cow<'a, str>, &'a RawValue) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let mut problem = None;
    let walk = Walk {
        path: "",
        take,
        problem: &mut problem,
    };
    let mut json = serde_json::Deserializer::from_slice(body);
    let walked = json.deserialize_map(walk).and_then(|()| json.end());
    match (walked, problem) {
        (Ok(()), _) => Ok(()),
        (Err(_), Some(problem)) => Err(problem),
        (Err(error), None) if error.is_data() => Err(not_an_object("")),
        (Err(error), None) => Err(Problem::new(
            Code::MalformedJson,
            format!("the body is not valid JSON: {error}"),
        )),
    }
}

/// Calls `take` with every member of the object `raw`; the first problem ends the walk.
pub(super) fn each_member<'a>(
    raw: &'a RawValue,
    path: &'static str,
    take: impl FnMut(Cow<'a, str>, &'a RawValue) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let mut problem = None;
    let walk = Walk {
        path,
        take,
        problem: &mut problem,
    };
    let mut json = serde_json::Deserializer::from_str(raw.get());
    match json.deserialize_map(walk) {
        Ok(()) => Ok(()),
        // The text was checked as a whole, so what is left is that it is no object.
        Err(_) => Err(problem.unwrap_or_else(|| not_an_object(path))),
    }
}

/// The value of a member that only the policy understands. Numbers must be ones that every
/// reader of the order digest reads alike (RFC 7493 §2.2).
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
    if gate_token::canonical::to_vec(&value).is_err() {
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

struct Walk<'p, F> {
    path: &'static str,
    take: F,
    problem: &'p mut Option<Problem>,
}

impl<'de, F> Visitor<'de> for Walk<'_, F>
where
    F: FnMut(Cow<'de, str>, &'de RawValue) -> Result<(), Problem>,
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(mut self, mut map: M) -> Result<(), M::Error> {
        let mut seen = Seen::default();
        while let Some(key) = map.next_key_seed(Key)? {
            let raw: &'de RawValue = map.next_value()?;
            let outcome = if seen.insert(key.clone()) {
                (self.take)(key, raw)
            } else {
                Err(duplicate(self.path, &key))
            };
            if let Err(problem) = outcome {
                *self.problem = Some(problem);
                return Err(de::Error::custom("see problem"));
            }
        }
        Ok(())
    }
}

fn duplicate(path: &str, key: &str) -> Problem {
    let member = if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    };
    Problem::of_member(Code::DuplicateMember, member, "is given twice")
}

/// The names met so far. Orders have few members: a short list is compared, a long one hashed.
#[derive(Default)]
struct Seen<'a> {
    few: [Cow<'a, str>; FEW],
    count: usize,
    many: Option<std::collections::HashSet<Cow<'a, str>>>,
}

const FEW: usize = 16;

impl<'a> Seen<'a> {
    /// Whether the name is new.
    fn insert(&mut self, key: Cow<'a, str>) -> bool {
        let (seen, free) = self.few.split_at_mut(self.count);
        if seen.contains(&key) {
            return false;
        }
        let Some(slot) = free.first_mut() else {
            return self.many.get_or_insert_default().insert(key);
        };
        *slot = key;
        self.count = self.count.saturating_add(1);
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
