//! Medians and spreads of a few rounds.

use serde::{Deserialize, Serialize};

/// The results of several rounds of one measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Rounds {
    pub(super) median: f64,
    pub(super) min: f64,
    pub(super) max: f64,
    pub(super) values: Vec<f64>,
}

impl Rounds {
    pub(super) fn of(values: Vec<f64>) -> Self {
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        Self {
            median: median(&sorted),
            min: sorted.first().copied().unwrap_or(f64::NAN),
            max: sorted.last().copied().unwrap_or(f64::NAN),
            values,
        }
    }

    /// Round by round, so that what changes between rounds cancels out.
    pub(super) fn ratios(over: &[f64], under: &[f64]) -> Self {
        Self::of(over.iter().zip(under).map(|(a, b)| a / b).collect())
    }

    /// How far the rounds lie apart, relative to their median.
    pub(super) fn spread(&self) -> f64 {
        (self.max - self.min) / self.median
    }
}

fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
    if sorted.len() % 2 == 1 {
        at(middle)
    } else {
        f64::midpoint(at(middle.wrapping_sub(1)), at(middle))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_do_not_follow_an_outlier() {
        assert_eq!(Rounds::of(vec![3.0, 1.0, 100.0]).median, 3.0);
        assert_eq!(Rounds::of(vec![4.0, 1.0, 2.0, 3.0]).median, 2.5);
        assert!(Rounds::of(Vec::new()).median.is_nan());
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        // The machine was half as fast in the second round; the ratio was the same.
        let ratios = Rounds::ratios(&[50.0, 25.0], &[100.0, 50.0]);
        assert_eq!((ratios.median, ratios.spread()), (0.5, 0.0));
    }
}
