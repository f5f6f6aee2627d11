//! Parses one member's value: JSON type, then domain type; errors name the member.

use std::borrow::Cow;

use gate_types::{AmountError, IdError, NetNotional, Price, Qty, Side};
use serde_json::value::RawValue;

use crate::problem::{Code, Problem};

/// The member, or the problem that it is missing.
pub(super) fn required<T>(member: Option<T>, path: &'static str) -> Result<T, Problem> {
    member.ok_or_else(|| Problem::of_member(Code::MissingMember, path, "is missing"))
}

/// A string, borrowed unless it has an escape.
pub(super) fn text<'a>(raw: &'a RawValue, path: &'static str) -> Result<Cow<'a, str>, Problem> {
    let json = raw.get();
    let Some(inner) = json
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    else {
        return Err(invalid(path, "must be a string"));
    };
    if inner.contains('\\') {
        // A lone surrogate is valid JSON and no text (RFC 8259 §8.2).
        return serde_json::from_str(json)
            .map(Cow::Owned)
            .map_err(|_| invalid(path, "must be valid Unicode text"));
    }
    Ok(Cow::Borrowed(inner))
}

/// An id or a symbol.
pub(super) fn id<'a, T>(
    raw: &'a RawValue,
    path: &'static str,
    check: impl FnOnce(Cow<'a, str>) -> Result<T, IdError>,
) -> Result<T, Problem> {
    check(text(raw, path)?).map_err(|error| invalid(path, error))
}

/// `BUY` or `SELL`.
pub(super) fn side(raw: &RawValue, path: &'static str) -> Result<Side, Problem> {
    Side::parse(&text(raw, path)?).map_err(|error| invalid(path, error))
}

/// `true` or `false`.
pub(super) fn flag(raw: &RawValue, path: &'static str) -> Result<bool, Problem> {
    match raw.get() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(invalid(path, "must be true or false")),
    }
}

pub(super) fn qty(raw: &RawValue, path: &'static str) -> Result<Qty, Problem> {
    amount(raw, path, Qty::parse)
}

pub(super) fn price(raw: &RawValue, path: &'static str) -> Result<Price, Problem> {
    amount(raw, path, Price::parse)
}

/// A net amount, negative when short.
pub(super) fn net(raw: &RawValue, path: &'static str) -> Result<NetNotional, Problem> {
    amount(raw, path, NetNotional::parse)
}

/// An exact decimal: a JSON number, or a string that contains one. Read from the text's digits,
/// never through a float.
fn amount<T>(
    raw: &RawValue,
    path: &'static str,
    parse: impl FnOnce(&str) -> Result<T, AmountError>,
) -> Result<T, Problem> {
    let json = raw.get();
    let is_text = json.starts_with('"');
    let digits = if is_text {
        text(raw, path)?
    } else {
        Cow::Borrowed(json)
    };
    if !is_text && !json.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
        return Err(invalid(
            path,
            "must be a number, or a string with a number in it",
        ));
    }
    parse(&digits).map_err(|error| invalid(path, error))
}

fn invalid(path: &'static str, what: impl std::fmt::Display) -> Problem {
    Problem::of_member(Code::InvalidMember, path, what)
}
