//! `units.parse_bytes` and `units.parse` as in OPA: the former with 64-bit mantissas and truncated
//! to an integer, the latter exact to ten decimal places.

use regorus::unstable::BuiltinFcn;
use regorus::{LimitError, Value};

use super::{beyond, letters};
use crate::rego::fraction;

pub(super) const BUILTINS: [(&str, BuiltinFcn); 2] = [
    ("units.parse", (|_, _, args, _| Ok(parse(args)?), 1)),
    (
        "units.parse_bytes",
        (|_, _, args, _| Ok(parse_bytes(args)?), 1),
    ),
];

/// The longest amount, in bytes: what comes of it can still be written as JSON.
const MAX_DIGITS: usize = 200;
/// The largest exponent, either way.
const MAX_EXPONENT: i32 = 99;
/// OPA refuses longer exponents.
const MAX_EXPONENT_DIGITS: usize = 6;
/// The decimal places of a fraction.
const PLACES: usize = 10;

fn parse(args: &[Value]) -> Result<Value, LimitError> {
    let [Value::String(text)] = args else {
        return Ok(Value::Undefined);
    };
    let text = text.replace('"', "");
    let Some((amount, unit)) = parts(&text) else {
        return Ok(Value::Undefined);
    };
    // `m` and `M` are two units.
    let mut letters = unit.chars();
    let first = letters.next();
    let unit: String = first
        .into_iter()
        .chain(letters.map(letters::lower))
        .collect();
    match factor(&unit) {
        Some(factor) if fraction::is_decimal(amount) => {
            check(amount)?;
            times(amount, &factor)
        }
        _ => Ok(Value::Undefined),
    }
}

fn parse_bytes(args: &[Value]) -> Result<Value, LimitError> {
    let [Value::String(text)] = args else {
        return Ok(Value::Undefined);
    };
    let text = text.chars().map(letters::lower).collect::<String>();
    let text = text.replace('"', "");
    let Some((amount, unit)) = parts(&text) else {
        return Ok(Value::Undefined);
    };
    let name = match unit.strip_suffix('b') {
        Some("") => return Ok(Value::Undefined),
        Some(name) => name,
        None => unit,
    };
    // No thousandth: `m` is a million here.
    let unit = match name {
        "m" => Some(1_000_000),
        _ => whole_factor(name),
    };
    match unit {
        Some(unit) if fraction::is_decimal(amount) => {
            check(amount)?;
            let bytes = fraction::units(amount, unit);
            bytes.map(Value::from).ok_or_else(beyond)
        }
        _ => Ok(Value::Undefined),
    }
}

/// Splits amount and unit; `None` where OPA has neither.
fn parts(text: &str) -> Option<(&str, &str)> {
    if text.contains(' ') {
        return None;
    }
    let (amount, unit) = text.split_at_checked(end_of_amount(text)?)?;
    (!amount.is_empty()).then_some((amount, unit))
}

/// An `e` before digits or a sign belongs to the amount, any other is the unit's.
fn end_of_amount(text: &str) -> Option<usize> {
    let mut bytes = text.bytes().enumerate().peekable();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'0'..=b'9' | b'.' | b'+' | b'-' => {}
            b'e' | b'E' => {
                let is_exponent = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-');
                if !bytes.peek().is_some_and(|(_, next)| is_exponent(next)) {
                    return Some(at);
                }
                bytes.next_if(|(_, next)| matches!(next, b'+' | b'-'));
                let rest = bytes.peek().and_then(|(at, _)| text.get(*at..));
                let digits = rest.unwrap_or_default().bytes();
                if digits.take_while(u8::is_ascii_digit).count() > MAX_EXPONENT_DIGITS {
                    return None;
                }
            }
            _ => return Some(at),
        }
    }
    Some(text.len())
}

/// Ends the evaluation where an amount is too long or too large.
fn check(amount: &str) -> Result<(), LimitError> {
    let exponent = amount
        .split_once(['e', 'E'])
        .map(|(_, power)| power.parse());
    let is_small = match exponent {
        Some(Ok(power)) => (-MAX_EXPONENT..=MAX_EXPONENT).contains(&power),
        Some(Err(_)) => false,
        None => true,
    };
    if is_small && amount.len() <= MAX_DIGITS {
        Ok(())
    } else {
        Err(beyond())
    }
}

/// A fraction over a power of two.
struct Factor {
    over: u64,
    under: u64,
}

fn factor(unit: &str) -> Option<Factor> {
    if unit == "m" {
        // The `f64` nearest to a thousandth.
        return Some(Factor {
            over: 1_152_921_504_606_847,
            under: 1 << 60,
        });
    }
    let over = match unit {
        "M" => 1_000_000,
        _ => whole_factor(&unit.to_ascii_lowercase())?,
    };
    Some(Factor { over, under: 1 })
}

/// Without `m`, which means different things to the two builtins.
fn whole_factor(unit: &str) -> Option<u64> {
    Some(match unit {
        "" => 1,
        "k" => 1_000,
        "ki" => 1 << 10,
        "mi" => 1 << 20,
        "g" => 1_000_000_000,
        "gi" => 1 << 30,
        "t" => 1_000_000_000_000,
        "ti" => 1 << 40,
        "p" => 1_000_000_000_000_000,
        "pi" => 1 << 50,
        "e" => 1_000_000_000_000_000_000,
        "ei" => 1 << 60,
        _ => return None,
    })
}

/// Multiplies exactly; a fraction is rounded to ten places, halves away from zero.
fn times(amount: &str, factor: &Factor) -> Result<Value, LimitError> {
    let (digits, power) = fraction::decimal(amount).ok_or_else(beyond)?;
    if digits.is_empty() {
        return Ok(0.into());
    }
    let is_negative = amount.starts_with('-');
    let (over, under) = ratio(&digits, power, factor).ok_or_else(beyond)?;
    if let Some(whole) = quotient(&over, &under) {
        let signed = if is_negative {
            negative(&whole)
        } else {
            Some(whole)
        };
        return signed.ok_or_else(beyond);
    }
    let places = rounded(&over, &under).ok_or_else(beyond)?;
    let places = format!("{places:0>width$}", width = PLACES + 1);
    let point = places.len().saturating_sub(PLACES);
    let (whole, places) = places.split_at_checked(point).ok_or_else(beyond)?;
    let sign = if is_negative { "-" } else { "" };
    fraction::written(&format!("{sign}{whole}.{places}"))
}

/// The product as a fraction of two integers.
fn ratio(digits: &str, power: i64, factor: &Factor) -> Option<(Value, Value)> {
    let tens = |power: i64| format!("1{}", "0".repeat(usize::try_from(power).unwrap_or(0)));
    let over = product(&number(digits)?, &number(&tens(power))?)?;
    let under = number(&tens(power.checked_neg()?))?;
    Some((
        product(&over, &factor.over.into())?,
        product(&under, &factor.under.into())?,
    ))
}

/// The quotient rounded to ten places, in units of the last.
fn rounded(over: &Value, under: &Value) -> Option<String> {
    let over = sum(&product(over, &number("20000000000")?)?, under)?;
    let under = product(under, &2.into())?;
    let rest = rest(&over, &under)?;
    let places = quotient(&sum(&over, &negative(&rest)?)?, &under)?;
    Some(places.as_number().ok()?.format_decimal())
}

fn number(text: &str) -> Option<Value> {
    Value::from_numeric_string(text).ok()
}

fn sum(left: &Value, right: &Value) -> Option<Value> {
    let sum = left.as_number().ok()?.add(right.as_number().ok()?);
    sum.ok().map(Value::from)
}

fn product(left: &Value, right: &Value) -> Option<Value> {
    let product = left.as_number().ok()?.mul(right.as_number().ok()?);
    product.ok().map(Value::from)
}

fn rest(left: &Value, right: &Value) -> Option<Value> {
    let rest = left
        .as_number()
        .ok()?
        .clone()
        .modulo(right.as_number().ok()?);
    rest.ok().map(Value::from)
}

fn negative(value: &Value) -> Option<Value> {
    product(value, &(-1).into())
}

/// The quotient, if it is an integer.
fn quotient(left: &Value, right: &Value) -> Option<Value> {
    if rest(left, right)? != 0.into() {
        return None;
    }
    let quotient = left
        .as_number()
        .ok()?
        .clone()
        .divide(right.as_number().ok()?);
    quotient.ok().map(Value::from)
}

#[cfg(test)]
mod tests;
