//! Floating-point numbers with 64-bit mantissas, rounded to nearest, ties to even: Go's `big.Float`
//! as OPA uses it.

use std::cmp::Ordering;

/// ± mantissa × 2^exponent.
///
/// INVARIANT: the mantissa's highest bit is set, or mantissa and exponent are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extended {
    is_negative: bool,
    mantissa: u64,
    exponent: i32,
}

/// Powers of five up to this one fit in 63 bits.
const MAX_POWER: u32 = 27;
/// Bits of an `f64`'s mantissa.
pub(super) const F64_BITS: u32 = f64::MANTISSA_DIGITS;

impl Extended {
    pub(super) const ZERO: Self = Self {
        is_negative: false,
        mantissa: 0,
        exponent: 0,
    };
    pub(super) const ONE: Self = Self {
        is_negative: false,
        mantissa: 1 << 63,
        exponent: -63,
    };

    pub(super) fn of_whole(whole: i128) -> Self {
        Self::rounded(whole < 0, whole.unsigned_abs(), 0, false, u64::BITS)
    }

    /// `digits` × 10^`power`; `None` where the power is too large either way.
    pub(super) fn of_decimal(is_negative: bool, digits: u128, power: i32) -> Option<Self> {
        if power.unsigned_abs() > MAX_POWER {
            return None;
        }
        let fives = 5_u128.pow(power.unsigned_abs());
        if power >= 0 {
            let product = digits.checked_mul(fives)?;
            return Some(Self::rounded(is_negative, product, power, false, u64::BITS));
        }
        let shift = digits.leading_zeros().min(u128::BITS - 1);
        let digits = digits << shift;
        let exponent = power.checked_sub(i32::try_from(shift).ok()?)?;
        let is_more = !digits.is_multiple_of(fives);
        let quotient = digits / fives;
        Some(Self::rounded(
            is_negative,
            quotient,
            exponent,
            is_more,
            u64::BITS,
        ))
    }

    /// Rounds `magnitude` × 2^`exponent` to `bits` bits; with `is_more`, a little more than that.
    ///
    /// With `is_more`, the magnitude must have two bits more than are kept.
    fn rounded(
        is_negative: bool,
        magnitude: u128,
        exponent: i32,
        is_more: bool,
        bits: u32,
    ) -> Self {
        let length = u128::BITS - magnitude.leading_zeros();
        if length == 0 {
            return Self::ZERO;
        }
        let excess = length.saturating_sub(bits);
        let kept = magnitude >> excess;
        let rest = magnitude - (kept << excess);
        let half = (1_u128 << excess) >> 1;
        let up = match rest.cmp(&half) {
            _ if excess == 0 => false,
            Ordering::Less => false,
            Ordering::Equal => is_more || kept & 1 == 1,
            Ordering::Greater => true,
        };
        // Rounding up carries into one more bit if all were set.
        let kept = kept + u128::from(up);
        let shift = i64::from(kept.leading_zeros()) - i64::from(u64::BITS);
        let normal = if shift < 0 { kept >> 1 } else { kept << shift };
        let exponent = i64::from(exponent) + i64::from(excess) - shift;
        Self {
            is_negative,
            mantissa: u64::try_from(normal).unwrap_or(u64::MAX),
            exponent: i32::try_from(exponent).unwrap_or(i32::MAX),
        }
    }

    pub(super) const fn negated(self) -> Self {
        Self {
            is_negative: !self.is_negative && self.mantissa != 0,
            ..self
        }
    }

    pub(super) const fn magnitude(self) -> Self {
        Self {
            is_negative: false,
            ..self
        }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        self.plus_in(other, u64::BITS)
    }

    pub(super) fn plus_in(self, other: Self, bits: u32) -> Self {
        let (large, small) = match self.magnitude_cmp(&other) {
            Ordering::Less => (other, self),
            _ => (self, other),
        };
        if small.mantissa == 0 {
            return large;
        }
        // One bit is left above for the carry, 63 below for what is shifted out.
        let top = u128::from(large.mantissa) << 63;
        let below = u128::from(small.mantissa) << 63;
        let apart = u32::try_from(i64::from(large.exponent) - i64::from(small.exponent));
        let apart = apart.unwrap_or(u32::MAX);
        let low = below.checked_shr(apart).unwrap_or(0);
        let is_more = low.checked_shl(apart) != Some(below);
        let exponent = large.exponent.saturating_sub(63);
        let (magnitude, is_more) = if large.is_negative == small.is_negative {
            (top + low, is_more)
        } else {
            (top - low - u128::from(is_more), is_more)
        };
        Self::rounded(large.is_negative, magnitude, exponent, is_more, bits)
    }

    pub(super) fn times(self, other: Self) -> Self {
        self.times_in(other, u64::BITS)
    }

    pub(super) fn times_in(self, other: Self, bits: u32) -> Self {
        let product = u128::from(self.mantissa) * u128::from(other.mantissa);
        let exponent = self.exponent.saturating_add(other.exponent);
        let is_negative = self.is_negative != other.is_negative;
        Self::rounded(is_negative, product, exponent, false, bits)
    }

    /// `None` when the other is zero.
    pub(super) fn over(self, other: Self) -> Option<Self> {
        self.over_in(other, u64::BITS)
    }

    pub(super) fn over_in(self, other: Self, bits: u32) -> Option<Self> {
        let divisor = u128::from(other.mantissa);
        let dividend = u128::from(self.mantissa) << 64;
        let quotient = dividend.checked_div(divisor)?;
        // Two bits more than the quotient's 64 or 65.
        let rest = (dividend % divisor) << 2;
        let quotient = (quotient << 2) + rest / divisor;
        let exponent = self
            .exponent
            .saturating_sub(other.exponent)
            .saturating_sub(66);
        let is_negative = self.is_negative != other.is_negative;
        let is_more = rest % divisor != 0;
        Some(Self::rounded(
            is_negative,
            quotient,
            exponent,
            is_more,
            bits,
        ))
    }

    /// The integer, if it is one. Beyond 64 bits it is what its shortest decimal says.
    pub(super) fn whole(self) -> Option<i128> {
        let magnitude = match u32::try_from(self.exponent) {
            Ok(exponent) if exponent > 0 => self.shortest(exponent)?,
            _ => {
                let places = self.exponent.unsigned_abs();
                if self.mantissa != 0 && self.mantissa.trailing_zeros() < places {
                    return None;
                }
                i128::from(self.mantissa.checked_shr(places).unwrap_or(0))
            }
        };
        Some(if self.is_negative {
            -magnitude
        } else {
            magnitude
        })
    }

    /// The integer with the fewest significant digits that rounds to this magnitude.
    fn shortest(self, exponent: u32) -> Option<i128> {
        // The sign's bit, and one for rounding up.
        if exponent > u64::BITS - 2 {
            return None;
        }
        let exact = i128::from(self.mantissa) << exponent;
        let read = |whole| Self::of_whole(whole).magnitude() == self.magnitude();
        let tens = (0..=exact.ilog10()).rev().map(|power| 10_i128.pow(power));
        let rounded = tens.map(|ten| (exact + ten / 2) / ten * ten);
        rounded.into_iter().find(|whole| read(*whole))
    }

    /// Truncates to an integer.
    pub(super) fn cut(self) -> Self {
        let places = u32::try_from(i64::from(self.exponent).saturating_neg());
        match places {
            Err(_) | Ok(0) => self,
            Ok(places) if places < u64::BITS => Self {
                mantissa: self.mantissa >> places << places,
                ..self
            },
            Ok(_) => Self::ZERO,
        }
    }

    /// Adds a half, away from zero.
    pub(super) fn away_by_half(self) -> Self {
        self.plus(Self {
            is_negative: self.is_negative,
            mantissa: 1 << 63,
            exponent: -64,
        })
    }

    /// The integer, if it is one, to the last bit.
    pub(super) fn exact(self) -> Option<i128> {
        let Ok(exponent) = u32::try_from(self.exponent) else {
            return self.whole();
        };
        let is_short = exponent < u64::BITS - 1;
        let magnitude = is_short.then(|| i128::from(self.mantissa) << exponent)?;
        Some(if self.is_negative {
            -magnitude
        } else {
            magnitude
        })
    }

    /// The nearest integer, for numbers from 2^52 on; `None` beyond 64 bits.
    pub(super) fn nearest_whole(self) -> Option<i128> {
        let places = u32::try_from(i64::from(self.exponent).checked_neg()?).ok()?;
        let half = (1_i128.checked_shl(places)?) >> 1;
        let magnitude = (i128::from(self.mantissa) + half).checked_shr(places)?;
        Some(if self.is_negative {
            -magnitude
        } else {
            magnitude
        })
    }

    /// The nearest `f64`; `None` outside the normal range.
    pub(super) fn to_f64(self) -> Option<f64> {
        let [high, low] = [self.mantissa >> 32, self.mantissa & u64::from(u32::MAX)];
        let part = |part: u64| f64::from(u32::try_from(part).unwrap_or(u32::MAX));
        // Both parts are exact; their sum is rounded once.
        let mantissa = part(high) * 4_294_967_296.0 + part(low);
        let biased = match self.exponent {
            -1022..=959 => u64::try_from(i64::from(self.exponent) + 1023).ok()?,
            _ => return None,
        };
        let value = mantissa * f64::from_bits(biased << (F64_BITS - 1));
        Some(if self.is_negative { -value } else { value })
    }

    fn magnitude_cmp(&self, other: &Self) -> Ordering {
        match (self.mantissa, other.mantissa) {
            (0, _) | (_, 0) => self.mantissa.cmp(&other.mantissa),
            _ => (self.exponent, self.mantissa).cmp(&(other.exponent, other.mantissa)),
        }
    }
}

impl PartialOrd for Extended {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(match (self.is_negative, other.is_negative) {
            (false, false) => self.magnitude_cmp(other),
            (true, true) => other.magnitude_cmp(self),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        })
    }
}
