//! The text of an amount, on the stack: each order needs four.

use std::fmt;
use std::ops::Deref;

use crate::decimal::{MAX_FRACTION_DIGITS, pow10};

/// The 39 digits of a `u128` and a point. A text with a leading `0.` has fewer digits.
const MOST_BYTES: usize = 40;

/// The canonical text of an amount: no exponent, no leading or trailing zero.
#[derive(Clone, Copy)]
pub struct AmountText {
    bytes: [u8; MOST_BYTES],
    len: usize,
}

impl AmountText {
    /// `value × 10^-scale`.
    pub(crate) fn new(value: u128, scale: usize) -> Self {
        let mut text = Self {
            bytes: [0; MOST_BYTES],
            len: 0,
        };
        let mut digits = itoa::Buffer::new();
        // INVARIANT: no scale of this crate is above 9, so a unit and a fraction fit into 64 bits;
        // and a power of ten is not zero.
        let unit = u64::try_from(pow10(scale)).unwrap_or(u64::MAX);
        // Nearly every value fits, too; 64-bit division and formatting are several times faster.
        let fraction = if let Ok(value) = u64::try_from(value) {
            text.push(digits.format(value.checked_div(unit).unwrap_or_default()));
            value.checked_rem(unit).unwrap_or_default()
        } else {
            let unit = u128::from(unit);
            text.push(digits.format(value.checked_div(unit).unwrap_or_default()));
            u64::try_from(value.checked_rem(unit).unwrap_or_default()).unwrap_or_default()
        };
        if fraction > 0 {
            text.push(".");
            text.push_fraction(fraction, scale);
        }
        text
    }

    fn push_fraction(&mut self, mut fraction: u64, scale: usize) {
        let mut digits = [b'0'; MAX_FRACTION_DIGITS];
        let mut used = 0;
        for (index, digit) in digits.iter_mut().enumerate().take(scale).rev() {
            let last = u8::try_from(fraction.wrapping_rem(10)).unwrap_or_default();
            fraction = fraction.wrapping_div(10);
            *digit = b'0'.wrapping_add(last);
            if used == 0 && last > 0 {
                used = index.saturating_add(1);
            }
        }
        self.push_bytes(digits.get(..used).unwrap_or_default());
    }

    fn push(&mut self, text: &str) {
        self.push_bytes(text.as_bytes());
    }

    fn push_bytes(&mut self, bytes: &[u8]) {
        let end = self.len.saturating_add(bytes.len());
        // INVARIANT: there is room for every value; see `MOST_BYTES`.
        if let Some(room) = self.bytes.get_mut(self.len..end) {
            room.copy_from_slice(bytes);
            self.len = end;
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // INVARIANT: digits and a point.
        std::str::from_utf8(self.bytes.get(..self.len).unwrap_or_default()).unwrap_or_default()
    }
}

impl Deref for AmountText {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for AmountText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for AmountText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The law: the digits of `value` with a point before the last `scale` of them, without
        /// trailing zeros.
        #[test]
        fn text_is_the_digits_with_a_point(
            value in prop_oneof![any::<u128>(), any::<u64>().prop_map(u128::from), 0_u128..10_000_000, Just(u128::MAX)],
            scale in 0_usize..=9,
        ) {
            let digits = format!("{value:0width$}", width = scale + 1);
            let (whole, fraction) = digits.split_at(digits.len() - scale);
            let fraction = fraction.trim_end_matches('0');
            let expected = match fraction {
                "" => whole.to_owned(),
                fraction => format!("{whole}.{fraction}"),
            };
            let text = AmountText::new(value, scale);
            prop_assert_eq!(text.as_str(), expected);
        }
    }
}
