//! Quantity, price, contract size and notional: what a [`Decimal`] stands for. A notional rounds
//! up.

use std::fmt;

use crate::decimal::{AmountError, Decimal, MAX_FRACTION_DIGITS, pow10};
use crate::text::AmountText;

/// Declares an amount that wraps a positive [`Decimal`].
macro_rules! positive_amount {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Decimal);

        impl $name {
            /// Reads a positive decimal in JSON's number grammar.
            ///
            /// # Errors
            /// As [`Decimal::parse`], and [`AmountError::Zero`].
            pub fn parse(text: &str) -> Result<Self, AmountError> {
                Self::new(Decimal::parse(text)?)
            }

            /// Takes a decimal that is not zero.
            ///
            /// # Errors
            /// [`AmountError::Zero`].
            pub const fn new(value: Decimal) -> Result<Self, AmountError> {
                if value.is_zero() { Err(AmountError::Zero) } else { Ok(Self(value)) }
            }

            /// The decimal.
            #[must_use]
            pub const fn decimal(self) -> Decimal {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

positive_amount! {
    /// How much of an instrument an order asks for, in lots or units. Greater than zero.
    Qty
}
positive_amount! {
    /// The price of one unit, in the account's currency. Greater than zero.
    Price
}
positive_amount! {
    /// Units of the underlying that one unit of quantity stands for (the contract multiplier).
    ContractSize
}

impl ContractSize {
    /// A multiplier of one.
    pub const ONE: Self = Self(Decimal::ONE);

    /// Recovers the size from a notional: of the sizes for which [`Notional::of`] gives `notional`,
    /// the largest of those with the fewest digits after the point. It is the original size unless
    /// that has more digits than a micro of `notional` can distinguish. `None` if no size fits.
    #[must_use]
    pub fn implied(qty: Qty, price: Price, notional: Notional) -> Option<Self> {
        let (qty_digits, price_digits) = (qty.0.scale(), price.0.scale());
        let digits = usize::from(qty_digits).saturating_add(usize::from(price_digits));
        let mut divisor =
            u128::from(qty.0.mantissa()).checked_mul(u128::from(price.0.mantissa()))?;
        let mut rest = notional.micros;
        if digits >= MICRO_DIGITS {
            rest = rest.checked_mul(pow10(digits.saturating_sub(MICRO_DIGITS)))?;
        } else {
            divisor = divisor.checked_mul(pow10(MICRO_DIGITS.saturating_sub(digits)))?;
        }
        // Long division, one digit at a time.
        let mut mantissa = 0_u128;
        for missing in (0..=MAX_FRACTION_DIGITS).rev() {
            mantissa = mantissa
                .checked_mul(10)?
                .checked_add(rest.checked_div(divisor)?)?;
            rest = rest.checked_rem(divisor)?.checked_mul(10)?;
            let size = Self(Decimal::from_nanos(mantissa.checked_mul(pow10(missing))?).ok()?);
            if Notional::of(qty, price, size) == Ok(notional) {
                return Some(size);
            }
        }
        None
    }
}

/// An amount of money at risk, in millionths (micros) of the account's currency. At least zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Notional {
    // INVARIANT: ≤ MAX_MICROS, so that any sum of 10^14 of them fits in an i128.
    micros: u128,
}

const MICRO_DIGITS: usize = 6;
/// 10^18 units of the currency.
const MAX_MICROS: u128 = 10_u128.pow(24);

impl Notional {
    /// Zero.
    pub const ZERO: Self = Self { micros: 0 };
    /// The largest there is: 10^18 units of the currency.
    pub const MAX: Self = Self { micros: MAX_MICROS };

    /// `qty × price × contract size`, rounded **up** to a micro, so that a hold never
    /// understates an order.
    ///
    /// # Errors
    /// [`AmountError::OutOfRange`] above 10^18 units of the currency.
    pub fn of(qty: Qty, price: Price, size: ContractSize) -> Result<Self, AmountError> {
        let factors = [qty.0, price.0, size.0];
        let mut product = 1_u128;
        let mut scale = 0_usize;
        for factor in factors {
            product = product
                .checked_mul(u128::from(factor.mantissa()))
                .ok_or(AmountError::OutOfRange)?;
            scale = scale.saturating_add(usize::from(factor.scale()));
        }
        let micros = if scale > MICRO_DIGITS {
            product.div_ceil(pow10(scale.saturating_sub(MICRO_DIGITS)))
        } else {
            product
                .checked_mul(pow10(MICRO_DIGITS.saturating_sub(scale)))
                .ok_or(AmountError::OutOfRange)?
        };
        Self::from_micros(micros)
    }

    /// Reads an amount with at most six digits after the point.
    ///
    /// # Errors
    /// As [`Decimal::parse`]; [`AmountError::TooManyFractionDigits`] below a micro.
    pub fn parse(text: &str) -> Result<Self, AmountError> {
        let nanos = Decimal::parse(text)?.nanos();
        if !nanos.is_multiple_of(1_000) {
            return Err(AmountError::TooManyFractionDigits);
        }
        Self::from_micros(nanos.wrapping_div(1_000))
    }

    /// The notional that is `micros` millionths.
    ///
    /// # Errors
    /// [`AmountError::OutOfRange`] above 10^18 units of the currency.
    pub const fn from_micros(micros: u128) -> Result<Self, AmountError> {
        if micros > MAX_MICROS {
            Err(AmountError::OutOfRange)
        } else {
            Ok(Self { micros })
        }
    }

    /// The amount in millionths of the currency.
    #[must_use]
    pub const fn micros(self) -> u128 {
        self.micros
    }

    /// The canonical text, without an allocation.
    #[must_use]
    pub fn text(self) -> AmountText {
        AmountText::new(self.micros, MICRO_DIGITS)
    }

    /// The sum.
    ///
    /// # Errors
    /// [`AmountError::OutOfRange`].
    pub fn checked_add(self, other: Self) -> Result<Self, AmountError> {
        Self::from_micros(
            self.micros
                .checked_add(other.micros)
                .ok_or(AmountError::OutOfRange)?,
        )
    }

    /// The difference, or `None` when `other` is larger.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        Some(Self {
            micros: self.micros.checked_sub(other.micros)?,
        })
    }

    /// The difference, zero when `other` is larger.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self {
            micros: self.micros.saturating_sub(other.micros),
        }
    }
}

/// The canonical text: plain decimals of the currency, no trailing zero.
impl fmt::Display for Notional {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.text(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn notional(qty: &str, price: &str, size: &str) -> Result<String, AmountError> {
        let size = ContractSize::parse(size)?;
        Ok(Notional::of(Qty::parse(qty)?, Price::parse(price)?, size)?.to_string())
    }

    #[test]
    fn notional_is_exact_where_a_float_is_not() {
        assert_eq!(notional("3", "15.3", "1").unwrap(), "45.9");
        assert_eq!(notional("1000", "185.55", "1").unwrap(), "185550");
        assert_eq!(notional("100", "1.005", "1").unwrap(), "100.5");
        assert_eq!(
            notional("3", "90071992547409.93", "1").unwrap(),
            "270215977642229.79"
        );
        assert_eq!(notional("2", "1.5", "0.01").unwrap(), "0.03");
    }

    #[test]
    fn an_implied_size_is_the_one_an_order_was_held_with() {
        let implied = |qty: &str, price: &str, size: &str| {
            let (qty, price) = (Qty::parse(qty).unwrap(), Price::parse(price).unwrap());
            let held = Notional::of(qty, price, ContractSize::parse(size).unwrap()).unwrap();
            ContractSize::implied(qty, price, held).unwrap()
        };
        for (qty, price, size) in [
            ("30", "1", "3"),
            ("1", "5025.25", "50"),
            ("7", "0.333333333", "0.125"),
            ("999999999.999999999", "1000000000", "0.000000001"),
            ("0.000000001", "999999999999999999", "1000000000"),
        ] {
            assert_eq!(
                implied(qty, price, size),
                ContractSize::parse(size).unwrap()
            );
        }
        // A micro does not tell these sizes apart; the hold is the same.
        let coarse = implied("0.01", "0.01", "3.004");
        assert_eq!(coarse, ContractSize::parse("3.01").unwrap());
    }

    proptest! {
        #[test]
        fn an_implied_size_gives_the_same_notional_and_is_found_again(
            qty in 1_u64..10_000_000, price in 1_u64..10_000_000, size in 1_u64..10_000,
            scales in (0_u32..=4, 0_u32..=4, 0_u32..=3),
        ) {
            let text = |mantissa: u64, scale: u32| {
                let one = 10_u64.pow(scale);
                format!("{}.{:0width$}", mantissa / one, mantissa % one, width = scale as usize)
            };
            let text = |mantissa, scale| text(mantissa, scale).trim_end_matches('.').to_owned();
            let qty = Qty::parse(&text(qty, scales.0)).unwrap();
            let price = Price::parse(&text(price, scales.1)).unwrap();
            let size = ContractSize::parse(&text(size, scales.2)).unwrap();
            let held = Notional::of(qty, price, size).unwrap();
            let implied = ContractSize::implied(qty, price, held).unwrap();
            prop_assert_eq!(Notional::of(qty, price, implied).unwrap(), held);
            // From an amount of 1 on, a micro distinguishes sizes of three digits.
            if qty.decimal().nanos() * price.decimal().nanos() >= 10_u128.pow(18) {
                prop_assert_eq!(implied, size);
            }
        }
    }

    #[test]
    fn notional_rounds_up_to_a_micro() {
        assert_eq!(
            notional("0.000000001", "0.000000001", "1").unwrap(),
            "0.000001"
        );
        assert_eq!(notional("0.001", "1.0011", "1").unwrap(), "0.001002");
    }

    #[test]
    fn notional_out_of_range_is_an_error() {
        let big = "999999999999999999";
        assert_eq!(notional(big, "2", "1"), Err(AmountError::OutOfRange));
        assert_eq!(notional(big, big, big), Err(AmountError::OutOfRange));
        assert_eq!(notional(big, "1", "1").unwrap(), big);
    }

    #[test]
    fn zero_is_no_quantity_and_no_price() {
        assert_eq!(Qty::parse("0.00"), Err(AmountError::Zero));
        assert_eq!(Price::parse("0"), Err(AmountError::Zero));
        assert_eq!(
            Notional::parse("0.0000001"),
            Err(AmountError::TooManyFractionDigits)
        );
    }

    proptest! {
        /// The law of rounding up: the notional is the least number of micros that is not below
        /// the true product.
        #[test]
        fn notional_is_the_least_upper_micro(q in 1_u64..1_000_000_000, p in 1_u64..1_000_000_000) {
            let qty = Qty::new(Decimal::from_nanos(u128::from(q)).unwrap()).unwrap();
            let price = Price::new(Decimal::from_nanos(u128::from(p)).unwrap()).unwrap();
            let micros = Notional::of(qty, price, ContractSize::ONE).unwrap().micros();
            // q·p is in units of 10^-18; a micro is 10^12 of them.
            let product = u128::from(q) * u128::from(p);
            prop_assert!(micros * 1_000_000_000_000 >= product);
            prop_assert!((micros - 1) * 1_000_000_000_000 < product);
        }
    }
}
