//! Arithmetic on fractions, so that it decides as in OPA.
//!
//! OPA reads a number as it is written and computes with mantissas of 64 bits (Go's `big.Float`): `0.1 + 0.2` is
//! `0.3` there, and `15.3 / 3` is `5.1`. A fraction here is an `f64`. So an operation is computed as OPA does
//! (`extended.rs`), and what is kept is an `f64` that compares with every decimal of up to fifteen digits
//! as OPA's result does: the nearest, or its neighbour on the right side where the nearest is that of such a
//! decimal and OPA's result is not (`100.3 - 100`, which is a little more than 0.3). What an `f64` leaves out is kept
//! beside the evaluation, for the operations to come (`1 / 3 * 3`).
//!
//! From 2^52 on, where an `f64` has no place after the point, the nearest whole number is kept.

mod beside;
mod extended;
mod held;

use std::cmp::Ordering;

use regorus::Value;

pub(crate) use beside::forget;
use extended::{Extended, F64_BITS};
pub(super) use held::{is_held, not_held};

/// So many digits of any decimal come back from an `f64`.
const EXACT_DIGITS: usize = 15;
/// 2^52.
const LARGE: f64 = 4_503_599_627_370_496.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Add,
    Sub,
    Mul,
    Div,
}

/// `None` where it is the engine's own: of whole numbers that come to one, and beyond what is computed here.
pub(super) fn apply(operation: Operation, left: &Value, right: &Value) -> Option<Value> {
    let (Value::Number(a), Value::Number(b)) = (left, right) else {
        return None;
    };
    if a.is_integer() && b.is_integer() {
        let rest = || a.clone().modulo(b).ok()?.as_i128();
        if operation != Operation::Div || rest() == Some(0) {
            return None;
        }
    }
    let (left, right) = (operand(left)?, operand(right)?);
    let result = match operation {
        Operation::Add => left.plus(right),
        Operation::Sub => left.plus(right.negated()),
        Operation::Mul => left.times(right),
        Operation::Div => left.over(right)?,
    };
    keep(result)
}

/// `sum` and `product`; `None` where it is the engine's own.
pub(super) fn builtin(name: &str, of: &[Value]) -> Option<Value> {
    if !matches!(name, "sum" | "product") {
        return None;
    }
    let items: Vec<&Value> = match of {
        [Value::Array(items)] => items.iter().collect(),
        [Value::Set(items)] => items.iter().collect(),
        _ => return None,
    };
    let is_fraction = |value: &&Value| matches!(value, Value::Number(n) if !n.is_integer());
    if !items.iter().any(is_fraction) {
        return None;
    }
    let mut items = items.into_iter().map(operand);
    if name == "sum" {
        // OPA rounds it to decimals at the end only.
        let sum = items.try_fold(Extended::ZERO, |sum, item| Some(sum.plus(item?)))?;
        return keep(sum);
    }
    // OPA's has the mantissa of an `f64`.
    let product = items.try_fold(Extended::ONE, |all, item| {
        Some(all.times_in(item?, F64_BITS))
    })?;
    let whole = product.whole().map(Value::from);
    whole.or_else(|| Some(Value::from(product.to_f64()?)))
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

/// OPA's result as the number that compares as it does.
fn keep(result: Extended) -> Option<Value> {
    if let Some(whole) = result.whole() {
        return Some(Value::from(whole));
    }
    let nearest = result.to_f64()?;
    if nearest.abs() >= LARGE {
        let whole = result.nearest_whole();
        return Some(whole.map_or_else(|| Value::from(nearest), Value::from));
    }
    // Half way between two, it may be the decimal of either.
    let others = [nearest, nearest.next_up(), nearest.next_down()];
    let is_it = |float: &f64| Decimal::of(*float).extended() == Some(result);
    if let Some(it) = others.into_iter().find(is_it) {
        return Some(Value::from(it));
    }
    let decimal = Decimal::of(nearest);
    let side = decimal
        .extended()
        .and_then(|read| result.partial_cmp(&read));
    let kept = match side {
        // Not a decimal that anything is compared with.
        _ if decimal.count > EXACT_DIGITS && nearest.fract() != 0.0 => nearest,
        Some(Ordering::Less) => nearest.next_down(),
        Some(Ordering::Greater) => nearest.next_up(),
        _ => nearest,
    };
    beside::keep(kept, result);
    Some(Value::from(kept))
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

    /// `None` beyond the powers that are computed with.
    fn extended(&self) -> Option<Extended> {
        Extended::of_decimal(self.is_negative, self.digits, self.power)
    }
}

#[cfg(test)]
mod tests;
