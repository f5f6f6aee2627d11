//! Counts and durations of the writer's commits.

use std::sync::atomic::{AtomicU64, Ordering};

/// Inclusive upper bounds of [`CommitTimes`]' classes, in nanoseconds; the last class has none.
const BOUNDS_NS: [u64; 13] = [
    50_000,
    100_000,
    200_000,
    500_000,
    1_000_000,
    2_000_000,
    5_000_000,
    10_000_000,
    20_000_000,
    50_000_000,
    100_000_000,
    1_000_000_000,
    10_000_000_000,
];
const CLASSES: usize = BOUNDS_NS.len() + 1;

/// Histogram of commit times; it shows how fast the disk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CommitTimes {
    classes: [u64; CLASSES],
    total_ns: u64,
}

impl CommitTimes {
    /// (Inclusive upper bound in nanoseconds, number of commits) of each class, shortest first. The
    /// last class has no bound.
    pub fn classes(&self) -> impl Iterator<Item = (Option<u64>, u64)> {
        let bounds = BOUNDS_NS.into_iter().map(Some).chain([None]);
        bounds.zip(self.classes)
    }

    /// All commits together, in nanoseconds.
    #[must_use]
    pub const fn total_ns(&self) -> u64 {
        self.total_ns
    }
}

/// Live counts of the writer's work. Only the writer's thread adds to them.
#[derive(Debug, Default)]
pub(crate) struct Commits {
    /// When the commit under way began, on the monotonic clock; zero when none is.
    began_ns: AtomicU64,
    bytes: AtomicU64,
    last_ns: AtomicU64,
    max_ns: AtomicU64,
    total_ns: AtomicU64,
    classes: [AtomicU64; CLASSES],
}

impl Commits {
    /// A commit is under way from now on, checkpoint work after it included.
    pub(crate) fn begin(&self, now_ns: u64) {
        self.began_ns.store(now_ns.max(1), Ordering::Relaxed);
    }

    /// No commit is under way.
    pub(crate) fn end(&self) {
        self.began_ns.store(0, Ordering::Relaxed);
    }

    /// How long the current commit has been under way, in nanoseconds; 0 if there is none.
    pub(crate) fn under_way_ns(&self, now_ns: u64) -> u64 {
        match self.began_ns.load(Ordering::Relaxed) {
            0 => 0,
            began_ns => now_ns.saturating_sub(began_ns),
        }
    }

    /// Counts a commit.
    pub(crate) fn add(&self, bytes: usize, took_ns: u64) {
        let bytes = u64::try_from(bytes).unwrap_or_default();
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.last_ns.store(took_ns, Ordering::Relaxed);
        self.max_ns.fetch_max(took_ns, Ordering::Relaxed);
        self.total_ns.fetch_add(took_ns, Ordering::Relaxed);
        let class = BOUNDS_NS.partition_point(|bound| *bound < took_ns);
        if let Some(class) = self.classes.get(class) {
            class.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn count(&self) -> u64 {
        let classes = self.classes.iter();
        classes.map(|class| class.load(Ordering::Relaxed)).sum()
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn last_ns(&self) -> u64 {
        self.last_ns.load(Ordering::Relaxed)
    }

    pub(crate) fn max_ns(&self) -> u64 {
        self.max_ns.load(Ordering::Relaxed)
    }

    pub(crate) fn times(&self) -> CommitTimes {
        let mut classes = [0; CLASSES];
        for (copy, class) in classes.iter_mut().zip(&self.classes) {
            *copy = class.load(Ordering::Relaxed);
        }
        let total_ns = self.total_ns.load(Ordering::Relaxed);
        CommitTimes { classes, total_ns }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_counts_in_the_class_whose_bound_it_does_not_pass() {
        let commits = Commits::default();
        for took_ns in [0, 50_000, 50_001, 20_000_000_000] {
            commits.add(100, took_ns);
        }
        let classes: Vec<_> = commits.times().classes().collect();
        let counted: Vec<_> = classes.iter().filter(|(_, count)| *count > 0).collect();
        let expected = [&(Some(50_000), 2), &(Some(100_000), 1), &(None, 1)];
        assert_eq!(counted, expected);
        assert_eq!(commits.times().total_ns(), 20_000_100_001);
        assert_eq!((commits.count(), commits.bytes()), (4, 400));
        let took = (commits.last_ns(), commits.max_ns());
        assert_eq!(took, (20_000_000_000, 20_000_000_000));
    }
}
