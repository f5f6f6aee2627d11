//! Time as a value, and the [`Clock`] through which it comes in. Nothing here reads a real clock.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// A point in time: nanoseconds since the Unix epoch (good until the year 2554).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(u64);

const NANOS_PER_SECOND: u64 = 1_000_000_000;
const NANOS_PER_MILLI: u64 = 1_000_000;
const SECONDS_PER_DAY: u64 = 86_400;

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

    /// The point `nanos` later, at most the last one that can be represented.
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

/// RFC 3339 in UTC with nanoseconds: `2026-01-16T06:40:50.000000001Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0 % NANOS_PER_SECOND;
        let of_day = self.unix_seconds() % SECONDS_PER_DAY;
        let (year, month, day) = civil_date(self.unix_seconds() / SECONDS_PER_DAY);
        let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{nanos:09}Z"
        )
    }
}

/// Year, month and day of the day that is `days` after 1970-01-01 (Howard Hinnant,
/// "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`, for days ≥ 0).
fn civil_date(days: u64) -> (u64, u64, u64) {
    // INVARIANT: days ≤ 213,503 (the year 2554), so no step leaves a u64 or goes below zero.
    let shifted = days.saturating_add(719_468);
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = day_of_era
        .saturating_sub(day_of_era / 1_460)
        .saturating_add(day_of_era / 36_524)
        .saturating_sub(day_of_era / 146_096)
        / 365;
    let leap_days = (year_of_era / 4).saturating_sub(year_of_era / 100);
    let day_of_year =
        day_of_era.saturating_sub(year_of_era.saturating_mul(365).saturating_add(leap_days));
    let from_march = day_of_year.saturating_mul(5).saturating_add(2) / 153;
    let before_month = from_march.saturating_mul(153).saturating_add(2) / 5;
    let day = day_of_year.saturating_sub(before_month).saturating_add(1);
    let month = if from_march < 10 {
        from_march.saturating_add(3)
    } else {
        from_march.saturating_sub(9)
    };
    let year = era.saturating_mul(400).saturating_add(year_of_era);
    (year.saturating_add(u64::from(month <= 2)), month, day)
}

/// The source of time: the system clock in the binaries, [`ManualClock`] in tests.
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

    /// The right-hand sides are from Python's `datetime.utcfromtimestamp`.
    #[test]
    fn shows_rfc_3339() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000000007Z"),
            (951_782_399, "2000-02-28T23:59:59.000000007Z"),
            (951_782_400, "2000-02-29T00:00:00.000000007Z"),
            (951_868_800, "2000-03-01T00:00:00.000000007Z"),
            (1_768_545_650, "2026-01-16T06:40:50.000000007Z"),
            (4_107_542_399, "2100-02-28T23:59:59.000000007Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000000007Z"),
            (1_735_689_599, "2024-12-31T23:59:59.000000007Z"),
        ] {
            let time = Timestamp::from_unix_seconds(seconds).saturating_add_nanos(7);
            assert_eq!(time.to_string(), text);
        }
    }

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
