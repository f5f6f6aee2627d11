//! Writes a value in Rego syntax, which is what OPA prints of anything but strings and numbers.

use regorus::{LimitError, Value};

use super::beyond;
use crate::rego::fraction;

pub(in crate::rego::builtins) fn write(value: &Value, text: &mut String) -> Result<(), LimitError> {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(is_true) => text.push_str(if *is_true { "true" } else { "false" }),
        Value::Number(number) => {
            let is_written = if number.is_integer() {
                number.as_big().is_some()
            } else {
                number.as_f64().is_some_and(is_plain) && !fraction::is_rounded(value)
            };
            if !is_written {
                return Err(beyond());
            }
            text.push_str(&number.format_decimal());
        }
        Value::String(own) => quote(own, text)?,
        Value::Array(items) => list(items.iter(), ["[", "]"], text)?,
        Value::Set(items) if items.is_empty() => text.push_str("set()"),
        Value::Set(items) => list(items.iter(), ["{", "}"], text)?,
        Value::Object(members) => {
            text.push('{');
            for (place, (name, member)) in members.iter_sorted().enumerate() {
                text.push_str(if place == 0 { "" } else { ", " });
                write(name, text)?;
                text.push_str(": ");
                write(member, text)?;
            }
            text.push('}');
        }
        Value::Undefined => return Err(beyond()),
    }
    Ok(())
}

/// Whether it was most likely written without an exponent. (OPA prints a number as it was written,
/// and takes one with an exponent for a string.)
pub(super) fn is_plain(number: f64) -> bool {
    (1e-4..1e15).contains(&number.abs())
}

fn list<'v>(
    items: impl Iterator<Item = &'v Value>,
    [open, close]: [&str; 2],
    text: &mut String,
) -> Result<(), LimitError> {
    text.push_str(open);
    for (place, item) in items.enumerate() {
        text.push_str(if place == 0 { "" } else { ", " });
        write(item, text)?;
    }
    text.push_str(close);
    Ok(())
}

/// Quotes as Go does. Which characters beyond ASCII are printable is a table of Go's.
pub(super) fn quote(own: &str, text: &mut String) -> Result<(), LimitError> {
    text.push('"');
    for c in own.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            '\u{7}' => text.push_str("\\a"),
            '\u{8}' => text.push_str("\\b"),
            '\u{b}' => text.push_str("\\v"),
            '\u{c}' => text.push_str("\\f"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            ' '..='~' => text.push(c),
            _ if c.is_ascii() => text.push_str(&format!("\\x{:02x}", u32::from(c))),
            _ if is_printed(c) => text.push(c),
            _ => return Err(beyond()),
        }
    }
    text.push('"');
    Ok(())
}

/// A letter or a digit of a script that has not grown for long.
fn is_printed(c: char) -> bool {
    let is_of = matches!(
        c,
        '\u{a1}'..='\u{24f}' // Latin
        | '\u{370}'..='\u{52f}' // Greek, Cyrillic
        | '\u{3041}'..='\u{30ff}' // Hiragana, Katakana
        | '\u{4e00}'..='\u{9fd0}' // Han
        | '\u{ac00}'..='\u{d7a3}' // Hangul
    );
    is_of && c.is_alphanumeric()
}
