//! Strict JSON: refuses what serde_json accepts silently. No canonical form here.
//!
//! serde_json keeps the last of two members with one name; another reader keeps the first, and the
//! two then act on different orders. [`Strict`] refuses such a text at every depth. serde_json
//! itself refuses lone surrogates and numbers out of range.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The largest integer that every JSON reader holds exactly, 2⁵³ − 1 (RFC 7493 §2.2).
pub const MAX_SAFE_INTEGER: u64 = 9_007_199_254_740_991;

/// Why a text is not strict JSON.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// Not JSON, or a duplicate member.
    #[error(transparent)]
    Syntax(#[from] serde_json::Error),
    /// An integer that other readers would round.
    #[error("integer beyond 2^53-1 at byte {at}")]
    UnsafeInteger {
        /// Where the integer starts.
        at: usize,
    },
}

/// Whether serde_json reads numbers as this crate takes them. With its feature `arbitrary_precision`,
/// which any crate of the build may ask for, it does not, and digests would be others.
pub(crate) fn reads_numbers() -> bool {
    let as_a_float = Some(Value::from(2.5));
    serde_json::from_str("2.50").ok() == as_a_float
}

/// Parses one JSON text that has no duplicate member and no integer beyond ±[`MAX_SAFE_INTEGER`].
///
/// # Errors
/// [`JsonError`], which names a duplicate member.
pub fn parse(text: &[u8]) -> Result<Value, JsonError> {
    let Strict(value) = serde_json::from_slice(text)?;
    check_integers(text)?;
    Ok(value)
}

/// Refuses a JSON text that holds an integer beyond ±[`MAX_SAFE_INTEGER`].
///
/// serde_json hands an integer of more than 64 bits on as a float, so only the text shows it.
/// Numbers written with a point or an exponent are floats and pass. The text must be JSON.
///
/// # Errors
/// [`JsonError::UnsafeInteger`].
pub fn check_integers(text: &[u8]) -> Result<(), JsonError> {
    let mut bytes = text.iter().copied().enumerate().peekable();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => {
                while let Some((_, byte)) = bytes.next() {
                    match byte {
                        b'\\' => drop(bytes.next()),
                        b'"' => break,
                        _ => {}
                    }
                }
            }
            b'0'..=b'9' => {
                let mut value = u64::from(byte.wrapping_sub(b'0'));
                let mut integer = true;
                while let Some((_, next)) = bytes.next_if(|(_, b)| is_number_byte(*b)) {
                    if next.is_ascii_digit() {
                        let digit = u64::from(next.wrapping_sub(b'0'));
                        value = value.saturating_mul(10).saturating_add(digit);
                    } else {
                        integer = false;
                    }
                }
                if integer && value > MAX_SAFE_INTEGER {
                    return Err(JsonError::UnsafeInteger { at });
                }
            }
            _ => {}
        }
    }
    Ok(())
}

const fn is_number_byte(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-')
}

/// A JSON value in which no object, at any depth, has two members of one name.
///
/// ```
/// use gate_token::json::Strict;
/// let error = serde_json::from_str::<Strict>(r#"{"order":{"qty":1,"qty":2}}"#).unwrap_err();
/// assert!(error.to_string().starts_with("duplicate member `qty`"));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Strict(pub Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        StrictSeed.deserialize(deserializer).map(Strict)
    }
}

/// The rule of [`Strict`] for use inside another visitor.
#[derive(Debug, Clone, Copy)]
pub struct StrictSeed;

impl<'de> DeserializeSeed<'de> for StrictSeed {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(StrictVisitor)
    }
}

/// The error for a duplicate member.
pub(crate) fn duplicate<E: Error>(member: &str) -> E {
    E::custom(format_args!("duplicate member `{member}`"))
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element_seed(StrictSeed)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            if members.contains_key(&name) {
                return Err(duplicate(&name));
            }
            let value = map.next_value_seed(StrictSeed)?;
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_twice_is_refused_at_every_depth() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"x":{"a":1,"a":2}}"#,
            r#"[[{"b":0,"a":1,"a":1}]]"#,
            r#"{"a":1,"\u0061":2}"#,
        ] {
            let error = parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains("duplicate member `a`"), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_not_twice_passes_unchanged() {
        for text in [
            r#"{"a":{"a":{"a":[1,-2,3.5,null,true,"é"]}},"b":[{"a":1},{"a":2}]}"#,
            r#"{"$serde_json::private::RawValue":"1"}"#,
            r#"{"":"","a":9007199254740991,"b":-9007199254740991,"c":1e300}"#,
        ] {
            let value = parse(text.as_bytes()).unwrap();
            assert_eq!(value.to_string().replace("1e+300", "1e300"), text);
        }
    }

    #[test]
    fn a_lone_surrogate_is_refused() {
        for text in [
            r#""\ud800""#,
            r#""\udc00""#,
            r#"{"\ud800x":1}"#,
            r#""\ud83d\ud83d""#,
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn an_integer_that_readers_would_round_is_refused_where_it_stands() {
        for (text, at) in [
            ("9007199254740992", 0),
            ("[1,-9007199254740992]", 4),
            (r#"{"a\"9":18446744073709551616}"#, 8),
            ("[1e400]", usize::MAX),
            ("123456789012345678901234567890", 0),
        ] {
            match parse(text.as_bytes()) {
                Err(JsonError::UnsafeInteger { at: found }) => assert_eq!(found, at, "{text}"),
                Err(JsonError::Syntax(_)) => assert_eq!(at, usize::MAX, "{text}"),
                Ok(_) => panic!("{text} was taken"),
            }
        }
        for text in [
            r#"["9007199254740992"]"#,
            "9007199254740992.0",
            "1e30",
            "-0",
        ] {
            parse(text.as_bytes()).unwrap();
        }
    }

    #[test]
    fn floats_are_read_to_the_nearest_double() {
        // serde_json without `float_roundtrip` reads these a unit in the last place off.
        for text in ["1.0715660391465826e-75", "-1.81996730402717e-179"] {
            let value = parse(text.as_bytes()).unwrap();
            assert_eq!(value.as_f64(), text.parse().ok(), "{text}");
        }
    }
}
