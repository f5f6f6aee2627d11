//! The open loop: requests start when the schedule says, whether or not earlier ones were
//! answered.
//!
//! It finds the latency at a rate. A request that finds no free connection waits, and its waiting
//! is part of its response time.

use std::time::Duration;

use crate::closed::nanos;
use crate::engine::{Arrivals, Next};
use crate::pacing::{self, Due, Pacer, Schedule, Share};
use crate::recorder::Recorder;

/// An open loop's load.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Requests per second, all threads together.
    pub per_s: f64,
    /// How they follow one another.
    pub arrivals: pacing::Arrivals,
    /// How long is measured.
    pub duration: Duration,
}

pub(crate) struct OpenLoop {
    pacer: Pacer,
    warmup_ns: u64,
    give_up_ns: u64,
}

impl OpenLoop {
    pub(crate) fn new(
        rate: Rate,
        warmup: Duration,
        timeout: Duration,
        share: Share,
        seed: u64,
    ) -> Self {
        let end_ns = nanos(warmup.saturating_add(rate.duration));
        let schedule = Schedule::new(rate.arrivals, rate.per_s, end_ns, share, seed);
        Self {
            pacer: Pacer::new(schedule),
            warmup_ns: nanos(warmup),
            give_up_ns: end_ns.saturating_add(nanos(timeout)),
        }
    }
}

impl Arrivals for OpenLoop {
    fn notice(&mut self, now_ns: u64, recorder: &mut Recorder) {
        self.pacer
            .notice(now_ns, |due_ns| recorder.noticed(due_ns, now_ns));
    }

    fn next(&mut self, _now_ns: u64) -> Next {
        match self.pacer.take() {
            Due::Now(intended_ns) => Next::Send {
                intended_ns,
                measured: intended_ns >= self.warmup_ns,
            },
            Due::At(due_ns) => Next::Wait { due_ns },
            Due::Never => Next::Finished,
        }
    }

    fn next_due(&self) -> Option<u64> {
        self.pacer.next_due()
    }

    fn give_up_ns(&self) -> Option<u64> {
        Some(self.give_up_ns)
    }

    fn abandon(&mut self, now_ns: u64, recorder: &mut Recorder) {
        recorder.backlog_max = self.pacer.backlog_max();
        self.pacer.notice(now_ns, |_| {});
        while let Due::Now(due_ns) = self.pacer.take() {
            recorder.never_sent(due_ns, now_ns);
        }
    }
}
