//! A few of the responses, kept whole to be checked after the run: their tokens verified, their
//! segment timings read.

use crate::outcome::Outcome;
use crate::workload::{Kind, OrderRef, Request};

/// One response to an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The order it answers, and whether that was meant to be blocked.
    pub order: OrderRef,
    /// See `order`.
    pub kind: Kind,
    /// The verdict it gives.
    pub outcome: Outcome,
    /// When it came, in nanoseconds since the run's zero.
    pub received_ns: u64,
    /// Its body.
    pub body: Box<[u8]>,
}

/// The first of every `every` responses, at most `keep` of them, spread over the whole run.
#[derive(Debug)]
pub struct Samples {
    every: u64,
    keep: usize,
    offered: u64,
    kept: Vec<Sample>,
}

impl Samples {
    /// Keeps the first of every `every` (0 = none), at most `keep`.
    #[must_use]
    pub fn new(every: u64, keep: usize) -> Self {
        Self {
            every,
            keep,
            offered: 0,
            kept: Vec::new(),
        }
    }

    pub(crate) fn offer(&mut self, request: &Request, outcome: Outcome, body: &[u8], now_ns: u64) {
        if matches!(request.kind, Kind::Release | Kind::Fill) || self.every == 0 {
            return;
        }
        let is_due = self.offered.is_multiple_of(self.every);
        self.offered += 1;
        if !is_due {
            return;
        }
        if self.kept.len() == self.keep {
            self.thin_out();
            return;
        }
        self.kept.push(Sample {
            order: request.order,
            kind: request.kind,
            outcome,
            received_ns: now_ns,
            body: body.into(),
        });
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.offered += other.offered;
        self.kept.extend(other.kept);
    }

    /// What was kept.
    #[must_use]
    pub fn kept(&self) -> &[Sample] {
        &self.kept
    }

    /// Full: lets every second one go and takes half as many from here on, so that what is kept
    /// stays evenly spread.
    fn thin_out(&mut self) {
        let mut odd = false;
        self.kept.retain(|_| {
            odd = !odd;
            odd
        });
        self.every *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(samples: &mut Samples, index: u64) {
        let request = Request {
            kind: Kind::Authorize,
            order: OrderRef { index, client: 0 },
        };
        samples.offer(&request, Outcome::Authorized, b"{}", index);
    }

    #[test]
    fn samples_are_bounded_and_spread_over_the_run() {
        let mut samples = Samples::new(2, 100);
        for index in 0..10_000 {
            offer(&mut samples, index);
        }
        let kept: Vec<u64> = samples
            .kept()
            .iter()
            .map(|sample| sample.order.index)
            .collect();
        assert!((50..=100).contains(&kept.len()), "{}", kept.len());
        let late = kept.iter().filter(|index| **index >= 5_000).count();
        assert!((20..=60).contains(&late), "{late} of {}", kept.len());
    }

    /// A short run with keys would else have no token to verify.
    #[test]
    fn the_first_response_is_kept() {
        let mut samples = Samples::new(64, 100);
        offer(&mut samples, 1);
        assert_eq!(samples.kept().len(), 1);
    }

    #[test]
    fn none_when_none_are_asked_for() {
        let mut samples = Samples::new(0, 100);
        offer(&mut samples, 1);
        assert!(samples.kept().is_empty());
    }
}
