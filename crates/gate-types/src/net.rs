//! A net amount: money with a sign.

use std::fmt;

use crate::amount::Notional;
use crate::decimal::AmountError;

/// What was bought less what was sold of one instrument, in millionths (micros) of the account's
/// currency: long above zero, short below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct NetNotional {
    // INVARIANT: its absolute value is that of a `Notional`.
    micros: i128,
}

/// [`Notional::MAX`], in micros.
const LARGEST: i128 = 10_i128.pow(24);

impl NetNotional {
    /// Neither long nor short.
    pub const ZERO: Self = Self { micros: 0 };
    /// The largest: long 10^18 units of the currency.
    pub const MAX: Self = Self { micros: LARGEST };
    /// The smallest: short 10^18 units of the currency.
    pub const MIN: Self = Self { micros: -LARGEST };

    /// Reads an amount as [`Notional::parse`] does, with a `-` before it when it is short.
    ///
    /// # Errors
    /// Those of [`Notional::parse`].
    pub fn parse(text: &str) -> Result<Self, AmountError> {
        let (is_short, size) = match text.strip_prefix('-') {
            Some(size) => (true, size),
            None => (false, text),
        };
        let long = Self::long(Notional::parse(size)?)?;
        Ok(if is_short { long.reversed() } else { long })
    }

    /// The net amount that is `micros` millionths.
    ///
    /// # Errors
    /// [`AmountError::OutOfRange`] beyond 10^18 units of the currency, either way.
    pub fn from_micros(micros: i128) -> Result<Self, AmountError> {
        Notional::from_micros(micros.unsigned_abs())?;
        Ok(Self { micros })
    }

    /// The amount in millionths of the currency.
    #[must_use]
    pub const fn micros(self) -> i128 {
        self.micros
    }

    fn long(size: Notional) -> Result<Self, AmountError> {
        let micros = i128::try_from(size.micros()).map_err(|_| AmountError::OutOfRange)?;
        Ok(Self { micros })
    }

    const fn reversed(self) -> Self {
        Self {
            micros: self.micros.saturating_neg(),
        }
    }
}

/// The canonical text: plain decimals of the currency, no trailing zero, a `-` when short.
impl fmt::Display for NetNotional {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.micros < 0 {
            f.write_str("-")?;
        }
        // INVARIANT: a net amount's size is a notional.
        let size = Notional::from_micros(self.micros.unsigned_abs()).unwrap_or_default();
        fmt::Display::fmt(&size, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LARGEST: i128 = 10_i128.pow(24);

    #[test]
    fn a_short_position_has_a_sign_and_nothing_has_none() {
        let text = |text: &str| NetNotional::parse(text).map(|net| net.to_string());
        assert_eq!(text("-185.50").unwrap(), "-185.5");
        assert_eq!(text("185.50").unwrap(), "185.5");
        assert_eq!(text("-0").unwrap(), "0");
        assert_eq!(text("-0.0000001"), Err(AmountError::TooManyFractionDigits));
        assert!(text("--1").is_err());
        assert!(text("+1").is_err());
        assert!(text("- 1").is_err());
        assert!(text("").is_err());
        assert!(text("-").is_err());
    }

    #[test]
    fn it_is_as_large_as_a_notional_either_way() {
        for sign in [1, -1] {
            assert!(NetNotional::from_micros(sign * LARGEST).is_ok());
            let beyond = NetNotional::from_micros(sign * (LARGEST + 1));
            assert_eq!(beyond, Err(AmountError::OutOfRange));
        }
        assert_eq!(
            NetNotional::from_micros(i128::MIN),
            Err(AmountError::OutOfRange)
        );
    }

    proptest! {
        // A decimal has 18 digits at the most.
        #[test]
        fn text_reads_back(micros in -999_999_999_999_999_999_i128..=999_999_999_999_999_999) {
            let net = NetNotional::from_micros(micros).unwrap();
            prop_assert_eq!(NetNotional::parse(&net.to_string()), Ok(net));
        }
    }
}
