//! Checkpoints of the write-ahead log without latency spikes: a thread of its own, with its own
//! connection, does the bulk; the writer only finishes the short tail.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use gate_types::Clock;
use parking_lot::{Condvar, Mutex};
use rusqlite::Connection;

use super::queue::Queue;
use crate::config::LedgerConfig;
use crate::store::{Appender, checkpoint};

/// How often the writer checks whether the reader that blocks it is gone.
const RETRY: Duration = Duration::from_millis(20);

/// Count and durations of one kind of work.
#[derive(Debug, Default)]
struct Tally {
    count: AtomicU64,
    total_ns: AtomicU64,
    last_ns: AtomicU64,
    max_ns: AtomicU64,
}

impl Tally {
    fn add(&self, ns: u64) {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.total_ns.fetch_add(ns, Ordering::Relaxed);
        self.last_ns.store(ns, Ordering::Relaxed);
        self.max_ns.fetch_max(ns, Ordering::Relaxed);
    }

    fn read(&self) -> CheckpointWork {
        CheckpointWork {
            count: self.count.load(Ordering::Relaxed),
            total_ns: self.total_ns.load(Ordering::Relaxed),
            last_ns: self.last_ns.load(Ordering::Relaxed),
            max_ns: self.max_ns.load(Ordering::Relaxed),
        }
    }
}

/// Count and durations of one kind of checkpoint work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CheckpointWork {
    /// Number of runs.
    pub count: u64,
    /// All runs together, in nanoseconds.
    pub total_ns: u64,
    /// The last run, in nanoseconds.
    pub last_ns: u64,
    /// The longest run, in nanoseconds.
    pub max_ns: u64,
}

#[derive(Debug, Default)]
struct Wanted {
    bulk: bool,
    stop: bool,
}

/// State shared by the writer and the checkpointer.
#[derive(Default)]
pub(crate) struct Checkpoints {
    wanted: Mutex<Wanted>,
    changed: Condvar,
    bulk_done: AtomicBool,
    /// Why the bulk of a checkpoint failed; the writer takes it and fails the journal.
    failed: Mutex<Option<rusqlite::Error>>,
    /// The log is at its limit, and the writer waits.
    at_limit: AtomicBool,
    bulk: Tally,
    tail: Tally,
}

impl Checkpoints {
    /// Body of the checkpointer's thread; returns after [`Self::stop`].
    pub(crate) fn run(&self, conn: &Connection, database: &File, clock: &dyn Clock) {
        loop {
            {
                let mut wanted = self.wanted.lock();
                while !wanted.bulk && !wanted.stop {
                    self.changed.wait(&mut wanted);
                }
                if wanted.stop {
                    return;
                }
            }
            let start = clock.monotonic_ns();
            if let Err(error) = bulk(conn, database) {
                // After a failed sync nobody knows which of the moved pages are on disk: a retry
                // would move only the others, and then drop the log.
                *self.failed.lock() = Some(error);
            }
            self.bulk.add(clock.monotonic_ns().saturating_sub(start));
            self.wanted.lock().bulk = false;
            self.bulk_done.store(true, Ordering::Release);
        }
    }

    pub(crate) fn stop(&self) {
        self.wanted.lock().stop = true;
        self.changed.notify_all();
    }

    pub(crate) fn restart(&self) {
        *self.wanted.lock() = Wanted::default();
        *self.failed.lock() = None;
        self.bulk_done.store(false, Ordering::Release);
    }

    /// Whether the log is at its limit and the writer waits for a reader to end.
    pub(crate) fn is_at_limit(&self) -> bool {
        self.at_limit.load(Ordering::Relaxed)
    }

    /// The bulk and the tail work so far.
    pub(crate) fn work(&self) -> (CheckpointWork, CheckpointWork) {
        (self.bulk.read(), self.tail.read())
    }

    fn request_bulk(&self) {
        let mut wanted = self.wanted.lock();
        if !wanted.bulk {
            wanted.bulk = true;
            drop(wanted);
            self.changed.notify_all();
        }
    }
}

/// Moves the log to the database and syncs that: SQLite would leave the sync to whoever finishes
/// the checkpoint, which is the writer.
fn bulk(conn: &Connection, database: &File) -> Result<(), rusqlite::Error> {
    checkpoint(conn, "PASSIVE")?;
    let unsynced = |error| rusqlite::Error::ToSqlConversionFailure(Box::new(error));
    database.sync_data().map_err(unsynced)
}

/// The writer's side: has the WAL checkpointed once it is long enough.
pub(crate) struct WalKeeper {
    shared: Arc<Checkpoints>,
    threshold: u64,
    limit: u64,
}

impl WalKeeper {
    pub(crate) fn new(shared: Arc<Checkpoints>, config: &LedgerConfig) -> Self {
        Self {
            shared,
            threshold: config.checkpoint_bytes,
            limit: config.wal_limit_bytes(),
        }
    }

    /// Called after each commit: asks for the bulk of a checkpoint, and starts the WAL over once
    /// that is done. Blocks at the limit. A failed checkpoint is an error.
    pub(crate) fn after_commit(
        &self,
        appender: &Appender,
        queue: &Queue,
        clock: &dyn Clock,
    ) -> Result<(), rusqlite::Error> {
        if appender.wal_bytes() < self.threshold {
            return Ok(());
        }
        if self.shared.bulk_done.swap(false, Ordering::AcqRel) {
            if let Some(error) = self.shared.failed.lock().take() {
                return Err(error);
            }
            let start = clock.monotonic_ns();
            let restarted = appender.restart_wal()?;
            self.shared
                .tail
                .add(clock.monotonic_ns().saturating_sub(start));
            if restarted {
                return Ok(());
            }
        }
        if appender.wal_bytes() >= self.limit {
            self.shared.at_limit.store(true, Ordering::Relaxed);
            let waited = self.wait_for_readers(appender, queue);
            self.shared.at_limit.store(false, Ordering::Relaxed);
            return waited;
        }
        self.shared.request_bulk();
        Ok(())
    }

    /// Empties the log at the end. Only tidiness: the next start would do it. Not after a failed
    /// checkpoint, when only the log is certain.
    pub(crate) fn finish(&self, appender: &Appender) {
        if self.shared.failed.lock().is_none() {
            let _ = appender.truncate_wal();
        }
    }

    /// Blocks while a foreign read transaction keeps the WAL from starting over, or until the
    /// ledger is closed. Records beyond the queue's capacity are refused meanwhile.
    fn wait_for_readers(&self, appender: &Appender, queue: &Queue) -> Result<(), rusqlite::Error> {
        let limit = self.limit;
        tracing::error!(
            limit,
            "write-ahead log at its limit: another process has kept the ledger open in a read transaction; waiting for it"
        );
        while !appender.restart_wal()? {
            if queue.is_closing() {
                return Ok(());
            }
            std::thread::sleep(RETRY);
        }
        tracing::info!("write-ahead log starts over");
        Ok(())
    }
}
