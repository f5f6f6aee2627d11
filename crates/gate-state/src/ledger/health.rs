//! The ledger's health in numbers, for metrics, probes and operators.

use std::fmt;
use std::sync::atomic::{AtomicI32, Ordering};

use rusqlite::Connection;

use super::Ledger;
use crate::commit::checkpoint::CheckpointWork;
use crate::commit::times::CommitTimes;
use crate::error::RecordError;
use crate::record::Seq;

/// A commit that takes longer has stalled, in nanoseconds.
const STALLED_NS: u64 = 2_000_000_000;

/// The ledger's health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// Whether the journal takes records, and why not.
    pub journal: JournalState,
    /// Records queued or in the commit in flight.
    pub queue_depth: u64,
    /// Most records that may wait.
    pub queue_capacity: u64,
    /// Number of the last record on disk.
    pub durable_seq: Seq,
    /// Number of the last record pruned; zero if none was.
    pub begin_seq: Seq,
    /// Number of the record where the last snapshot begins; a start replays the journal from there.
    pub snapshot_seq: Seq,
    /// Orders remembered, over all clients.
    pub remembered: usize,
    /// Size of the write-ahead log file, in bytes.
    pub wal_bytes: u64,
    /// The configured size limit of the log, in bytes; the writer waits there for foreign readers.
    pub wal_limit_bytes: u64,
    /// Commits since the start, one sync each.
    pub commits: u64,
    /// Bytes of records in them.
    pub commit_bytes: u64,
    /// Duration of the last commit, in nanoseconds.
    pub commit_last_ns: u64,
    /// Duration of the longest commit, in nanoseconds.
    pub commit_max_ns: u64,
    /// Histogram of commit times since the start.
    pub commit_times: CommitTimes,
    /// Nice level of the writer's thread in force, to compare with
    /// [`LedgerConfig::writer_priority`](crate::LedgerConfig::writer_priority); `None` where
    /// threads have none, and until the thread has started.
    pub writer_nice: Option<i32>,
    /// Checkpoint work on its own thread.
    pub checkpoint_bulk: CheckpointWork,
    /// Checkpoint work on the writer's thread.
    pub checkpoint_tail: CheckpointWork,
}

/// Whether the journal takes records now. Orders are decided without delay only when
/// [`Self::Open`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JournalState {
    /// It takes records and writes them.
    Open,
    /// The queue is full.
    QueueFull,
    /// The write-ahead log is at its limit: another process has kept the ledger open in a read
    /// transaction, and the writer waits for that to end.
    LogAtLimit,
    /// The commit under way takes longer than two seconds: the disk does not answer.
    Stalled,
    /// A commit failed and the journal was not recovered since.
    Failed,
    /// The ledger was closed.
    Closed,
}

impl fmt::Display for JournalState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "the journal is open",
            Self::QueueFull => "the journal's queue is full",
            Self::LogAtLimit => {
                "the write-ahead log is at its limit, held there by another process that reads the ledger"
            }
            Self::Stalled => "the disk has not answered the journal for two seconds",
            Self::Failed => "the journal cannot be written",
            Self::Closed => "the ledger is closed",
        })
    }
}

/// SQLite's settings, read back from the writer's connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteInfo {
    /// Version of the library in this process.
    pub version: &'static str,
    /// `wal`.
    pub journal_mode: String,
    /// `off`, `normal`, `full` or `extra`.
    pub synchronous: &'static str,
    /// In bytes.
    pub page_size: u64,
    /// Pages in the log after which SQLite checkpoints by itself; zero: never, as the ledger does
    /// it.
    pub wal_autocheckpoint: u64,
}

impl SqliteInfo {
    pub(crate) fn of(conn: &Connection) -> Result<Self, rusqlite::Error> {
        let number = |name| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        Ok(Self {
            version: rusqlite::version(),
            journal_mode: conn.pragma_query_value(None, "journal_mode", |row| row.get(0))?,
            synchronous: match number("synchronous")? {
                0 => "off",
                1 => "normal",
                2 => "full",
                3 => "extra",
                _ => "unknown",
            },
            page_size: number("page_size")?.unsigned_abs(),
            wal_autocheckpoint: number("wal_autocheckpoint")?.unsigned_abs(),
        })
    }
}

/// A nice level, set by one thread and read by others.
#[derive(Debug)]
pub(crate) struct Nice(AtomicI32);

impl Nice {
    const UNKNOWN: i32 = i32::MIN;

    pub(crate) fn set(&self, level: i32) {
        self.0.store(level, Ordering::Relaxed);
    }

    fn get(&self) -> Option<i32> {
        let level = self.0.load(Ordering::Relaxed);
        (level != Self::UNKNOWN).then_some(level)
    }
}

impl Default for Nice {
    fn default() -> Self {
        Self(AtomicI32::new(Self::UNKNOWN))
    }
}

impl Ledger {
    /// The ledger's health now.
    pub fn health(&self) -> Health {
        let (checkpoint_bulk, checkpoint_tail) = self.checkpoints.work();
        let wal = std::fs::metadata(&self.paths.wal);
        Health {
            journal: self.journal_state(),
            queue_depth: self.queue.depth(),
            queue_capacity: self.config.queue_capacity,
            durable_seq: self.durable_seq(),
            begin_seq: Seq::new(self.begin_seq.load(Ordering::Acquire)),
            snapshot_seq: Seq::new(self.snapshot_seq.load(Ordering::Acquire)),
            remembered: self.books.read().remembered(),
            wal_bytes: wal.map_or(0, |file| file.len()),
            wal_limit_bytes: self.config.wal_limit_bytes(),
            commits: self.commits.count(),
            commit_bytes: self.commits.bytes(),
            commit_last_ns: self.commits.last_ns(),
            commit_max_ns: self.commits.max_ns(),
            commit_times: self.commits.times(),
            writer_nice: self.writer_nice.get(),
            checkpoint_bulk,
            checkpoint_tail,
        }
    }

    /// Whether the limit of remembered orders is reached, so that new ones are refused.
    pub fn is_full(&self) -> bool {
        self.books.read().remembered() >= self.config.max_orders
    }

    /// Whether the journal takes records now, and why not. Cheap: it reads no file.
    pub fn journal_state(&self) -> JournalState {
        if self.queue.is_closing() {
            JournalState::Closed
        } else if self.queue.is_poisoned() {
            JournalState::Failed
        } else if self.checkpoints.is_at_limit() {
            JournalState::LogAtLimit
        } else if self.commits.under_way_ns(self.clock.monotonic_ns()) > STALLED_NS {
            JournalState::Stalled
        } else if self.queue.admits() == Err(RecordError::Overloaded) {
            JournalState::QueueFull
        } else {
            JournalState::Open
        }
    }

    /// SQLite's settings for the journal's writer.
    pub fn sqlite(&self) -> &SqliteInfo {
        &self.sqlite
    }
}

#[cfg(test)]
mod tests {

    use gate_types::Clock as _;

    use super::*;

    use crate::ledger::opened::opened;

    #[test]
    fn a_commit_without_an_end_is_seen() {
        let (_dir, clock, ledger) = opened(|_| {});
        ledger.commits.begin(clock.monotonic_ns());
        clock.advance_ns(STALLED_NS);
        assert_eq!(ledger.journal_state(), JournalState::Open);
        clock.advance_ns(1);
        assert_eq!(ledger.journal_state(), JournalState::Stalled);
        ledger.commits.end();
        assert_eq!(ledger.journal_state(), JournalState::Open);
    }
}
