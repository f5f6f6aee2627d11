//! `count`, `indexof`, `replace`, `strings.count`, `strings.replace_n` and `substring` as in OPA,
//! which counts code points; regorus counts UTF-16 code units.

use regorus::unstable::BuiltinFcn;
use regorus::{LimitError, Value};

use super::beyond;
use crate::rego::growth::within;

pub(super) const BUILTINS: [(&str, BuiltinFcn); 6] = [
    ("count", (|_, _, args, _| Ok(count(args)), 1)),
    ("indexof", (|_, _, args, _| Ok(index_of(args)), 2)),
    ("replace", (|_, _, args, _| Ok(replace(args)?), 3)),
    ("strings.count", (|_, _, args, _| Ok(occurrences(args)), 2)),
    (
        "strings.replace_n",
        (|_, _, args, _| Ok(replace_each(args)?), 2),
    ),
    ("substring", (|_, _, args, _| Ok(substring(args)?), 3)),
];

fn count(args: &[Value]) -> Value {
    match args {
        [Value::String(text)] => text.chars().count().into(),
        [Value::Array(items)] => items.len().into(),
        [Value::Set(items)] => items.len().into(),
        [Value::Object(members)] => members.len().into(),
        _ => Value::Undefined,
    }
}

/// Undefined for an empty search string.
fn index_of(args: &[Value]) -> Value {
    match args {
        [Value::String(text), Value::String(search)] if !search.is_empty() => {
            let before = text.find(search.as_ref()).and_then(|at| text.get(..at));
            before.map_or(Value::from(-1), |before| before.chars().count().into())
        }
        _ => Value::Undefined,
    }
}

/// Without overlaps. An empty string occurs before, between and after the characters.
fn occurrences(args: &[Value]) -> Value {
    match args {
        [Value::String(text), Value::String(search)] if search.is_empty() => {
            text.chars().count().saturating_add(1).into()
        }
        [Value::String(text), Value::String(search)] => {
            text.matches(search.as_ref()).count().into()
        }
        _ => Value::Undefined,
    }
}

fn replace(args: &[Value]) -> Result<Value, LimitError> {
    let [Value::String(text), Value::String(old), Value::String(new)] = args else {
        return Ok(Value::Undefined);
    };
    if old.is_empty() && !text.is_ascii() {
        // OPA splits characters into bytes there.
        return Err(beyond());
    }
    let times = text.matches(old.as_ref()).count();
    within(text.len().saturating_add(times.saturating_mul(new.len())))?;
    Ok(text.replace(old.as_ref(), new).into())
}

/// Replaces, at each position, the first old string in name order that matches there. For an empty
/// old string Go has rules of its own.
fn replace_each(args: &[Value]) -> Result<Value, LimitError> {
    let [Value::Object(pairs), Value::String(text)] = args else {
        return Ok(Value::Undefined);
    };
    let mut replaced = Vec::with_capacity(pairs.len());
    for (old, new) in pairs.iter_sorted() {
        let (Value::String(old), Value::String(new)) = (old, new) else {
            return Ok(Value::Undefined);
        };
        if old.is_empty() {
            return Err(beyond());
        }
        replaced.push((old.as_ref(), new.as_ref()));
    }
    within(replaced.len().saturating_mul(text.len()))?;
    let mut made = String::new();
    let mut rest: &str = text;
    while let Some(first) = rest.chars().next() {
        let mut pairs = replaced.iter();
        let skipped = match pairs.find(|(old, _)| rest.starts_with(old)) {
            Some((old, new)) => {
                made.push_str(new);
                old.len()
            }
            None => {
                made.push(first);
                first.len_utf8()
            }
        };
        within(made.len())?;
        rest = rest.get(skipped..).unwrap_or_default();
    }
    Ok(made.into())
}

fn substring(args: &[Value]) -> Result<Value, LimitError> {
    let [Value::String(text), start, length] = args else {
        return Ok(Value::Undefined);
    };
    let (Some(start), Some(length)) = (whole(start), whole(length)) else {
        return Ok(Value::Undefined);
    };
    let Ok(skipped) = usize::try_from(start) else {
        return Ok(Value::Undefined);
    };
    let place = |nth| text.char_indices().nth(nth).map(|(at, _)| at);
    let Some(from) = place(skipped) else {
        return Ok("".into());
    };
    let end = if length < 0 {
        None
    } else if let Some(end) = start.checked_add(length) {
        usize::try_from(end).ok().and_then(place)
    } else if start == 0 {
        None
    } else {
        // OPA overflows here, and panics.
        return Err(beyond());
    };
    let part = text.get(from..end.unwrap_or(text.len()));
    Ok(part.map_or(Value::Undefined, Value::from))
}

/// Integers of up to 64 bits. A float too large to be exact was longer or was written with an
/// exponent: OPA accepts neither.
fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) if number.as_f64().is_some() => {
            number.as_i64().filter(|_| number.as_big().is_some())
        }
        Value::Number(number) => number.as_i64(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What OPA 1.20.2 answers.
    #[test]
    fn texts_are_counted_in_code_points() {
        assert_eq!(count(&["🎉x".into()]), 2.into());
        assert_eq!(count(&[vec![Value::Null].into()]), 1.into());
        assert_eq!(count(&[Value::Null]), Value::Undefined);
        for (text, search, index, times) in [
            ("aaa", "aa", Some(0), 1),
            ("é日é", "", None, 4),
            ("", "", None, 1),
            ("é日é", "日", Some(1), 1),
            ("🎉é日é", "é", Some(1), 2),
            ("abc", "d", Some(-1), 0),
        ] {
            let args = [text.into(), search.into()];
            let index = index.map_or(Value::Undefined, |index: i32| Value::from(index));
            assert_eq!(index_of(&args), index, "{text} {search}");
            assert_eq!(occurrences(&args), times.into(), "{text} {search}");
        }
    }

    /// What OPA 1.20.2 answers.
    #[test]
    fn a_part_of_a_text_is_cut_as_in_opa() {
        let end = Value::from(i64::MAX);
        for (text, start, length, part) in [
            ("ÀÉa", 1.into(), 1.into(), Some("É")),
            ("ÀÉa", 1.into(), (-1).into(), Some("Éa")),
            ("ÀÉa", 3.into(), 1.into(), Some("")),
            ("ÀÉa", 0.into(), end.clone(), Some("ÀÉa")),
            ("abc", 3.into(), end, Some("")),
            ("abc", 1.0.into(), 9.into(), Some("bc")),
            ("", (-1).into(), 1.into(), None),
            ("", 1.5.into(), 1.into(), None),
            ("abc", 1.into(), Value::from(1_u64 << 63), None),
            ("abc", 1e18.into(), 1.into(), None),
        ] {
            let of: [Value; 3] = [text.into(), start, length];
            let part = part.map_or(Value::Undefined, Value::from);
            assert_eq!(substring(&of).unwrap(), part, "{of:?}");
        }
    }

    #[test]
    fn where_opa_panics_the_evaluation_ends() {
        assert!(substring(&["abc".into(), 1.into(), i64::MAX.into()]).is_err());
    }
}
