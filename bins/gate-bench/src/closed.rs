//! The closed loop: every connection sends its next request as soon as it has an answer.
//!
//! It finds the highest throughput. Its latencies hide stalls, since nothing is sent to a stalled
//! server meanwhile; the open loop is for those.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::engine::{Arrivals, Next};
use crate::recorder::Recorder;

/// When a closed loop ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// After this many measured requests.
    Requests(u64),
    /// After this time of measuring.
    After(Duration),
}

pub(crate) struct ClosedLoop<'a> {
    /// Measured requests still to be sent, by all threads together.
    left: &'a AtomicU64,
    warmup_ns: u64,
    deadline_ns: Option<u64>,
    timeout_ns: u64,
}

impl<'a> ClosedLoop<'a> {
    pub(crate) fn new(
        stop: Stop,
        warmup: Duration,
        timeout: Duration,
        left: &'a AtomicU64,
    ) -> Self {
        let deadline_ns = match stop {
            Stop::Requests(_) => None,
            Stop::After(duration) => Some(nanos(warmup.saturating_add(duration))),
        };
        Self {
            left,
            warmup_ns: nanos(warmup),
            deadline_ns,
            timeout_ns: nanos(timeout),
        }
    }

    /// The initial value of `left`.
    pub(crate) fn quota(stop: Stop) -> AtomicU64 {
        AtomicU64::new(match stop {
            Stop::Requests(count) => count,
            Stop::After(_) => u64::MAX,
        })
    }
}

impl Arrivals for ClosedLoop<'_> {
    fn notice(&mut self, _now_ns: u64, _recorder: &mut Recorder) {}

    fn next(&mut self, now_ns: u64) -> Next {
        let measured = now_ns >= self.warmup_ns;
        let over = self.deadline_ns.is_some_and(|deadline| now_ns >= deadline);
        let take = |left: u64| left.checked_sub(1);
        if over
            || measured
                && self
                    .left
                    .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
                    .is_err()
        {
            return Next::Finished;
        }
        Next::Send {
            intended_ns: now_ns,
            measured,
        }
    }

    fn next_due(&self) -> Option<u64> {
        None
    }

    fn give_up_ns(&self) -> Option<u64> {
        let give_up = |deadline: u64| deadline.saturating_add(self.timeout_ns);
        self.deadline_ns.map(give_up)
    }

    fn abandon(&mut self, _now_ns: u64, _recorder: &mut Recorder) {}
}

pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(1);

    #[test]
    fn a_quota_counts_measured_requests_only() {
        let left = ClosedLoop::quota(Stop::Requests(2));
        let mut closed =
            ClosedLoop::new(Stop::Requests(2), Duration::from_nanos(100), TIMEOUT, &left);
        let send = |now_ns, measured| Next::Send {
            intended_ns: now_ns,
            measured,
        };
        assert_eq!(closed.next(0), send(0, false));
        assert_eq!(closed.next(99), send(99, false));
        assert_eq!(closed.next(100), send(100, true));
        assert_eq!(closed.next(101), send(101, true));
        assert_eq!(closed.next(102), Next::Finished);
    }

    #[test]
    fn a_duration_counts_from_the_end_of_warm_up() {
        let stop = Stop::After(Duration::from_nanos(50));
        let left = ClosedLoop::quota(stop);
        let mut closed = ClosedLoop::new(stop, Duration::from_nanos(100), TIMEOUT, &left);
        assert_ne!(closed.next(149), Next::Finished);
        assert_eq!(closed.next(150), Next::Finished);
        assert_eq!(closed.give_up_ns(), Some(150 + nanos(TIMEOUT)));
    }
}
