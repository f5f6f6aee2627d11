//! How large commits are made: what a commit waits for before it begins.
//!
//! A commit costs the processor and the disk about as much for fifty records as for one. Once some
//! records share one, the next waits for as many again, since their callers are likely to come back
//! (PostgreSQL's `commit_delay` and `commit_siblings`, with the count taken from the last commit).
//! Where processor time is short, a commit that is saved is worth a longer wait: other orders are
//! decided meanwhile. Where it is not, the wait would be for nothing.

use std::time::Duration;

/// Of the processor's time, this much is most of it.
const BUSY_PERCENT: u64 = 60;
/// For so long the use of the processor is looked at as a whole, in nanoseconds.
const WINDOW_NS: u64 = 5_000_000;
/// Bounds of the wait for each record where processor time is short.
const PER_RECORD_MIN: Duration = Gathering::USUAL.per_record;
const PER_RECORD_MAX: Duration = Duration::from_micros(125);
/// So many records are waited for at the most.
const RECORDS_MAX: u32 = 16;

/// What the next commit waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gathering {
    /// Waited for are as many records as the last commit had, from this number on.
    pub(crate) from: u64,
    /// It waits this long for each that is missing,
    per_record: Duration,
    /// and in all no longer than this.
    most: Duration,
}

impl Gathering {
    /// Where processor time is not short.
    pub(crate) const USUAL: Self = Self {
        from: 8,
        per_record: Duration::from_micros(25),
        most: Duration::from_micros(25).saturating_mul(RECORDS_MAX),
    };

    /// Where it is, and a record comes each `interval`.
    fn busy(interval: Duration) -> Self {
        let per_record = interval
            .saturating_mul(2)
            .clamp(PER_RECORD_MIN, PER_RECORD_MAX);
        Self {
            from: 4,
            per_record,
            most: per_record.saturating_mul(RECORDS_MAX),
        }
    }

    /// How long a commit waits that is short of so many records.
    ///
    /// Not for those that are there: at a steady rate a slow commit leaves nearly as many behind as
    /// it had, and a wait for all of them would make the next as slow, and so on.
    pub(crate) fn patience(self, missing: u64) -> Duration {
        let missing = u32::try_from(missing).unwrap_or(u32::MAX);
        self.per_record.saturating_mul(missing).min(self.most)
    }
}

/// Watches how fast records come and whether processor time is short.
#[derive(Debug)]
pub(crate) struct Pace {
    cores: u64,
    /// When the window began: on the monotonic clock, and of processor time.
    began_ns: (u64, u64),
    records: u64,
    gathering: Gathering,
}

impl Pace {
    /// Of a process that may use so many cores.
    pub(crate) fn new(cores: u32) -> Self {
        Self {
            cores: cores.into(),
            began_ns: (0, 0),
            records: 0,
            gathering: Gathering::USUAL,
        }
    }

    /// What the next commit waits for.
    pub(crate) const fn gathering(&self) -> Gathering {
        self.gathering
    }

    /// A commit of so many records is done. The clocks, in nanoseconds: the monotonic one, and the
    /// process's own.
    pub(crate) fn committed(&mut self, records: u64, now_ns: u64, processor_ns: impl Fn() -> u64) {
        self.records = self.records.saturating_add(records);
        let window_ns = now_ns.saturating_sub(self.began_ns.0);
        if window_ns < WINDOW_NS || self.cores == 0 {
            return;
        }
        let processor_ns = processor_ns();
        let used_ns = processor_ns.saturating_sub(self.began_ns.1);
        let most_ns = window_ns.saturating_mul(self.cores);
        let is_busy = used_ns.saturating_mul(100) >= most_ns.saturating_mul(BUSY_PERCENT);
        self.gathering = if is_busy {
            let interval_ns = window_ns.checked_div(self.records).unwrap_or(window_ns);
            Gathering::busy(Duration::from_nanos(interval_ns))
        } else {
            Gathering::USUAL
        };
        self.began_ns = (now_ns, processor_ns);
        self.records = 0;
    }
}
