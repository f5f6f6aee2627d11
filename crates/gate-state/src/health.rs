//! How a ledger is, in numbers: for metrics, probes and whoever looks after it.

use std::sync::atomic::Ordering;

use crate::checkpoint::CheckpointWork;
use crate::ledger::Ledger;
use crate::record::Seq;

/// How the ledger is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// Orders can be decided: the journal is open and no commit has failed.
    pub writable: bool,
    /// Records waiting for the disk, or on their way to it.
    pub queue_depth: u64,
    /// The bound on that.
    pub queue_capacity: u64,
    /// The last record on disk.
    pub durable_seq: Seq,
    /// The last record that was pruned; zero when none was.
    pub begin_seq: Seq,
    /// Where the last snapshot begins: a start replays the journal from there.
    pub snapshot_seq: Seq,
    /// Orders remembered, over all clients.
    pub remembered: usize,
    /// Size of the write-ahead log file, in bytes.
    pub wal_bytes: u64,
    /// Commits since the start, one sync each.
    pub commits: u64,
    /// Bytes of records in them.
    pub commit_bytes: u64,
    /// Nanoseconds of the last commit.
    pub commit_last_ns: u64,
    /// Nanoseconds of the longest commit.
    pub commit_max_ns: u64,
    /// Checkpoint work beside the writer.
    pub checkpoint_bulk: CheckpointWork,
    /// Checkpoint work by the writer.
    pub checkpoint_tail: CheckpointWork,
}

impl Ledger {
    /// How the ledger is.
    pub fn health(&self) -> Health {
        let (checkpoint_bulk, checkpoint_tail) = self.checkpoints.work();
        let wal = std::fs::metadata(&self.paths.wal);
        Health {
            writable: !self.queue.is_poisoned() && !self.queue.is_closing(),
            queue_depth: self.queue.depth(),
            queue_capacity: self.config.queue_capacity,
            durable_seq: self.durable_seq(),
            begin_seq: Seq::new(self.begin_seq.load(Ordering::Acquire)),
            snapshot_seq: Seq::new(self.snapshot_seq.load(Ordering::Acquire)),
            remembered: self.books.read().remembered(),
            wal_bytes: wal.map_or(0, |file| file.len()),
            commits: self.commits.count.load(Ordering::Relaxed),
            commit_bytes: self.commits.bytes.load(Ordering::Relaxed),
            commit_last_ns: self.commits.last_ns.load(Ordering::Relaxed),
            commit_max_ns: self.commits.max_ns.load(Ordering::Relaxed),
            checkpoint_bulk,
            checkpoint_tail,
        }
    }
}
