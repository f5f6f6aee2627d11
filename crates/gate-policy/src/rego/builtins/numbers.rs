//! `ceil`, `floor`, `round`, `format_int`, `bits.…` and `numbers.range…` as in OPA.
//!
//! OPA has an integer beyond 64 bits in full or rounded, depending on how it was written: where
//! that matters, the evaluation ends.

use regorus::unstable::BuiltinFcn;
use regorus::{LimitError, Value};

use super::beyond;
use crate::rego::fraction::{self, Rounding};
use crate::rego::growth::within;

pub(super) const BUILTINS: [(&str, BuiltinFcn); 10] = [
    (
        "bits.and",
        (|_, _, args, _| Ok(bits(args, |a, b| a & b)?), 2),
    ),
    ("bits.negate", (|_, _, args, _| Ok(negate(args)?), 1)),
    (
        "bits.or",
        (|_, _, args, _| Ok(bits(args, |a, b| a | b)?), 2),
    ),
    (
        "bits.xor",
        (|_, _, args, _| Ok(bits(args, |a, b| a ^ b)?), 2),
    ),
    (
        "ceil",
        (|_, _, args, _| Ok(rounded(args, Rounding::Up)?), 1),
    ),
    (
        "floor",
        (|_, _, args, _| Ok(rounded(args, Rounding::Down)?), 1),
    ),
    ("format_int", (|_, _, args, _| Ok(format_int(args)?), 2)),
    ("numbers.range", (|_, _, args, _| Ok(range(args)?), 2)),
    ("numbers.range_step", (|_, _, args, _| Ok(range(args)?), 3)),
    (
        "round",
        (|_, _, args, _| Ok(rounded(args, Rounding::Nearest)?), 1),
    ),
];

fn rounded(args: &[Value], way: Rounding) -> Result<Value, LimitError> {
    match args {
        [number @ Value::Number(_)] => fraction::rounded(number, way).ok_or_else(beyond),
        _ => Ok(Value::Undefined),
    }
}

fn bits(args: &[Value], of: fn(i128, i128) -> i128) -> Result<Value, LimitError> {
    match args {
        [left, right] if is_whole(left) && is_whole(right) => {
            Ok(of(whole(left)?, whole(right)?).into())
        }
        _ => Ok(Value::Undefined),
    }
}

fn negate(args: &[Value]) -> Result<Value, LimitError> {
    match args {
        [number] if is_whole(number) => Ok((!whole(number)?).into()),
        _ => Ok(Value::Undefined),
    }
}

fn format_int(args: &[Value]) -> Result<Value, LimitError> {
    let [number @ Value::Number(_), base] = args else {
        return Ok(Value::Undefined);
    };
    let base = fraction::whole(base);
    if !matches!(base, Some(2 | 8 | 10 | 16)) {
        return Ok(Value::Undefined);
    }
    let number = if is_whole(number) {
        whole(number)?
    } else {
        whole(&rounded(std::slice::from_ref(number), Rounding::Cut)?)?
    };
    let sign = if number < 0 { "-" } else { "" };
    let magnitude = number.unsigned_abs();
    Ok(Value::from(match base {
        Some(2) => format!("{sign}{magnitude:b}"),
        Some(8) => format!("{sign}{magnitude:o}"),
        Some(16) => format!("{sign}{magnitude:x}"),
        _ => format!("{sign}{magnitude}"),
    }))
}

/// All numbers from one to the other, up or down, in steps of one by default.
fn range(args: &[Value]) -> Result<Value, LimitError> {
    /// Bytes of a number in an array.
    const ITEM_BYTES: usize = 16;
    if !args.iter().all(is_whole) {
        return Ok(Value::Undefined);
    }
    let (from, to, step) = match args {
        [from, to] => (whole(from)?, whole(to)?, 1),
        [from, to, step] => (whole(from)?, whole(to)?, whole(step)?),
        _ => return Ok(Value::Undefined),
    };
    let Ok(step) = u128::try_from(step) else {
        return Ok(Value::Undefined);
    };
    let Some(steps) = from.abs_diff(to).checked_div(step) else {
        return Ok(Value::Undefined);
    };
    let count = usize::try_from(steps)
        .unwrap_or(usize::MAX)
        .saturating_add(1);
    within(count.saturating_mul(ITEM_BYTES))?;
    let numbers = (0..=steps).map(|nth| {
        let far = i128::try_from(nth.checked_mul(step)?).ok()?;
        if from <= to {
            from.checked_add(far)
        } else {
            from.checked_sub(far)
        }
    });
    let numbers: Option<Vec<Value>> = numbers.map(|number| number.map(Value::from)).collect();
    numbers.map(Value::from).ok_or_else(beyond)
}

fn is_whole(value: &Value) -> bool {
    matches!(value, Value::Number(number) if number.is_integer())
}

fn whole(value: &Value) -> Result<i128, LimitError> {
    fraction::whole(value).ok_or_else(beyond)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Value {
        Value::from_numeric_string(text).unwrap()
    }

    /// What OPA 1.20.2 answers.
    #[test]
    fn whole_numbers_are_written_as_in_opa() {
        for (text, base, expected) in [
            ("-10.7", "10", Some("-10")),
            ("-0.5", "10", Some("0")),
            ("-255", "16", Some("-ff")),
            ("9223372036854775808", "8", Some("1000000000000000000000")),
            ("-18446744073709551616", "2", None),
            ("10", "3", None),
            ("10", "10.5", None),
        ] {
            let written = format_int(&[number(text), number(base)]).unwrap();
            let expected = match (expected, base) {
                (None, "2") => Value::from(format!("-1{}", "0".repeat(64))),
                (expected, _) => expected.map_or(Value::Undefined, Value::from),
            };
            assert_eq!(written, expected, "{text} {base}");
        }
    }

    /// What OPA 1.20.2 answers.
    #[test]
    fn bits_are_those_of_whole_numbers() {
        let and = |a, b| bits(&[number(a), number(b)], |a, b| a & b);
        assert_eq!(and("100", "7").unwrap(), 4.into());
        assert_eq!(
            and("-1", "18446744073709551616").unwrap(),
            number("18446744073709551616")
        );
        assert_eq!(and("1.5", "1").unwrap(), Value::Undefined);
        assert_eq!(negate(&[number("0")]).unwrap(), (-1).into());
        assert_eq!(negate(&[Value::Null]).unwrap(), Value::Undefined);
    }

    #[test]
    fn where_it_matters_how_it_is_written_the_evaluation_ends() {
        let large = number("1000000000000000000000000000000");
        assert!(format_int(&[large.clone(), 10.into()]).is_err());
        assert!(negate(&[large]).is_err());
    }
}
