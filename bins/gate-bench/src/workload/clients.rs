//! Which client an order belongs to.

use std::fmt;
use std::str::FromStr;

use crate::rng;

/// How orders spread over the clients.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Spread {
    /// Every client alike.
    Uniform,
    /// The client of rank k in proportion to 1 / k^exponent.
    Zipf(f64),
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uniform => f.write_str("uniform"),
            Self::Zipf(exponent) => write!(f, "zipf:{exponent}"),
        }
    }
}

impl FromStr for Spread {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "uniform" {
            return Ok(Self::Uniform);
        }
        text.strip_prefix("zipf:")
            .and_then(|exponent| exponent.parse::<f64>().ok())
            .filter(|exponent| exponent.is_finite() && *exponent > 0.0)
            .map(Self::Zipf)
            .ok_or_else(|| format!("`{text}` is neither `uniform` nor `zipf:EXPONENT`"))
    }
}

#[derive(Debug)]
pub(super) enum Clients {
    Uniform(u64),
    /// Share of the clients up to and including each rank.
    Cumulative(Vec<f64>),
}

impl Clients {
    pub(super) fn new(count: u64, spread: Spread) -> Self {
        match spread {
            Spread::Uniform => Self::Uniform(count),
            Spread::Zipf(exponent) => {
                let mut sum = 0.0;
                let weights: Vec<f64> = (1..=count)
                    .map(|rank| {
                        sum += (rank as f64).powf(-exponent);
                        sum
                    })
                    .collect();
                Self::Cumulative(weights.iter().map(|weight| weight / sum).collect())
            }
        }
    }

    pub(super) fn pick(&self, bits: u64) -> u64 {
        match self {
            Self::Uniform(count) => rng::below(bits, *count),
            Self::Cumulative(shares) => {
                let point = rng::unit(bits);
                let rank = shares.partition_point(|share| *share < point);
                // Rounding may leave the last share just under one.
                rank.min(shares.len().saturating_sub(1)) as u64
            }
        }
    }
}
