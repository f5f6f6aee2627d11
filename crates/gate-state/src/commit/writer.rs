//! The one thread that writes the journal: what arrives during a commit makes up the next (group
//! commit).

use std::sync::Arc;

use gate_types::Clock;

use super::checkpoint::WalKeeper;
use super::durable::Durable;
use super::pace::{Commit, Pace};
use super::queue::{Queue, Work};
use super::times::Commits;
use crate::store::Appender;

pub(crate) struct Writer {
    pub(crate) queue: Arc<Queue>,
    pub(crate) durable: Arc<Durable>,
    pub(crate) commits: Arc<Commits>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) appender: Appender,
    pub(crate) keeper: WalKeeper,
    pub(crate) pace: Pace,
}

impl Writer {
    /// Writes until the queue is closed (`true`: everything in it is on disk) or a commit or job
    /// fails (`false`: the queue is poisoned).
    pub(crate) fn run(mut self) -> bool {
        let _end = Ending {
            queue: Arc::clone(&self.queue),
            durable: Arc::clone(&self.durable),
            commits: Arc::clone(&self.commits),
        };
        let mut done = None;
        while let Some(work) = self.queue.take(done.take(), self.pace.gathering()) {
            let mut chunk = match work {
                Work::Chunk(chunk) => chunk,
                Work::Job(job) => {
                    if job(&self.appender) {
                        continue;
                    }
                    self.fail(&"housekeeping failed");
                    return false;
                }
            };
            let start = self.clock.monotonic_ns();
            self.commits.begin(start);
            if let Err(error) = self.appender.commit(&chunk.seqs(), &mut chunk.frames) {
                self.fail(&error);
                return false;
            }
            let end = self.clock.monotonic_ns();
            let took_ns = end.saturating_sub(start);
            self.commits.add(chunk.frames.len(), took_ns);
            self.queue.committed(chunk.last);
            self.durable.publish(chunk.last);
            self.pace.committed(Commit {
                records: chunk.records(),
                waiting: chunk.records().saturating_add(self.queue.depth()),
                took_ns,
                end_ns: end,
            });
            let kept = self
                .keeper
                .after_commit(&self.appender, &self.queue, &*self.clock);
            if let Err(error) = kept {
                self.fail(&error);
                return false;
            }
            self.commits.end();
            done = Some(chunk);
        }
        self.keeper.finish(&self.appender);
        true
    }

    /// After a failed commit nobody knows what is on disk: this connection writes nothing more, and
    /// all waiters are told.
    fn fail(&self, error: &dyn std::fmt::Display) {
        self.commits.end();
        self.queue.poison();
        self.durable.fail();
        tracing::error!(%error, "journal cannot be written; refusing until it is recovered");
    }
}

/// Fails the journal when the writer panics, so that nobody waits for it.
struct Ending {
    queue: Arc<Queue>,
    durable: Arc<Durable>,
    commits: Arc<Commits>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.commits.end();
            self.queue.poison();
            self.durable.fail();
        }
    }
}
