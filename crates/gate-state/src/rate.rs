//! Orders per second, by a sliding window of two one-second buckets. Pure: time comes in.

use gate_types::Timestamp;

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// Counts events of the last second in 16 bytes, whatever their number.
///
/// The window is the running second plus the part of the one before that is less than a second
/// ago, its events taken as evenly spread and rounded **up**: the count may be high by what was
/// unevenly spread, and a limit is never exceeded by more than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct RateWindow {
    second: u64,
    current: u32,
    previous: u32,
}

impl RateWindow {
    /// Counts one event at `now`.
    pub(crate) fn record(&mut self, now: Timestamp) {
        *self = self.at(now.unix_seconds());
        self.current = self.current.saturating_add(1);
    }

    /// Events within the last second, as of `now`.
    pub(crate) fn count(&self, now: Timestamp) -> u64 {
        let window = self.at(now.unix_seconds());
        // A clock that stepped back finds itself at the start of the newest second.
        let into = if now.unix_seconds() < window.second {
            0
        } else {
            now.unix_nanos().wrapping_rem(NANOS_PER_SECOND)
        };
        let remaining = NANOS_PER_SECOND.saturating_sub(into);
        // INVARIANT: < 2^32 · 10^9, inside a u64.
        let weighted = u64::from(window.previous).saturating_mul(remaining);
        u64::from(window.current).saturating_add(weighted.div_ceil(NANOS_PER_SECOND))
    }

    pub(crate) const fn parts(self) -> (u64, u32, u32) {
        (self.second, self.current, self.previous)
    }

    pub(crate) const fn from_parts(second: u64, current: u32, previous: u32) -> Self {
        Self {
            second,
            current,
            previous,
        }
    }

    fn at(self, second: u64) -> Self {
        match second.saturating_sub(self.second) {
            0 => self,
            1 => Self {
                second,
                current: 0,
                previous: self.current,
            },
            _ => Self {
                second,
                ..Self::default()
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_ms(ms: u64) -> Timestamp {
        Timestamp::from_unix_nanos(ms * 1_000_000)
    }

    #[test]
    fn the_window_slides_and_rounds_up() {
        let mut window = RateWindow::default();
        for _ in 0..10 {
            window.record(at_ms(5_900));
        }
        assert_eq!(window.count(at_ms(5_999)), 10);
        assert_eq!(window.count(at_ms(6_000)), 10);
        assert_eq!(window.count(at_ms(6_500)), 5);
        assert_eq!(window.count(at_ms(6_501)), 5);
        assert_eq!(window.count(at_ms(6_999)), 1);
        assert_eq!(window.count(at_ms(7_000)), 0);
    }

    #[test]
    fn a_clock_that_steps_back_forgets_nothing() {
        let mut window = RateWindow::default();
        window.record(at_ms(9_100));
        window.record(at_ms(4_000));
        assert_eq!(window.count(at_ms(4_000)), 2);
        assert_eq!(window.count(at_ms(9_200)), 2);
    }
}
