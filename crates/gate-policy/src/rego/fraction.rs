//! Arithmetic on fractions, so that policies decide as in OPA.
//!
//! OPA parses numbers as written and computes with 64-bit mantissas (Go's `big.Float`): `0.1 + 0.2`
//! is `0.3` there, and `15.3 / 3` is `5.1`. Here a fraction is an `f64`. So an operation is
//! computed as in OPA (`extended.rs`), and the result becomes the `f64` that compares with every
//! decimal of up to fifteen digits as OPA's result does: the nearest, or its neighbour on the right
//! side where the nearest is that of such a decimal and OPA's result is not (`100.3 - 100`, which
//! is a little more than 0.3). What an `f64` drops is kept in a side table (`beside.rs`) for later
//! operations of the same evaluation (`1 / 3 * 3`).
//!
//! From 2^52 on, where an `f64` has no fractional bits, the result is the nearest integer.

mod beside;
mod exact;
mod extended;
mod inexact;
mod whole;

use std::cmp::Ordering;

use regorus::{LimitError, Value};

use super::growth::too_long;
pub(crate) use beside::begin;
pub(super) use exact::{decimal, is_decimal, is_exact};
use extended::{Extended, F64_BITS};
pub(crate) use inexact::Inexact;
pub(super) use whole::{Rounding, rounded, units, whole, written};

/// Decimals of up to this many digits survive a round trip through an `f64`.
const EXACT_DIGITS: usize = 15;
/// 2^52: from here on a float is a whole number, and soon not each of them.
pub(super) const LARGE: f64 = 4_503_599_627_370_496.0;

/// `None` leaves it to the engine; an error ends the evaluation.
type Answer = Result<Option<Value>, LimitError>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Add,
    Sub,
    Mul,
    Div,
}

/// Computes as OPA does. `None` leaves it to the engine: integers with an integer result, and
/// numbers beyond what is computed here.
pub(super) fn apply(operation: Operation, left: &Value, right: &Value) -> Answer {
    let (Value::Number(a), Value::Number(b)) = (left, right) else {
        return Ok(None);
    };
    if a.is_integer() && b.is_integer() {
        if let Some(large) = large_whole(operation, left, right) {
            return Ok(Some(Value::from(large)));
        }
        let rest = || a.clone().modulo(b).ok()?.as_i128();
        if operation != Operation::Div || rest() == Some(0) {
            return Ok(None);
        }
    }
    let result = operand(left)
        .zip(operand(right))
        .and_then(|(left, right)| match operation {
            Operation::Add => Some(left.plus(right)),
            Operation::Sub => Some(left.plus(right.negated())),
            Operation::Mul => Some(left.times(right)),
            Operation::Div => left.over(right),
        });
    keep(result)
}

/// The result for two integers, where it is large: the engine may have one as a float (`1.5e9`) and
/// would round to 53 bits.
fn large_whole(operation: Operation, left: &Value, right: &Value) -> Option<i128> {
    let (Value::Number(a), Value::Number(b)) = (left, right) else {
        return None;
    };
    // `as_f64` gives nothing for an integer of more bits than a float has.
    let magnitude = |of: Option<f64>| of.map_or(f64::INFINITY, f64::abs);
    let (size_a, size_b) = (magnitude(a.as_f64()), magnitude(b.as_f64()));
    let is_large = match operation {
        Operation::Add | Operation::Sub => size_a + size_b >= LARGE,
        Operation::Mul => size_a * size_b >= LARGE,
        Operation::Div => false,
    };
    if !is_large {
        return None;
    }
    let (a, b) = (a.as_i128()?, b.as_i128()?);
    match operation {
        Operation::Add => a.checked_add(b),
        Operation::Sub => a.checked_sub(b),
        Operation::Mul => a.checked_mul(b),
        Operation::Div => None,
    }
}

/// `abs`, `sum` and `product`; `None` leaves it to the engine.
pub(super) fn builtin(name: &str, of: &[Value]) -> Answer {
    match (name, of) {
        ("abs", [value]) if is_fraction(value) => keep(operand(value).map(Extended::magnitude)),
        ("sum" | "product", [Value::Array(items)]) => fold(name, items.iter().collect()),
        ("sum" | "product", [Value::Set(items)]) => fold(name, items.iter().collect()),
        _ => Ok(None),
    }
}

fn fold(name: &str, items: Vec<&Value>) -> Answer {
    if !items.iter().any(|value| is_fraction(value)) {
        return Ok(None);
    }
    let mut items = items.into_iter().map(operand);
    if name == "sum" {
        // OPA rounds to a decimal only at the end.
        return keep(items.try_fold(Extended::ZERO, |sum, item| Some(sum.plus(item?))));
    }
    // OPA multiplies with the mantissas of an `f64` here.
    let product = items.try_fold(Extended::ONE, |all, item| {
        Some(all.times_in(item?, F64_BITS))
    });
    let is_zero = product == Some(Extended::ZERO);
    let product = product.and_then(Extended::to_f64);
    if product == Some(0.0) && !is_zero {
        return Err(too_long());
    }
    let product = product.map(|product| {
        beside::clear(product);
        let whole = (product.fract() == 0.0).then(|| Decimal::of(product).whole());
        whole
            .flatten()
            .map_or_else(|| Value::from(product), Value::from)
    });
    Ok(product)
}

/// Whether the answer is undefined or 0 only because it is out of a float's range: OPA has a
/// number.
pub(super) fn is_lost(name: &str, of: &[Value], answer: Option<&Value>) -> bool {
    let is_number = |value: &Value| matches!(value, Value::Number(_));
    let zero = Value::from(0);
    let (are_numbers, have_zero) = match (name, of) {
        ("abs", [value]) => (is_number(value), *value == zero),
        ("sum" | "product", [Value::Array(items)]) => {
            (items.iter().all(is_number), items.contains(&zero))
        }
        ("sum" | "product", [Value::Set(items)]) => {
            (items.iter().all(is_number), items.contains(&zero))
        }
        _ => return false,
    };
    match answer {
        None | Some(Value::Undefined) => are_numbers,
        Some(answer) => name == "product" && *answer == zero && !have_zero,
    }
}

fn is_fraction(value: &Value) -> bool {
    matches!(value, Value::Number(number) if !number.is_integer())
}

/// The float that is nearest to OPA's number.
pub(super) fn nearest(value: &Value) -> Option<f64> {
    let Value::Number(number) = value else {
        return None;
    };
    let float = number.as_f64()?;
    beside::recall(float).map_or(Some(float), Extended::to_f64)
}

/// Whether OPA's number has more digits than the float.
pub(super) fn is_rounded(value: &Value) -> bool {
    matches!(value, Value::Number(number) if number.as_f64().and_then(beside::recall).is_some())
}

/// A number as OPA has it.
fn operand(value: &Value) -> Option<Extended> {
    let Value::Number(number) = value else {
        return None;
    };
    if number.is_integer() {
        return number.as_i128().map(Extended::of_whole);
    }
    let float = number.as_f64()?;
    beside::recall(float).or_else(|| Decimal::of(float).extended())
}

/// The number that compares as OPA's result does.
fn keep(result: Option<Extended>) -> Answer {
    let Some(result) = result else {
        return Ok(None);
    };
    if let Some(whole) = result.whole() {
        return Ok(Some(Value::from(whole)));
    }
    let Some(nearest) = result.to_f64() else {
        return Ok(None);
    };
    if nearest == 0.0 {
        // It is not 0 in OPA.
        return Err(too_long());
    }
    if nearest.abs() >= LARGE {
        let whole = result.nearest_whole().map(Value::from);
        return Ok(Some(whole.unwrap_or_else(|| Value::from(nearest))));
    }
    // Halfway between two floats, it may be the decimal of either.
    let others = [nearest, nearest.next_up(), nearest.next_down()];
    let is_it = |float: &f64| Decimal::of(*float).extended() == Some(result);
    if let Some(it) = others.into_iter().find(is_it) {
        beside::clear(it);
        return Ok(Some(Value::from(it)));
    }
    let decimal = Decimal::of(nearest);
    let side = decimal
        .extended()
        .and_then(|read| result.partial_cmp(&read));
    let kept = match side {
        // A decimal of more digits than comparisons have to be right for.
        _ if decimal.count > EXACT_DIGITS && nearest.fract() != 0.0 => nearest,
        Some(Ordering::Less) => nearest.next_down(),
        Some(Ordering::Greater) => nearest.next_up(),
        _ => nearest,
    };
    beside::keep(kept, result)?;
    Ok(Some(Value::from(kept)))
}

/// Whether a number in the value has an entry in the side table, which ends with the evaluation.
pub(super) fn is_kept_beside(value: &Value) -> bool {
    match value {
        Value::Number(number) if !number.is_integer() => {
            number.as_f64().and_then(beside::recall).is_some()
        }
        Value::Array(items) => items.iter().any(is_kept_beside),
        Value::Set(items) => items.iter().any(is_kept_beside),
        Value::Object(members) => members
            .iter()
            .any(|(name, member)| is_kept_beside(name) || is_kept_beside(member)),
        _ => false,
    }
}

/// Integers of more than 64 bits are read from JSON as floats: restores what was written.
pub(super) fn make_whole(value: &mut Value) {
    if let Ok(items) = value.as_array_mut() {
        items.iter_mut().for_each(make_whole);
    } else if let Ok(members) = value.as_object_mut() {
        for (_, member) in members.iter_mut() {
            make_whole(member);
        }
    } else if let Value::Number(number) = value
        && number.is_integer()
        && let Some(float) = number.as_f64().filter(|float| float.abs() >= LARGE)
        && let Some(whole) = Decimal::of(float).whole()
    {
        *value = Value::from(whole);
    }
}

/// The shortest decimal of an `f64`: digits and a power of ten.
struct Decimal {
    is_negative: bool,
    digits: u64,
    count: usize,
    power: i32,
}

impl Decimal {
    fn of(value: f64) -> Self {
        let text = format!("{:e}", value.abs());
        let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
        let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
        let after_point = i32::try_from(digits.len()).unwrap_or(i32::MAX);
        let power = power.parse::<i32>().unwrap_or(i32::MAX);
        Self {
            is_negative: value < 0.0,
            digits: digits.parse().unwrap_or(u64::MAX),
            count: digits.len(),
            power: power.saturating_sub(after_point).saturating_add(1),
        }
    }

    fn whole(&self) -> Option<i128> {
        let ten = 10_i128.checked_pow(u32::try_from(self.power).ok()?)?;
        let magnitude = i128::from(self.digits).checked_mul(ten)?;
        Some(if self.is_negative {
            -magnitude
        } else {
            magnitude
        })
    }

    /// `None` beyond the powers that are computed with.
    fn extended(&self) -> Option<Extended> {
        Extended::of_decimal(self.is_negative, self.digits.into(), self.power)
    }
}

#[cfg(test)]
mod tests;
