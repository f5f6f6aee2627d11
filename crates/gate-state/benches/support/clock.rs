//! A real clock, for the benches and for the power-loss test.

use std::time::Instant;

use gate_types::{Clock, Timestamp};

/// Wall clock for `now`, `Instant` for durations.
pub(crate) struct SystemClock(pub(crate) Instant);

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = std::time::UNIX_EPOCH.elapsed().unwrap();
        Timestamp::from_unix_nanos(u64::try_from(since.as_nanos()).unwrap())
    }

    fn monotonic_ns(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap()
    }
}
