//! Commits that are on their way to the disk. Knows nothing of SQLite.

use std::collections::VecDeque;

use crate::sync::{Mutex, lock};

/// Commits whose sync has not returned, or not that of one before them, in the order in which they
/// were appended.
#[derive(Default)]
pub(crate) struct UnderWay(Mutex<VecDeque<Commit>>);

struct Commit {
    /// Its last record.
    last: u64,
    arrived: bool,
}

impl UnderWay {
    /// A commit up to record `last` was appended. To be said before the next one is.
    pub(crate) fn appended(&self, last: u64) {
        let mut commits = lock(&self.0);
        commits.push_back(Commit {
            last,
            arrived: false,
        });
    }

    /// The sync of the commit up to record `last` has returned. The record up to which everything
    /// is now on disk; `None` while one before it is still under way.
    ///
    /// Whoever syncs the log after another's sync of it has failed may be told that all is well.
    /// So each commit's own sync counts, and that of all before it.
    pub(crate) fn arrived(&self, last: u64) -> Option<u64> {
        let mut commits = lock(&self.0);
        let mut on_disk = None;
        for commit in commits.iter_mut().filter(|commit| commit.last == last) {
            commit.arrived = true;
        }
        while let Some(commit) = commits.pop_front_if(|commit| commit.arrived) {
            on_disk = Some(commit.last);
        }
        on_disk
    }
}
