//! The threads that write the journal, in turns: what arrives while a commit is on its way to the
//! disk makes up the next one.
//!
//! While commits are small the next is written, and sent after, before the one before it has
//! arrived: who comes then does not wait for two syncs. Once they are large one sync at a time
//! serves more callers than two would.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use gate_types::Clock;

use crate::checkpoint::WalKeeper;
use crate::durable::Durable;
use crate::queue::{Chunk, GATHERING_FROM, Queue, Work};
use crate::store::Appender;
use crate::sync::{Mutex, into_inner, lock};
use crate::underway::UnderWay;
use crate::wal::WalSync;

/// Counts of the writer's work.
#[derive(Debug, Default)]
pub(crate) struct Commits {
    pub(crate) count: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) last_ns: AtomicU64,
    pub(crate) max_ns: AtomicU64,
}

/// What is written with: whoever holds it writes the next commit.
pub(crate) struct Pen {
    pub(crate) appender: Appender,
    pub(crate) keeper: WalKeeper,
}

/// One of the threads that write.
pub(crate) struct Writer {
    pub(crate) queue: Arc<Queue>,
    pub(crate) durable: Arc<Durable>,
    pub(crate) commits: Arc<Commits>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) pen: Arc<Mutex<Pen>>,
    pub(crate) under_way: Arc<UnderWay>,
    pub(crate) wal: WalSync,
}

impl Writer {
    /// Writes until the queue is closed (then everything in it is on disk) or a commit fails
    /// (then the queue is poisoned). The last to leave empties the log.
    pub(crate) fn run(self) {
        self.write();
        if let Some(pen) = Arc::into_inner(self.pen)
            && !self.queue.is_poisoned()
        {
            let Pen { appender, keeper } = into_inner(pen);
            keeper.finish(&appender);
        }
    }

    fn write(&self) {
        let (mut done, mut kept) = (None, None);
        loop {
            let mut pen = kept.take().unwrap_or_else(|| lock(&self.pen));
            let (chunk, began_ns) = match self.append(&mut pen, done.take()) {
                Ok(Some(appended)) => appended,
                Ok(None) => return,
                // The pen is still held: the other must not go on where this one could not.
                Err(error) => return self.fail(&*error),
            };
            self.under_way.appended(chunk.last);
            if chunk.records() < GATHERING_FROM {
                drop(pen);
            } else {
                kept = Some(pen);
            }
            if let Err(error) = self.wal.sync() {
                return self.fail(&error);
            }
            let took_ns = self.clock.monotonic_ns().saturating_sub(began_ns);
            self.count(&chunk, took_ns);
            if let Some(on_disk) = self.under_way.arrived(chunk.last) {
                self.queue.committed(on_disk);
                self.durable.publish(on_disk);
            }
            done = Some(chunk);
        }
    }

    /// Waits for the next chunk and appends it to the log; also returns when that began. `None` when
    /// there will be no more.
    fn append(
        &self,
        pen: &mut Pen,
        mut done: Option<Chunk>,
    ) -> Result<Option<(Chunk, u64)>, Box<dyn Error>> {
        while !self.queue.is_poisoned() {
            pen.keeper
                .keep_short(&pen.appender, &self.queue, &*self.clock)?;
            match self.queue.take(done.take()) {
                None => break,
                Some(Work::Job(job)) => {
                    if !job(&pen.appender) {
                        return Err("housekeeping failed".into());
                    }
                }
                Some(Work::Chunk(mut chunk)) => {
                    let began_ns = self.clock.monotonic_ns();
                    pen.appender.append(&mut chunk)?;
                    return Ok(Some((chunk, began_ns)));
                }
            }
        }
        Ok(None)
    }

    /// After a failed commit nobody knows what is on disk, so nothing more is taken to be written with
    /// this connection, nothing more is said to be durable, and everyone who waits is told.
    fn fail(&self, error: &dyn Error) {
        self.under_way.failed();
        self.queue.poison();
        self.durable.fail();
        tracing::error!(%error, "journal cannot be written; refusing until it is recovered");
    }

    fn count(&self, chunk: &Chunk, took_ns: u64) {
        let commits = &self.commits;
        let bytes = u64::try_from(chunk.frames.len()).unwrap_or_default();
        commits.count.fetch_add(1, Ordering::Relaxed);
        commits.bytes.fetch_add(bytes, Ordering::Relaxed);
        commits.last_ns.store(took_ns, Ordering::Relaxed);
        commits.max_ns.fetch_max(took_ns, Ordering::Relaxed);
    }
}
