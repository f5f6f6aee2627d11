//! Time as a value, and the [`Clock`] through which it comes in. Nothing here reads a real clock.

use std::sync::atomic::{AtomicU64, Ordering};

/// A point in time: nanoseconds since the Unix epoch (good until the year 2554).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(u64);

const NANOS_PER_SECOND: u64 = 1_000_000_000;
const NANOS_PER_MILLI: u64 = 1_000_000;

impl Timestamp {
    /// The point `nanos` nanoseconds after the epoch.
    #[must_use]
    pub const fn from_unix_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The point `seconds` seconds after the epoch.
    #[must_use]
    pub const fn from_unix_seconds(seconds: u64) -> Self {
        Self(seconds.saturating_mul(NANOS_PER_SECOND))
    }

    /// Nanoseconds since the epoch.
    #[must_use]
    pub const fn unix_nanos(self) -> u64 {
        self.0
    }

    /// Whole milliseconds since the epoch.
    #[must_use]
    pub const fn unix_millis(self) -> u64 {
        self.0.wrapping_div(NANOS_PER_MILLI)
    }

    /// Whole seconds since the epoch, as in a token's `iat`.
    #[must_use]
    pub const fn unix_seconds(self) -> u64 {
        self.0.wrapping_div(NANOS_PER_SECOND)
    }

    /// The point `nanos` later; stays at the last point there is.
    #[must_use]
    pub const fn saturating_add_nanos(self, nanos: u64) -> Self {
        Self(self.0.saturating_add(nanos))
    }

    /// Nanoseconds from `earlier` to here; 0 when `earlier` is later.
    #[must_use]
    pub const fn nanos_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Where time comes from. The binaries bring the system's; tests bring [`ManualClock`].
pub trait Clock: Send + Sync {
    /// Wall-clock time, for what is signed and recorded.
    fn now(&self) -> Timestamp;

    /// Nanoseconds on a clock that never goes back, for measuring how long something took.
    fn monotonic_ns(&self) -> u64;
}

/// A clock that stands still until it is told otherwise.
#[derive(Debug, Default)]
pub struct ManualClock {
    now_ns: AtomicU64,
}

impl ManualClock {
    /// A clock that shows `now`.
    #[must_use]
    pub const fn at(now: Timestamp) -> Self {
        Self {
            now_ns: AtomicU64::new(now.0),
        }
    }

    /// Moves the clock forward.
    pub fn advance_ns(&self, nanos: u64) {
        self.now_ns.fetch_add(nanos, Ordering::SeqCst);
    }

    /// Sets the clock, backwards too: a wall clock can be stepped.
    pub fn set(&self, now: Timestamp) {
        self.now_ns.store(now.0, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.now_ns.load(Ordering::SeqCst))
    }

    fn monotonic_ns(&self) -> u64 {
        self.now_ns.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manual_clock_moves_only_when_told() {
        let clock = ManualClock::at(Timestamp::from_unix_seconds(10));
        assert_eq!(clock.now().unix_seconds(), 10);
        clock.advance_ns(1_500_000_000);
        assert_eq!(clock.now().unix_millis(), 11_500);
        assert_eq!(
            clock.now().nanos_since(Timestamp::from_unix_seconds(11)),
            500_000_000
        );
        assert_eq!(Timestamp::default().nanos_since(clock.now()), 0);
    }
}
