//! The system clock. The wall clock is read nowhere else.

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use gate_types::{Clock, Timestamp};

/// Wall-clock and monotonic time of this machine.
#[derive(Debug)]
pub(crate) struct SystemClock {
    started: Instant,
}

impl SystemClock {
    pub(crate) fn shared() -> Arc<dyn Clock> {
        Arc::new(Self {
            started: Instant::now(),
        })
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // Before 1970 or after 2554 the machine's clock is wrong. The epoch takes its place, which
        // is safe: tokens from then are expired everywhere.
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_unix_nanos(u64::try_from(since_epoch.as_nanos()).unwrap_or(0))
    }

    fn monotonic_ns(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}
