//! Rounding to integers, and reading numbers from strings.

use regorus::{LimitError, Value};

use super::extended::Extended;
use super::{Decimal, EXACT_DIGITS, exact, keep, operand, too_long};

/// The direction of rounding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rego) enum Rounding {
    Cut,
    Up,
    Down,
    Nearest,
}

/// Rounds as OPA does: it truncates first, and a result of 0 has lost its sign. So `ceil(-0.5)` is
/// 1 there, and `floor(-0.5)` is 0. `None` if it is not a number, or beyond what is computed here.
pub(in crate::rego) fn rounded(value: &Value, way: Rounding) -> Option<Value> {
    let Value::Number(number) = value else {
        return None;
    };
    // An integer with a float form is what was written.
    if number.is_integer() && number.as_f64().is_some() {
        return Some(value.clone());
    }
    let exact = match operand(value) {
        Some(exact) => exact,
        None if number.is_integer() => return None,
        // So small that it only matters that it is not 0.
        None => Extended::of_decimal(!number.is_positive(), 1, -2)?,
    };
    let exact = match way {
        Rounding::Nearest => exact.away_by_half(),
        _ => exact,
    };
    let cut = exact.cut();
    let whole = cut.whole()?;
    let is_less = cut != exact;
    Some(Value::from(match way {
        Rounding::Up if is_less && whole >= 0 => whole.checked_add(1)?,
        Rounding::Down if is_less && whole < 0 => whole.checked_sub(1)?,
        _ => whole,
    }))
}

/// An integer that OPA has as the same however it is written: `1e30` has a 64-bit mantissa there,
/// plain digits are exact. `None` for any other number.
pub(in crate::rego) fn whole(value: &Value) -> Option<i128> {
    let Value::Number(number) = value else {
        return None;
    };
    if !number.is_integer() {
        return None;
    }
    let float = number.as_f64().filter(|_| number.as_big().is_none());
    let whole = match float.map(Decimal::of) {
        None => number.as_i128()?,
        Some(decimal) if decimal.count <= EXACT_DIGITS => decimal.whole()?,
        // Another number may have been written.
        Some(_) => return None,
    };
    let magnitude = whole.unsigned_abs();
    let bits = magnitude.checked_ilog2().unwrap_or(0).saturating_add(1);
    let is_same = bits.saturating_sub(magnitude.trailing_zeros()) <= u64::BITS;
    is_same.then_some(whole)
}

/// Decimals of up to this many digits are distinct with 64-bit mantissas.
const TOLD_DIGITS: usize = 18;
/// The longest number in a string, in bytes.
const MAX_DIGITS: usize = 1_000;

/// Reads a decimal number (`exact::is_decimal`). Fails if it cannot be kept.
pub(in crate::rego) fn written(text: &str) -> Result<Value, LimitError> {
    if text.len() > MAX_DIGITS {
        return Err(too_long());
    }
    let digits = text.trim_start_matches(['+', '-']);
    if digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Value::from_numeric_string(text).map_err(|_| too_long());
    }
    // Longer decimals may coincide in 64 bits and differ in OPA.
    let is_told = exact::decimal(text).is_some_and(|(digits, _)| digits.len() <= TOLD_DIGITS);
    if let (true, Some(value)) = (is_told, keep(exact::read(text))?) {
        return Ok(value);
    }
    match text.parse::<f64>() {
        Ok(float) if exact::is_exact(text) => Ok(match float {
            0.0 => Value::from(0),
            _ => Value::from(float),
        }),
        _ => Err(too_long()),
    }
}

/// A number times a unit as OPA multiplies: with 64-bit mantissas, truncated to an integer.
pub(in crate::rego) fn units(text: &str, unit: u64) -> Option<i128> {
    let (digits, power) = exact::decimal(text)?;
    let places = i64::try_from(digits.len()).ok()?.checked_add(power)?;
    // A unit has 19 digits at the most.
    if digits.is_empty() || places < -19 {
        return Some(0);
    }
    let unit = Extended::of_whole(unit.into());
    exact::read(text)?.times(unit).cut().exact()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Value {
        Value::from_numeric_string(text).unwrap()
    }

    /// What OPA 1.20.2 answers.
    #[test]
    fn numbers_are_rounded_as_in_opa() {
        for (text, up, down, nearest) in [
            ("-0.5", 1, 0, -1),
            ("-0.4", 1, 0, 0),
            ("-1.5", -1, -2, -2),
            ("2.5", 3, 2, 3),
            ("7", 7, 7, 7),
            ("1e-30", 1, 0, 0),
            ("-1e-30", 1, 0, 0),
            ("0.49999999999999994", 1, 0, 0),
            ("123456789.5", 123_456_790, 123_456_789, 123_456_790),
            (
                "9223372036854775809",
                9_223_372_036_854_775_809,
                9_223_372_036_854_775_809,
                9_223_372_036_854_775_810,
            ),
            (
                "36893488147419103233",
                36_893_488_147_419_103_232,
                36_893_488_147_419_103_232,
                36_893_488_147_419_103_232,
            ),
        ] {
            let value = number(text);
            for (way, expected) in [
                (Rounding::Up, up),
                (Rounding::Down, down),
                (Rounding::Nearest, nearest),
            ] {
                let whole: i128 = expected;
                assert_eq!(rounded(&value, way), Some(whole.into()), "{text} {way:?}");
            }
        }
        assert_eq!(
            rounded(&Value::from(1e100), Rounding::Up),
            Some(1e100.into())
        );
        assert_eq!(rounded(&Value::Null, Rounding::Up), None);
    }

    #[test]
    fn a_whole_number_is_the_same_however_it_is_written() {
        assert_eq!(whole(&number("18446744073709551616")), Some(1 << 64));
        assert_eq!(whole(&number("18446744073709551617")), None);
        assert_eq!(
            whole(&Value::from(1e21)),
            Some(1_000_000_000_000_000_000_000)
        );
        assert_eq!(whole(&Value::from(2.0)), Some(2));
        assert_eq!(whole(&Value::from(2.5)), None);
    }
}
