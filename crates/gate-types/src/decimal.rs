//! An exact, non-negative decimal, and the one parser of amounts. No rounding happens here.

use std::cmp::Ordering;
use std::fmt;

use crate::text::AmountText;

/// Digits an amount may have, before and after the point together, as written.
pub const MAX_DIGITS: usize = 18;

/// Digits an amount may have after the point.
pub const MAX_FRACTION_DIGITS: usize = 9;

/// Why a text is not an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Not a number in JSON's grammar (RFC 8259 §6).
    #[error("is not a decimal number")]
    NotANumber,
    /// Below zero.
    #[error("must not be negative")]
    Negative,
    /// Zero where the amount must be positive.
    #[error("must be greater than zero")]
    Zero,
    /// More than [`MAX_DIGITS`] digits.
    #[error("has more than {MAX_DIGITS} digits")]
    TooManyDigits,
    /// More than [`MAX_FRACTION_DIGITS`] digits after the point.
    #[error("has more digits after the point than allowed")]
    TooManyFractionDigits,
    /// Larger than the type can hold.
    #[error("is out of range")]
    OutOfRange,
}

/// An exact decimal ≥ 0: `mantissa × 10^-scale`, without trailing zeros, so that equal amounts
/// are equal values.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Decimal {
    // INVARIANT: mantissa < 10^18; scale ≤ 9; scale > 0 implies mantissa % 10 ≠ 0.
    mantissa: u64,
    scale: u8,
}

impl Decimal {
    /// Zero.
    pub const ZERO: Self = Self {
        mantissa: 0,
        scale: 0,
    };
    /// The largest there is: 18 nines.
    pub const MAX: Self = Self {
        mantissa: 999_999_999_999_999_999,
        scale: 0,
    };
    /// One.
    pub const ONE: Self = Self {
        mantissa: 1,
        scale: 0,
    };

    /// Reads a number in JSON's grammar, exponent included, exactly.
    ///
    /// # Errors
    /// [`AmountError`] when the text is not such a number, is negative, or has more digits than
    /// the limits allow (counted as written, exponent applied).
    pub fn parse(text: &str) -> Result<Self, AmountError> {
        let number = Number::split(text)?;
        if number.negative {
            return Err(AmountError::Negative);
        }
        number.value()
    }

    /// The integer `mantissa` of `mantissa × 10^-scale`.
    #[must_use]
    pub const fn mantissa(self) -> u64 {
        self.mantissa
    }

    /// The `scale` of `mantissa × 10^-scale`, 0 to 9.
    #[must_use]
    pub const fn scale(self) -> u8 {
        self.scale
    }

    /// The amount in units of 10⁻⁹, exactly.
    #[must_use]
    pub fn nanos(self) -> u128 {
        let steps = MAX_FRACTION_DIGITS.saturating_sub(usize::from(self.scale));
        // INVARIANT: < 10^18 · 10^9, far below u128::MAX.
        u128::from(self.mantissa).saturating_mul(pow10(steps))
    }

    /// The amount that is `nanos` units of 10⁻⁹.
    ///
    /// # Errors
    /// [`AmountError::TooManyDigits`] when it needs more than [`MAX_DIGITS`] digits.
    pub fn from_nanos(nanos: u128) -> Result<Self, AmountError> {
        let mut mantissa = nanos;
        let mut scale = 9_u8;
        while scale > 0 && mantissa.is_multiple_of(10) {
            mantissa = mantissa.wrapping_div(10);
            scale = scale.saturating_sub(1);
        }
        if mantissa >= pow10(MAX_DIGITS) {
            return Err(AmountError::TooManyDigits);
        }
        let mantissa = u64::try_from(mantissa).map_err(|_| AmountError::TooManyDigits)?;
        Ok(Self { mantissa, scale })
    }

    /// The canonical text, without an allocation.
    #[must_use]
    pub fn text(self) -> AmountText {
        AmountText::new(u128::from(self.mantissa), usize::from(self.scale))
    }

    /// Whether the amount is zero.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    /// Whether the amount has no digit after the point.
    #[must_use]
    pub const fn is_integer(self) -> bool {
        self.scale == 0
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nanos().cmp(&other.nanos())
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The canonical text: no exponent, no leading or trailing zero.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.text(), f)
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for Decimal {
    type Err = AmountError;
    fn from_str(text: &str) -> Result<Self, AmountError> {
        Self::parse(text)
    }
}

/// `10^exponent`, for the small exponents of this crate.
pub(crate) fn pow10(exponent: usize) -> u128 {
    debug_assert!(exponent <= 38, "10^{exponent} does not fit in a u128");
    u32::try_from(exponent).map_or(u128::MAX, |exponent| 10_u128.saturating_pow(exponent))
}

/// One JSON number cut into its parts; the digits are still text.
struct Number<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    exponent: i32,
}

impl<'a> Number<'a> {
    fn split(text: &'a str) -> Result<Self, AmountError> {
        let (negative, rest) = text
            .strip_prefix('-')
            .map_or((false, text), |rest| (true, rest));
        let (rest, exponent) = match rest.split_once(['e', 'E']) {
            Some((rest, exponent)) => (rest, parse_exponent(exponent)?),
            None => (rest, 0),
        };
        let (whole, fraction) = match rest.split_once('.') {
            Some((_, "")) => return Err(AmountError::NotANumber),
            Some(parts) => parts,
            None => (rest, ""),
        };
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let leading_zero = whole.len() > 1 && whole.starts_with('0');
        if whole.is_empty() || leading_zero || !all_digits(whole) || !all_digits(fraction) {
            return Err(AmountError::NotANumber);
        }
        Ok(Self {
            negative,
            whole,
            fraction,
            exponent,
        })
    }

    fn value(&self) -> Result<Decimal, AmountError> {
        let whole = if self.whole == "0" { "" } else { self.whole };
        if whole.len().saturating_add(self.fraction.len()) > MAX_DIGITS {
            return Err(AmountError::TooManyDigits);
        }
        // INVARIANT: at most 18 digits, so neither step can leave a u64.
        let mantissa = whole
            .bytes()
            .chain(self.fraction.bytes())
            .fold(0_u64, |value, digit| {
                value
                    .saturating_mul(10)
                    .saturating_add(u64::from(digit.saturating_sub(b'0')))
            });
        if mantissa == 0 {
            return Ok(Decimal::ZERO);
        }
        let fraction_digits =
            i32::try_from(self.fraction.len()).map_err(|_| AmountError::TooManyDigits)?;
        normalise(mantissa, fraction_digits.saturating_sub(self.exponent))
    }
}

/// `mantissa × 10^-scale` as a [`Decimal`], when it fits.
fn normalise(mut mantissa: u64, mut scale: i32) -> Result<Decimal, AmountError> {
    while scale > 0 && mantissa.is_multiple_of(10) {
        mantissa = mantissa.wrapping_div(10);
        scale = scale.saturating_sub(1);
    }
    while scale < 0 {
        mantissa = mantissa.checked_mul(10).ok_or(AmountError::TooManyDigits)?;
        scale = scale.saturating_add(1);
    }
    if u128::from(mantissa) >= pow10(MAX_DIGITS) {
        return Err(AmountError::TooManyDigits);
    }
    match u8::try_from(scale) {
        Ok(scale) if usize::from(scale) <= MAX_FRACTION_DIGITS => Ok(Decimal { mantissa, scale }),
        _ => Err(AmountError::TooManyFractionDigits),
    }
}

fn parse_exponent(text: &str) -> Result<i32, AmountError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(AmountError::NotANumber);
    }
    // An exponent that does not fit is far beyond any digit limit; clamp it there.
    let size = digits.parse::<i32>().unwrap_or(i32::MAX).min(1_000);
    Ok(if text.starts_with('-') {
        size.saturating_neg()
    } else {
        size
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: Result<&str, AmountError>) {
        let actual = Decimal::parse(text).map(|value| value.to_string());
        assert_eq!(actual, expected.map(str::to_owned), "`{text}`");
    }

    #[test]
    fn reads_jsons_number_grammar_exactly() {
        check("0", Ok("0"));
        check("100", Ok("100"));
        check("185.50", Ok("185.5"));
        check("185.55", Ok("185.55"));
        check("1.005", Ok("1.005"));
        check("90071992547409.93", Ok("90071992547409.93"));
        check("999999999999999999", Ok("999999999999999999"));
        check("0.000000001", Ok("0.000000001"));
        check("1e2", Ok("100"));
        check("1.5E+1", Ok("15"));
        check("25e-1", Ok("2.5"));
        check("0e999999999999", Ok("0"));
    }

    #[test]
    fn refuses_what_is_no_amount_and_says_why() {
        for text in [
            "", "-", ".", "1.", ".5", "01", "+1", "1e", "1e+", "0x10", "1 ", "NaN", "1,5",
        ] {
            check(text, Err(AmountError::NotANumber));
        }
        check("-1", Err(AmountError::Negative));
        check("1000000000000000000", Err(AmountError::TooManyDigits));
        check("1234567890.123456789", Err(AmountError::TooManyDigits));
        check("1e18", Err(AmountError::TooManyDigits));
        check("1e999999999999", Err(AmountError::TooManyDigits));
        check("0.0000000001", Err(AmountError::TooManyFractionDigits));
        check("1e-10", Err(AmountError::TooManyFractionDigits));
    }

    proptest! {
        #[test]
        fn text_and_nanos_are_two_views_of_one_value(mantissa in 0_u64..1_000_000_000_000_000_000, scale in 0_u8..=9) {
            let value = normalise(mantissa, i32::from(scale)).unwrap();
            prop_assert_eq!(Decimal::parse(&value.to_string()).unwrap(), value);
            prop_assert_eq!(Decimal::from_nanos(value.nanos()).unwrap(), value);
            prop_assert_eq!(value.nanos(), u128::from(mantissa) * 10_u128.pow(9 - u32::from(scale)));
        }

        #[test]
        fn order_is_the_order_of_the_values(a in 0_u64..1_000_000, sa in 0_u8..=9, b in 0_u64..1_000_000, sb in 0_u8..=9) {
            let (x, y) = (normalise(a, i32::from(sa)).unwrap(), normalise(b, i32::from(sb)).unwrap());
            let (a, b) = (u128::from(a) * 10_u128.pow(u32::from(sb)), u128::from(b) * 10_u128.pow(u32::from(sa)));
            prop_assert_eq!(x.cmp(&y), a.cmp(&b));
        }
    }
}
