//! How large commits are made: what a commit waits for before it begins.
//!
//! A commit costs the processor and the disk about as much for fifty records as for one
//! (PostgreSQL's `commit_delay` and `commit_siblings` are of the same use). So while records come
//! fast enough for it, a commit waits for as many as come in twice the time that commits take, so that
//! the disk has nothing to do for half of the time; at a high rate, where the processor is what is
//! short, for as many as come in three times that.
//!
//! Once many records share a commit, the next waits for nearly as many again: their callers are likely
//! to come back, and where they are not (a steady rate after a stall) large commits are what
//! catches up. Not for quite as many: callers whose records are in no commit have them decided while
//! one is on its way, and a commit that waits for everybody leaves the processor without work.

use std::time::Duration;

/// For so long commits are looked at as a whole, in nanoseconds.
const WINDOW_NS: u64 = 5_000_000;
/// A commit of so many records is followed by a wait for nearly as many again.
const GROUP: u64 = 16;
/// One of so many of them is left out of that.
const LEFT_OUT: u64 = 8;
/// The least of the wait for each record, in nanoseconds.
const PER_RECORD_NS: u64 = 25_000;
/// Bounds of the wait for all of them, in nanoseconds.
const MOST_NS: (u64, u64) = (400_000, 1_000_000);
/// When so many records come in twice the time of a commit, the wait is for half as many again, and may be
/// twice as long.
const HIGH_RATE: u64 = 16;
/// A commit counts as no longer than this: one stall is not the usual time of a commit.
const TOOK_MAX_NS: u64 = 2_000_000;

/// What the next commit waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gathering {
    /// So many records;
    pub(crate) records: u64,
    /// for each that is missing this long,
    pub(crate) per_record: Duration,
    /// and for all of them no longer than this.
    pub(crate) most: Duration,
}

impl Gathering {
    /// Nothing but the first record.
    pub(crate) const NONE: Self = Self {
        records: 1,
        per_record: Duration::from_nanos(PER_RECORD_NS),
        most: Duration::from_nanos(MOST_NS.0),
    };

    /// How long a commit waits that is short of so many records.
    ///
    /// Not for those that are there: at a steady rate a slow commit leaves nearly as many behind as
    /// it had, which need not come any more.
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
    /// Those in it and those that came meanwhile.
    pub(crate) waiting: u64,
    /// How long it took, in nanoseconds.
    pub(crate) took_ns: u64,
    /// When it ended, on the monotonic clock, in nanoseconds.
    pub(crate) end_ns: u64,
}

/// Watches how fast records come and how long their commits take.
#[derive(Debug)]
pub(crate) struct Pace {
    /// The window: when it began, and its commits so far.
    began_ns: u64,
    commits: u64,
    records: u64,
    committing_ns: u64,
    most_waiting: u64,
    /// What is waited for at the rate of the last window.
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
        // Four callers that wait for their answers send no fifth order meanwhile.
        self.at_this_rate = records.min(self.most_waiting).max(1);
        let interval_ns = window_ns.checked_div(self.records).unwrap_or(window_ns);
        let per_record_ns = interval_ns.saturating_mul(2).max(PER_RECORD_NS);
        self.gathering.per_record = Duration::from_nanos(per_record_ns);
        let (least, most) = MOST_NS;
        let most_ns = twice_ns.min(most).saturating_mul(times).max(least);
        self.gathering.most = Duration::from_nanos(most_ns);
    }
}
