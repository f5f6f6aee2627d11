//! The side of an order: buy or sell, nothing else.

use std::fmt;

/// Which way an order goes (FIX tag 54).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// `"BUY"`.
    Buy,
    /// `"SELL"`.
    Sell,
}

/// The text is neither `BUY` nor `SELL`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be `BUY` or `SELL`")]
pub struct SideError;

impl Side {
    /// Reads the wire form, upper case only.
    ///
    /// # Errors
    /// [`SideError`] for any other text.
    pub fn parse(text: &str) -> Result<Self, SideError> {
        match text {
            "BUY" => Ok(Self::Buy),
            "SELL" => Ok(Self::Sell),
            _ => Err(SideError),
        }
    }

    /// The wire form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Buy => "BUY",
            Self::Sell => "SELL",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_nothing_else() {
        for side in [Side::Buy, Side::Sell] {
            assert_eq!(Side::parse(side.as_str()), Ok(side));
        }
        for text in ["HOLD", "buy", "", "BUY ", "1"] {
            assert_eq!(Side::parse(text), Err(SideError), "{text:?}");
        }
    }
}
