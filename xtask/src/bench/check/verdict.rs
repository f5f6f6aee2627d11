//! Whether one ratio got worse by more than its rounds lie apart.

use anyhow::{Result, bail};

use crate::bench::stats::Rounds;

/// Two runs always differ by this much.
const NOISE_MIN: f64 = 0.02;
/// Beyond this nothing can be told.
const NOISE_MAX: f64 = 0.5;

pub(super) const TOO_FEW: &str = "one round has no noise: measure more";

#[derive(Debug, PartialEq)]
pub(super) struct Verdict {
    pub(super) noise: f64,
    pub(super) worse: bool,
}

impl Verdict {
    /// Noise is how far the rounds of either run lie from the middle between them, relative to
    /// their median.
    pub(super) fn of(before: &Rounds, after: &Rounds, more_is_better: bool) -> Result<Self> {
        let noise = half_spread(before)?.max(NOISE_MIN);
        let change = after.median / before.median;
        // A change that is not a number counts as worse.
        if !change.is_finite() {
            return Ok(Self { noise, worse: true });
        }
        let noise = noise.max(half_spread(after)?);
        let worse = if more_is_better {
            change < 1.0 / (1.0 + noise)
        } else {
            change > 1.0 + noise
        };
        Ok(Self { noise, worse })
    }
}

/// The noise of one run; fails where nothing can be told.
pub(super) fn half_spread(rounds: &Rounds) -> Result<f64> {
    if rounds.values.len() < 2 {
        bail!("{TOO_FEW}");
    }
    let half = rounds.spread() / 2.0;
    if !half.is_finite() || rounds.median <= 0.0 {
        bail!("no ratio");
    }
    if half > NOISE_MAX {
        bail!(
            "rounds differ by {:.0} % either way: nothing can be told",
            100.0 * half
        );
    }
    Ok(half)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(before: &[f64], after: &[f64], more_is_better: bool, worse: bool) {
        let before = Rounds::of(before.to_vec());
        let after = Rounds::of(after.to_vec());
        let verdict = Verdict::of(&before, &after, more_is_better).unwrap();
        assert_eq!(verdict.worse, worse, "{verdict:?}");
    }

    #[test]
    fn what_lies_within_the_noise_is_held() {
        check(&[0.60, 0.62, 0.58], &[0.58, 0.60, 0.59], true, false);
        check(&[2.0, 2.1, 1.9], &[2.05, 2.1, 2.0], false, false);
    }

    #[test]
    fn what_got_worse_is_seen() {
        check(&[0.60, 0.61, 0.59], &[0.50, 0.51, 0.49], true, true);
        check(&[2.0, 2.1, 1.9], &[3.0, 3.1, 2.9], false, true);
        check(&[0.60, 0.60], &[f64::NAN, f64::NAN], true, true);
        // Rounds that lie apart are no excuse for as much again.
        check(&[2.0, 2.0, 2.0], &[2.2, 2.8, 3.4], false, true);
    }

    #[test]
    fn where_nothing_can_be_told_nothing_is_held() {
        let of = |before: &[f64], after: &[f64]| {
            Verdict::of(&Rounds::of(before.into()), &Rounds::of(after.into()), true)
        };
        assert!(of(&[0.6], &[0.6]).is_err());
        assert!(of(&[0.6, 0.6, 0.6], &[0.2, 0.6, 1.0]).is_err());
    }

    #[test]
    fn what_got_better_is_not_worse() {
        check(&[0.50, 0.51, 0.49], &[0.60, 0.61, 0.59], true, false);
        check(&[3.0, 3.1, 2.9], &[2.0, 2.1, 1.9], false, false);
    }
}
