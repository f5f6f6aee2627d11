//! When requests are due: an absolute schedule, and what is due but not yet sent.
//!
//! Pure: time is a number that comes in. A request that could not be sent when it was due keeps
//! its intended start, so that waiting shows in the response times (no coordinated omission).

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;

use crate::rng::{self, Stream};

/// How arrivals follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrivals {
    /// At equal distances.
    Constant,
    /// Independent of one another: exponential distances of the same mean.
    Poisson,
}

impl fmt::Display for Arrivals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Constant => "constant",
            Self::Poisson => "poisson",
        })
    }
}

impl FromStr for Arrivals {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "constant" => Ok(Self::Constant),
            "poisson" => Ok(Self::Poisson),
            _ => Err(format!("`{text}` is neither `constant` nor `poisson`")),
        }
    }
}

/// One thread's share of a schedule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Share {
    /// Which of the threads this is, from 0.
    pub thread: u64,
    /// How many there are.
    pub threads: u64,
}

/// The due times of one thread, in nanoseconds, each exactly where the schedule puts it whatever
/// happened to the ones before.
#[derive(Debug)]
pub(crate) struct Schedule {
    arrivals: Arrivals,
    seed: u64,
    share: Share,
    /// Mean distance between two arrivals of all threads together.
    period_ns: f64,
    end_ns: u64,
    taken: u64,
    next_ns: f64,
}

impl Schedule {
    /// A schedule of `rate_per_s` over all threads, from 0 to before `end_ns`.
    #[must_use]
    pub(crate) fn new(
        arrivals: Arrivals,
        rate_per_s: f64,
        end_ns: u64,
        share: Share,
        seed: u64,
    ) -> Self {
        let mut schedule = Self {
            arrivals,
            seed,
            share,
            period_ns: 1e9 / rate_per_s,
            end_ns,
            taken: 0,
            next_ns: 0.0,
        };
        schedule.next_ns = schedule.place(0.0);
        schedule
    }

    /// When the next request is due; `None` after the last.
    #[must_use]
    pub(crate) fn peek(&self) -> Option<u64> {
        let due = self.next_ns as u64;
        (due < self.end_ns).then_some(due)
    }

    /// Moves on to the next request.
    pub(crate) fn advance(&mut self) {
        self.taken += 1;
        self.next_ns = self.place(self.next_ns);
    }

    fn place(&self, previous_ns: f64) -> f64 {
        let Share { thread, threads } = self.share;
        match self.arrivals {
            // From the index, not from the one before: no rounding adds up.
            Arrivals::Constant => (self.taken * threads + thread) as f64 * self.period_ns,
            Arrivals::Poisson => {
                let bits = rng::draw(self.seed, self.taken * threads + thread, Stream::Arrival);
                let mean_ns = self.period_ns * threads as f64;
                previous_ns - rng::unit(bits).ln() * mean_ns
            }
        }
    }
}

/// A schedule and its backlog.
#[derive(Debug)]
pub(crate) struct Pacer {
    schedule: Schedule,
    backlog: VecDeque<u64>,
    backlog_max: usize,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// Send one now; it was due at this time.
    Now(u64),
    /// Nothing before this time.
    At(u64),
    /// Nothing more will be due.
    Never,
}

impl Pacer {
    /// Paces by `schedule`.
    #[must_use]
    pub(crate) fn new(schedule: Schedule) -> Self {
        Self {
            schedule,
            backlog: VecDeque::new(),
            backlog_max: 0,
        }
    }

    /// Adds what is due by `now_ns` to the backlog. `seen` is given the due time of each: any delay
    /// until now is the generator's own, never the server's.
    pub(crate) fn notice(&mut self, now_ns: u64, mut seen: impl FnMut(u64)) {
        while let Some(due) = self.schedule.peek().filter(|due| *due <= now_ns) {
            self.schedule.advance();
            self.backlog.push_back(due);
            seen(due);
        }
        self.backlog_max = self.backlog_max.max(self.backlog.len());
    }

    /// Takes the oldest request that is due.
    pub(crate) fn take(&mut self) -> Due {
        match (self.backlog.pop_front(), self.schedule.peek()) {
            (Some(due), _) => Due::Now(due),
            (None, Some(due)) => Due::At(due),
            (None, None) => Due::Never,
        }
    }

    /// When the next request will become due.
    #[must_use]
    pub(crate) fn next_due(&self) -> Option<u64> {
        self.schedule.peek()
    }

    /// The most requests that were waiting for a free connection at once.
    #[must_use]
    pub(crate) fn backlog_max(&self) -> usize {
        self.backlog_max
    }
}

#[cfg(test)]
mod tests;
