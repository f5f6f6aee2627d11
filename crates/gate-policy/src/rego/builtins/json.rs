//! `json.is_valid`, `json.unmarshal` and `json.marshal` as in OPA. Go reads numbers of any size,
//! and half a surrogate pair as `�`; it escapes `<`, `>` and `&` for HTML, and sorts names by their
//! text.

use std::collections::BTreeMap;

use regorus::unstable::BuiltinFcn;
use regorus::{LimitError, Value};
use serde::de::IgnoredAny;

use super::beyond;
use super::format::term;
use crate::rego::growth::{MAX_MADE_BYTES, deep, hides_number, within};

pub(super) const BUILTINS: [(&str, BuiltinFcn); 3] = [
    (
        "json.is_valid",
        (|_, _, args, _| Ok(is_valid(args)?.into()), 1),
    ),
    ("json.marshal", (|_, _, args, _| Ok(marshal(args)?), 1)),
    ("json.unmarshal", (|_, _, args, _| Ok(unmarshal(args)?), 1)),
];

/// Go refuses deeper nesting.
const MAX_LEVELS: usize = 10_000;

fn is_valid(args: &[Value]) -> Result<bool, LimitError> {
    match args {
        [Value::String(text)] => is_json(text),
        _ => Ok(false),
    }
}

fn unmarshal(args: &[Value]) -> Result<Value, LimitError> {
    let [Value::String(text)] = args else {
        return Ok(Value::Undefined);
    };
    if text.len() > MAX_MADE_BYTES || hides_number(text) {
        return Err(beyond());
    }
    if !is_json(text)? {
        return Ok(Value::Undefined);
    }
    if vanishes(text) {
        return Err(beyond());
    }
    Value::from_json_str(text).map_err(|_| beyond())
}

/// Whether it has a number that a float rounds to 0 and OPA does not; or a string that looks like
/// one.
fn vanishes(text: &str) -> bool {
    let is_part = |c: char| matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E');
    let mut numbers = text.split(|c| !is_part(c));
    numbers.any(|number| {
        let mantissa = number.split(['e', 'E']).next().unwrap_or_default();
        mantissa.contains(|c: char| matches!(c, '1'..='9')) && number.parse() == Ok(0.0)
    })
}

/// Checks the syntax only.
fn is_json(text: &str) -> Result<bool, LimitError> {
    let levels = text.bytes().filter(|byte| matches!(byte, b'[' | b'{'));
    if levels.count() > MAX_LEVELS {
        return Err(beyond());
    }
    Ok(serde_json::from_str::<IgnoredAny>(text).is_ok())
}

fn marshal(args: &[Value]) -> Result<Value, LimitError> {
    let [value] = args else {
        return Ok(Value::Undefined);
    };
    within(deep(args))?;
    let mut text = String::new();
    write(value, &mut text)?;
    Ok(text.into())
}

fn write(value: &Value, text: &mut String) -> Result<(), LimitError> {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => term::write(value, text)?,
        Value::String(own) => quote(own, text),
        Value::Array(items) => list(items.iter(), text)?,
        Value::Set(items) => list(items.iter(), text)?,
        Value::Object(members) => {
            let mut named = BTreeMap::new();
            for (name, member) in members.iter() {
                if named.insert(name_of(name)?, member).is_some() {
                    // Which of the two OPA writes is random.
                    return Err(beyond());
                }
            }
            text.push('{');
            for (place, (name, member)) in named.into_iter().enumerate() {
                text.push_str(if place == 0 { "" } else { "," });
                quote(&name, text);
                text.push(':');
                write(member, text)?;
            }
            text.push('}');
        }
        Value::Undefined => return Err(beyond()),
    }
    Ok(())
}

/// A name that is not a string is written as JSON.
fn name_of(name: &Value) -> Result<String, LimitError> {
    if let Value::String(name) = name {
        return Ok(name.as_ref().to_owned());
    }
    let mut text = String::new();
    write(name, &mut text)?;
    Ok(text)
}

fn list<'v>(items: impl Iterator<Item = &'v Value>, text: &mut String) -> Result<(), LimitError> {
    text.push('[');
    for (place, item) in items.enumerate() {
        text.push_str(if place == 0 { "" } else { "," });
        write(item, text)?;
    }
    text.push(']');
    Ok(())
}

/// Quotes as Go's `encoding/json` does.
fn quote(own: &str, text: &mut String) {
    text.push('"');
    for c in own.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\0'..'\u{20}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                text.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            _ => text.push(c),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What OPA 1.20.2 answers.
    #[test]
    fn a_text_is_json_when_go_says_so() {
        for valid in [
            "1E400",
            r#""\ud800""#,
            r#"{"a": 1, "a": 2}"#,
            " 1\n",
            "-0",
            "0.1e-2",
            r#""\/""#,
        ] {
            assert!(is_valid(&[valid.into()]).unwrap(), "{valid}");
        }
        for invalid in [
            "", "nul", "[1,]", "01", "-", "1 2", "NaN", "\"a\nb\"", "\u{a0}1", r#""\x""#, ".5",
            "1.", "+1",
        ] {
            assert!(!is_valid(&[invalid.into()]).unwrap(), "{invalid}");
            let read = unmarshal(&[invalid.into()]);
            assert_eq!(read.unwrap(), Value::Undefined, "{invalid}");
        }
        assert!(!is_valid(&[1.into()]).unwrap());
    }

    #[test]
    fn what_go_alone_reads_ends_the_evaluation() {
        for text in [r#""\ud800""#, "1E400", "1e-400", "[0.1, -0.5E-999]"] {
            assert!(unmarshal(&[text.into()]).is_err(), "{text}");
        }
        assert!(is_valid(&["[".repeat(10_001).into()]).is_err());
        assert_eq!(
            unmarshal(&[" [1e2]".into()]).unwrap(),
            vec![Value::from(100)].into()
        );
    }

    /// What OPA 1.20.2 answers.
    #[test]
    fn a_value_is_written_as_go_writes_it() {
        let write = |json: &str| marshal(&[Value::from_json_str(json).unwrap()]);
        for (json, text) in [
            (r#""<<<<""#, r#""\u003c\u003c\u003c\u003c""#),
            (
                r#""a&b>\u2028\u2029\u007fé""#,
                "\"a\\u0026b\\u003e\\u2028\\u2029\u{7f}é\"",
            ),
            (r#""\b\f\n\r\t\u0001\"\\\/""#, r#""\b\f\n\r\t\u0001\"\\/""#),
            (
                r#"{"b":[1,{"a":null}],"a":true,"B":0.5}"#,
                r#"{"B":0.5,"a":true,"b":[1,{"a":null}]}"#,
            ),
            ("18446744073709551615", "18446744073709551615"),
        ] {
            assert_eq!(write(json).unwrap(), text.into(), "{json}");
        }
        let large = Value::from(1_u128 << 64);
        assert_eq!(marshal(&[large]).unwrap(), "18446744073709551616".into());
        let object =
            |names: [Value; 3]| Value::from(BTreeMap::from(names.map(|name| (name, 0.into()))));
        let numbers = object([2.into(), 10.into(), 1.into()]);
        assert_eq!(
            marshal(&[numbers]).unwrap(),
            r#"{"1":0,"10":0,"2":0}"#.into()
        );
        let list = vec![Value::from(1), "a".into()].into();
        let other = marshal(&[object([Value::Null, true.into(), list])]);
        assert_eq!(
            other.unwrap(),
            r#"{"[1,\"a\"]":0,"null":0,"true":0}"#.into()
        );
        assert!(marshal(&[object([1.into(), "1".into(), 2.into()])]).is_err());
        for unknown in ["1e-7", "1e300", "[1e22]"] {
            assert!(write(unknown).is_err(), "{unknown}");
        }
    }
}
