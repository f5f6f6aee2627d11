//! `regex.find_n`, `regex.split` and `regex.replace`.

use regex::Captures;
use regorus::{LimitError, Value};

use super::kept::{self, Pattern};
use super::syntax::Refusal;
use super::{beyond, compile};
use crate::rego::fraction;
use crate::rego::growth::within;

/// Overhead of a string in an array, in bytes.
const ITEM_BYTES: usize = 16;

/// Runs a search with the compiled pattern; undefined if it is invalid.
fn with(
    pattern: &str,
    search: impl FnOnce(&Pattern) -> Result<Value, LimitError>,
) -> Result<Value, LimitError> {
    kept::regex(
        pattern,
        || compile(pattern),
        |compiled| match compiled {
            Ok(pattern) => search(pattern),
            Err(Refusal::Invalid) => Ok(Value::Undefined),
            Err(Refusal::Unknown) => Err(beyond()),
        },
    )
}

/// The first `count` matches, or all for a negative number.
pub(super) fn find(args: &[Value]) -> Result<Value, LimitError> {
    let [Value::String(pattern), Value::String(text), count] = args else {
        return Ok(Value::Undefined);
    };
    let Some(count) = fraction::whole(count) else {
        return match count {
            Value::Number(number) if number.is_integer() => Err(beyond()),
            _ => Ok(Value::Undefined),
        };
    };
    let most = usize::try_from(count).unwrap_or(usize::MAX);
    with(pattern, |pattern| {
        pattern.step_over(text)?;
        let found = pattern.regex().find_iter(text).take(most);
        list(found.map(|found| found.as_str()))
    })
}

/// As Go's `Split`: no empty part before an empty match at the beginning, nor after one at the end.
pub(super) fn split(args: &[Value]) -> Result<Value, LimitError> {
    let [Value::String(pattern), Value::String(text)] = args else {
        return Ok(Value::Undefined);
    };
    with(pattern, |compiled| {
        compiled.step_over(text)?;
        if text.is_empty() && !pattern.is_empty() {
            return list([""].into_iter());
        }
        let mut parts = Vec::new();
        let (mut begin, mut end) = (0, 0);
        for found in compiled.regex().find_iter(text) {
            end = found.start();
            if found.end() != 0 {
                parts.push(text.get(begin..end).unwrap_or_default());
            }
            begin = found.end();
        }
        if end != text.len() {
            parts.push(text.get(begin..).unwrap_or_default());
        }
        list(parts.into_iter())
    })
}

/// Ends the evaluation where versions of OPA differ in how they look for the next match: some take
/// the rest as if the text began there, and never end on an empty match.
pub(super) fn replace(args: &[Value]) -> Result<Value, LimitError> {
    let [
        Value::String(text),
        Value::String(pattern),
        Value::String(with_what),
    ] = args
    else {
        return Ok(Value::Undefined);
    };
    with(pattern, |compiled| {
        compiled.step_over(text)?;
        let (mut made, mut end) = (String::new(), 0);
        for found in compiled.regex().captures_iter(text) {
            let whole = found.get_match();
            if whole.is_empty() || looks_back(pattern) {
                return Err(beyond());
            }
            made.push_str(text.get(end..whole.start()).unwrap_or_default());
            expand(&found, with_what, &mut made)?;
            within(made.len())?;
            end = whole.end();
        }
        made.push_str(text.get(end..).unwrap_or_default());
        within(made.len())?;
        Ok(made.into())
    })
}

/// Whether a match may depend on what precedes it.
fn looks_back(pattern: &str) -> bool {
    let begins = pattern.matches('^').count() > pattern.matches("[^").count();
    begins
        || [r"\b", r"\B", r"\A"]
            .iter()
            .any(|place| pattern.contains(place))
}

/// Expands `$1`, `${1}` and `$$`. Named groups, and Go's other uses of `$`, end the evaluation.
fn expand(found: &Captures<'_>, with_what: &str, made: &mut String) -> Result<(), LimitError> {
    let mut parts = with_what.split('$');
    made.push_str(parts.next().unwrap_or_default());
    while let Some(part) = parts.next() {
        if part.is_empty() {
            let dollar = parts.next().ok_or_else(beyond)?;
            made.push('$');
            made.push_str(dollar);
            continue;
        }
        let (group, rest) = match part.strip_prefix('{') {
            Some(part) => part.split_once('}').ok_or_else(beyond)?,
            None => {
                let is_part = |c: char| c.is_alphanumeric() || c == '_';
                part.split_at(part.find(|c| !is_part(c)).unwrap_or(part.len()))
            }
        };
        if group.is_empty() || !group.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(beyond());
        }
        let group: usize = group.parse().map_err(|_| beyond())?;
        made.push_str(found.get(group).map_or("", |found| found.as_str()));
        made.push_str(rest);
    }
    Ok(())
}

fn list<'t>(texts: impl Iterator<Item = &'t str>) -> Result<Value, LimitError> {
    let mut bytes: usize = 0;
    let mut items = Vec::new();
    for text in texts {
        bytes = bytes.saturating_add(text.len()).saturating_add(ITEM_BYTES);
        within(bytes)?;
        items.push(Value::from(text));
    }
    Ok(items.into())
}
