//! Sliding one-second count of a client's orders. Pure: the time is an argument.

use std::collections::VecDeque;

use gate_types::Timestamp;

const SECOND_NS: u64 = 1_000_000_000;
/// An empty window with more capacity than this is freed.
const ROOM_KEPT: usize = 64;

/// Times of recent events in nanoseconds, oldest first. Exact for any second, wherever it begins.
/// Holds no more than the events of about two seconds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct RateWindow {
    times: VecDeque<u64>,
}

impl RateWindow {
    /// Counts one event at `now`.
    pub(crate) fn record(&mut self, now: Timestamp) {
        self.pass(now);
        let now_ns = now.unix_nanos();
        if self.times.back().is_none_or(|last| *last <= now_ns) {
            self.times.push_back(now_ns);
        } else {
            let later = self.times.partition_point(|time| *time <= now_ns);
            self.times.insert(later, now_ns);
        }
    }

    /// Drops times two seconds old. A caller reads the clock before it gets its turn, so `now` may
    /// be a little before the previous one: the extra second is for that. If the newest time is
    /// more than a second ahead, the clock was put back: times after `now` become `now`.
    pub(crate) fn pass(&mut self, now: Timestamp) {
        let now_ns = now.unix_nanos();
        let was_put_back = |last: &u64| *last > now_ns.saturating_add(SECOND_NS);
        if self.times.back().is_some_and(was_put_back) {
            let ahead = self.times.partition_point(|time| *time <= now_ns);
            for time in self.times.range_mut(ahead..) {
                *time = now_ns;
            }
        }
        let second_ago = Timestamp::from_unix_nanos(now_ns.saturating_sub(SECOND_NS));
        let old = self.old(second_ago);
        self.times.drain(..old);
        if self.times.is_empty() && self.times.capacity() > ROOM_KEPT {
            self.times = VecDeque::new();
        }
    }

    /// Events within the last second, as of `now`.
    pub(crate) fn count(&self, now: Timestamp) -> u64 {
        let counted = self.times.len().saturating_sub(self.old(now));
        u64::try_from(counted).unwrap_or(u64::MAX)
    }

    /// The times that [`Self::count`] counts, oldest first.
    pub(crate) fn counted(&self, now: Timestamp) -> impl ExactSizeIterator<Item = u64> {
        self.times.range(self.old(now)..).copied()
    }

    /// A window with these times, oldest first.
    pub(crate) fn of(times: impl IntoIterator<Item = u64>) -> Self {
        Self {
            times: times.into_iter().collect(),
        }
    }

    /// How many of the oldest are at least a second old.
    fn old(&self, now: Timestamp) -> usize {
        let now_ns = now.unix_nanos();
        self.times
            .partition_point(|time| time.saturating_add(SECOND_NS) <= now_ns)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at_ms(ms: u64) -> Timestamp {
        Timestamp::from_unix_nanos(ms * 1_000_000)
    }

    #[test]
    fn an_event_counts_for_a_second_wherever_that_begins() {
        let mut window = RateWindow::default();
        for _ in 0..10 {
            window.record(at_ms(5_900));
        }
        for (ms, count) in [(5_900, 10), (6_000, 10), (6_899, 10), (6_900, 0)] {
            assert_eq!(window.count(at_ms(ms)), count, "at {ms} ms");
        }
        window.record(at_ms(6_500));
        assert_eq!(window.count(at_ms(6_899)), 11);
        assert_eq!(window.count(at_ms(6_901)), 1);
    }

    #[test]
    fn a_clock_that_steps_back_forgets_nothing_and_stops_nobody_for_longer_than_a_second() {
        let mut window = RateWindow::default();
        window.record(at_ms(9_100));
        assert_eq!(window.count(at_ms(4_000)), 1);
        // A decision passes the time, whatever its outcome.
        window.pass(at_ms(4_000));
        window.record(at_ms(4_500));
        assert_eq!(window.count(at_ms(4_999)), 2);
        assert_eq!(window.count(at_ms(5_000)), 1);
        assert_eq!(window.count(at_ms(5_500)), 0);
    }

    proptest! {
        /// When events are let in only below the limit, no second has more of them, even if the
        /// clock was read up to 0.9 s before an event's turn.
        #[test]
        fn no_second_has_more_than_the_limit(
            steps in proptest::collection::vec((0_u64..700, 0_u64..900), 1..200), limit in 1_u64..6,
        ) {
            let (mut window, mut turn_ms) = (RateWindow::default(), 5_000);
            let mut let_in: Vec<u64> = Vec::new();
            for (step, waited) in steps {
                turn_ms += step;
                let now_ms = turn_ms - waited;
                window.pass(at_ms(now_ms));
                let counted = let_in.iter().filter(|time| *time + 1_000 > now_ms).count();
                prop_assert_eq!(window.count(at_ms(now_ms)), counted as u64);
                if window.count(at_ms(now_ms)) < limit {
                    window.record(at_ms(now_ms));
                    let_in.push(now_ms);
                }
            }
            for first in &let_in {
                let within = let_in.iter().filter(|time| (*first..first + 1_000).contains(time));
                prop_assert!(within.count() as u64 <= limit);
            }
        }
    }
}
