//! Group commit: how many records the next commit waits for, and how long. Arithmetic only; the
//! waiting is the queue's.
//!
//! A commit costs the processor and the disk about as much for fifty records as for one
//! (PostgreSQL has `commit_delay` and `commit_siblings` for this). Measured over the last window
//! of 5 ms:
//!
//! ```text
//! t = mean commit time, each counted as 2 ms at most
//! c = records that come in 2t        high rate: c ≥ 16
//! w = most records that waited at once, those in the commit included
//! n = records in the last commit
//!
//! by rate = max(1, min(w, c))                  at a high rate: max(1, min(w, c + c/2))
//! again   = 1 if n < 16, else n − n/8
//! records = max(by rate, again)
//!
//! patience = min(most, missing · max(25 µs, 2 · mean time between records))
//! most     = max(400 µs, min(1 ms, 2t))        at a high rate: min(1 ms, 2t) doubled
//! ```
//!
//! Waiting for `c` leaves the disk idle half of the time; at a high rate the processor is short,
//! so the wait is for more. `again`: the callers of a large commit are likely to come back, and if
//! not (a steady rate after a stall), large commits catch up. One eighth is left out because a
//! commit that waits for everybody leaves the processor without work.

use std::time::Duration;

/// Least length of a window, in nanoseconds.
const WINDOW_NS: u64 = 5_000_000;
/// From this many records on, a commit is followed by a wait for nearly as many again.
const GROUP: u64 = 16;
/// One in this many records is left out of that.
const LEFT_OUT: u64 = 8;
/// Least wait for each missing record, in nanoseconds.
const PER_RECORD_NS: u64 = 25_000;
/// Bounds of the whole wait, in nanoseconds, before doubling at a high rate.
const MOST_NS: (u64, u64) = (400_000, 1_000_000);
/// The rate is high when this many records come in the time of two commits.
const HIGH_RATE: u64 = 16;
/// A longer commit is counted as this long, so that one stall is not the usual time.
const TOOK_MAX_NS: u64 = 2_000_000;

/// What the next commit waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gathering {
    /// Number of records.
    pub(crate) records: u64,
    /// Longest wait for each missing record.
    pub(crate) per_record: Duration,
    /// Longest wait in all.
    pub(crate) most: Duration,
}

impl Gathering {
    /// No wait for more than the first record.
    pub(crate) const NONE: Self = Self {
        records: 1,
        per_record: Duration::from_nanos(PER_RECORD_NS),
        most: Duration::from_nanos(MOST_NS.0),
    };

    /// How long to wait when this many records are missing.
    ///
    /// Those already queued add no time: at a steady rate a slow commit leaves nearly a whole group
    /// behind.
    pub(crate) fn patience(self, missing: u64) -> Duration {
        let missing = u32::try_from(missing).unwrap_or(u32::MAX);
        self.per_record.saturating_mul(missing).min(self.most)
    }
}

/// A commit that is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Commit {
    /// Records in it.
    pub(crate) records: u64,
    /// Those in it and those that were queued meanwhile.
    pub(crate) waiting: u64,
    /// How long it took, in nanoseconds.
    pub(crate) took_ns: u64,
    /// When it ended, on the monotonic clock, in nanoseconds.
    pub(crate) end_ns: u64,
}

/// Measures how fast records come and how long commits take; see the module.
#[derive(Debug)]
pub(crate) struct Pace {
    /// The current window: its beginning, and its commits so far.
    began_ns: u64,
    commits: u64,
    records: u64,
    committing_ns: u64,
    most_waiting: u64,
    /// Records to wait for by the rate of the last window.
    at_this_rate: u64,
    gathering: Gathering,
}

impl Pace {
    pub(crate) const fn new() -> Self {
        Self {
            began_ns: 0,
            commits: 0,
            records: 0,
            committing_ns: 0,
            most_waiting: 0,
            at_this_rate: 1,
            gathering: Gathering::NONE,
        }
    }

    /// What the next commit waits for.
    pub(crate) const fn gathering(&self) -> Gathering {
        self.gathering
    }

    pub(crate) fn committed(&mut self, commit: Commit) {
        self.commits = self.commits.saturating_add(1);
        self.records = self.records.saturating_add(commit.records);
        self.committing_ns = self
            .committing_ns
            .saturating_add(commit.took_ns.min(TOOK_MAX_NS));
        self.most_waiting = self.most_waiting.max(commit.waiting);
        let window_ns = commit.end_ns.saturating_sub(self.began_ns);
        if window_ns >= WINDOW_NS {
            self.look_at(window_ns);
            *self = Self {
                began_ns: commit.end_ns,
                at_this_rate: self.at_this_rate,
                gathering: self.gathering,
                ..Self::new()
            };
        }
        let again = if commit.records < GROUP {
            1
        } else {
            commit.records.saturating_sub(commit.records / LEFT_OUT)
        };
        self.gathering.records = again.max(self.at_this_rate);
    }

    fn look_at(&mut self, window_ns: u64) {
        let usual_ns = self.committing_ns.checked_div(self.commits);
        let twice_ns = usual_ns.unwrap_or(0).saturating_mul(2);
        let coming = self.records.saturating_mul(twice_ns);
        let coming = coming.checked_div(window_ns).unwrap_or(0);
        let (records, times) = if coming < HIGH_RATE {
            (coming, 1)
        } else {
            (coming.saturating_add(coming / 2), 2)
        };
        // Callers that wait for their answers send nothing meanwhile.
        self.at_this_rate = records.min(self.most_waiting).max(1);
        let interval_ns = window_ns.checked_div(self.records).unwrap_or(window_ns);
        let per_record_ns = interval_ns.saturating_mul(2).max(PER_RECORD_NS);
        self.gathering.per_record = Duration::from_nanos(per_record_ns);
        let (least, most) = MOST_NS;
        let most_ns = twice_ns.min(most).saturating_mul(times).max(least);
        self.gathering.most = Duration::from_nanos(most_ns);
    }
}
