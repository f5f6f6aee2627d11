//! Canonical JSON, RFC 8785: one byte form per value. No parsing here.

use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

use crate::json::MAX_SAFE_INTEGER;

/// Why a value has no canonical form that every language agrees on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CanonicalError {
    /// An integer beyond ±(2⁵³ − 1), which other languages would round.
    #[error("integer beyond 2^53-1")]
    UnsafeInteger,
    /// NaN or an infinity.
    #[error("number is not finite")]
    NotFinite,
}

/// The canonical form of a value.
///
/// ```
/// use gate_token::canonical::to_vec;
/// let value = serde_json::json!({"b": 1.50, "a": ["\u{20ac}", 1e21]});
/// assert_eq!(to_vec(&value)?, "{\"a\":[\"€\",1e+21],\"b\":1.5}".as_bytes());
/// # Ok::<(), gate_token::CanonicalError>(())
/// ```
///
/// # Errors
/// [`CanonicalError`].
pub fn to_vec(value: &Value) -> Result<Vec<u8>, CanonicalError> {
    let mut out = Vec::with_capacity(256);
    write_value(&mut out, value)?;
    Ok(out)
}

/// Appends the canonical form of a value. Recurses as deep as the value does: what a parser
/// produced is bounded by that parser (serde_json: 128).
///
/// # Errors
/// [`CanonicalError`]; `out` then holds an incomplete form.
pub fn write_value(out: &mut Vec<u8>, value: &Value) -> Result<(), CanonicalError> {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => write_number(out, number)?,
        Value::String(text) => write_string(out, text),
        Value::Array(values) => {
            out.push(b'[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_value(out, value)?;
            }
            out.push(b']');
        }
        Value::Object(members) => {
            out.push(b'{');
            for (index, (name, value)) in sorted(members).into_iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_string(out, name);
                out.push(b':');
                write_value(out, value)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

/// The members of an object in canonical order.
pub(crate) fn sorted(members: &Map<String, Value>) -> Vec<(&str, &Value)> {
    let mut sorted: Vec<(&str, &Value)> = members
        .iter()
        .map(|(name, value)| (name.as_str(), value))
        .collect();
    sorted.sort_by(|(a, _), (b, _)| cmp_keys(a, b));
    sorted
}

/// The order of members: by UTF-16 code units (RFC 8785 §3.2.3), which puts U+10000 and above
/// before U+E000 to U+FFFF, unlike the order of UTF-8 bytes.
#[must_use]
pub fn cmp_keys(a: &str, b: &str) -> Ordering {
    a.encode_utf16().cmp(b.encode_utf16())
}

/// Appends a JSON string, quotes included: only what must be escaped is (RFC 8785 §3.2.2.2).
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    out.reserve(bytes.len().saturating_add(2));
    out.push(b'"');
    // Without a branch per byte, so that sixteen of them are looked at together.
    let is_plain = !bytes
        .iter()
        .fold(false, |any, &byte| any | must_escape(byte));
    if is_plain {
        out.extend_from_slice(bytes);
    } else {
        write_escaped(out, bytes);
    }
    out.push(b'"');
}

fn write_escaped(out: &mut Vec<u8>, mut rest: &[u8]) {
    while let Some(at) = rest.iter().position(|&byte| must_escape(byte)) {
        let (plain, tail) = rest.split_at(at);
        out.extend_from_slice(plain);
        rest = match tail.split_first() {
            Some((&byte, tail)) => {
                write_escape(out, byte);
                tail
            }
            None => &[],
        };
    }
    out.extend_from_slice(rest);
}

const fn must_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

fn write_escape(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0c => b'f',
        b'\r' => b'r',
        _ => {
            out.extend_from_slice(if byte < 0x10 { b"\\u000" } else { b"\\u001" });
            let low = byte & 0x0f;
            out.push(if low < 10 {
                b'0'.wrapping_add(low)
            } else {
                b'a'.wrapping_add(low.wrapping_sub(10))
            });
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

fn write_number(out: &mut Vec<u8>, number: &Number) -> Result<(), CanonicalError> {
    if let Some(integer) = number.as_u64() {
        if integer > MAX_SAFE_INTEGER {
            return Err(CanonicalError::UnsafeInteger);
        }
        write_u64(out, integer);
    } else if let Some(integer) = number.as_i64() {
        if integer.unsigned_abs() > MAX_SAFE_INTEGER {
            return Err(CanonicalError::UnsafeInteger);
        }
        out.push(b'-');
        write_u64(out, integer.unsigned_abs());
    } else {
        match number.as_f64() {
            Some(float) if float.is_finite() => {
                let mut buffer = ryu_js::Buffer::new();
                out.extend_from_slice(buffer.format_finite(float).as_bytes());
            }
            _ => return Err(CanonicalError::NotFinite),
        }
    }
    Ok(())
}

/// Appends an integer in decimal.
pub(crate) fn write_u64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, expected: &str) {
        let value = crate::json::parse(input.as_bytes()).unwrap();
        let canonical = String::from_utf8(to_vec(&value).unwrap()).unwrap();
        assert_eq!(canonical, expected, "`{input}`");
    }

    #[test]
    fn the_example_of_rfc_8785_section_3_2() {
        check(
            r#"{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],
                "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}"#,
            "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
             \"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}",
        );
    }

    #[test]
    fn members_sort_by_utf16_code_units() {
        check(
            r#"{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}"#,
            "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"\u{f6}\":7,\"\u{20ac}\":1,\"\u{1f600}\":5,\"\u{fb33}\":3}",
        );
    }

    #[test]
    fn numbers_take_the_form_of_ecmascript() {
        for (input, expected) in [
            ("-0", "0"),
            ("-0.0", "0"),
            ("1.0", "1"),
            ("1e21", "1e+21"),
            ("1e20", "100000000000000000000"),
            ("1e-6", "0.000001"),
            ("1e-7", "1e-7"),
            ("5e-324", "5e-324"),
            ("1.7976931348623157e308", "1.7976931348623157e+308"),
            ("9007199254740991", "9007199254740991"),
            ("-9007199254740991", "-9007199254740991"),
        ] {
            check(input, expected);
        }
    }

    #[test]
    fn an_integer_that_others_would_round_has_no_form() {
        for value in [
            Value::from(9_007_199_254_740_992_u64),
            Value::from(-9_007_199_254_740_992_i64),
            Value::from(u64::MAX),
            Value::from(i64::MIN),
        ] {
            assert_eq!(
                to_vec(&value),
                Err(CanonicalError::UnsafeInteger),
                "{value}"
            );
        }
    }

    #[test]
    fn every_control_character_and_nothing_else_is_escaped() {
        for code in 0..0x300_u32 {
            let Some(character) = char::from_u32(code) else {
                continue;
            };
            let text = character.to_string();
            let mut out = Vec::new();
            write_string(&mut out, &text);
            assert_eq!(out, serde_json::to_vec(&text).unwrap(), "U+{code:04X}");
        }
    }

    #[test]
    fn integers_are_written_in_full() {
        for value in [0, 1, 9, 10, 99, 100, 1_234_567_890, u64::MAX] {
            let mut out = Vec::new();
            write_u64(&mut out, value);
            assert_eq!(out, value.to_string().into_bytes());
        }
    }
}
