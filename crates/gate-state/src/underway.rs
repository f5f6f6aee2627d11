//! Commits that are on their way to the disk. Knows nothing of SQLite.

use std::collections::VecDeque;

use crate::sync::{Mutex, lock};

/// Commits whose sync has not returned, or not that of one before them, in the order in which they
/// were appended.
///
/// Whoever syncs the log after another's sync of it has failed may be told that all is well. So
/// each commit's own sync counts, and that of all before it, and none once one has failed.
#[derive(Default)]
pub(crate) struct UnderWay(Mutex<State>);

#[derive(Default)]
struct State {
    commits: VecDeque<Commit>,
    failed: bool,
}

struct Commit {
    /// Its last record.
    last: u64,
    arrived: bool,
}

impl UnderWay {
    /// A commit up to record `last` was appended. To be said before the next one is.
    pub(crate) fn appended(&self, last: u64) {
        let commit = Commit {
            last,
            arrived: false,
        };
        lock(&self.0).commits.push_back(commit);
    }

    /// The sync of the commit up to record `last` has returned. The record up to which everything
    /// is now on disk; `None` while one before it is still under way, or when one has failed.
    pub(crate) fn arrived(&self, last: u64) -> Option<u64> {
        let mut state = lock(&self.0);
        if state.failed {
            return None;
        }
        let commits = &mut state.commits;
        if let Some(commit) = commits.iter_mut().find(|commit| commit.last == last) {
            commit.arrived = true;
        }
        let mut on_disk = None;
        while let Some(commit) = commits.pop_front_if(|commit| commit.arrived) {
            on_disk = Some(commit.last);
        }
        on_disk
    }

    /// A commit has failed.
    pub(crate) fn failed(&self) {
        lock(&self.0).failed = true;
    }
}
