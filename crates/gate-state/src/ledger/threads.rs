//! The ledger's two threads: the journal's writer and the checkpointer.

use std::sync::Arc;
use std::thread::JoinHandle;

use super::Ledger;
use super::health::Nice;
use crate::commit::checkpoint::WalKeeper;
use crate::commit::pace::Pace;
use crate::commit::writer::Writer;
use crate::error::OpenError;
use crate::store::{self, Appender};

#[derive(Default)]
pub(super) struct Threads {
    writer: Option<JoinHandle<bool>>,
    checkpointer: Option<JoinHandle<()>>,
}

impl Ledger {
    pub(super) fn start(&self, threads: &mut Threads, appender: Appender) -> Result<(), OpenError> {
        self.checkpoints.restart();
        let conn = store::connect(&self.paths)?;
        let (checkpoints, clock) = (Arc::clone(&self.checkpoints), Arc::clone(&self.clock));
        let database = Arc::clone(&self.database);
        let keeper = WalKeeper::new(Arc::clone(&checkpoints), &self.config);
        let writer = Writer {
            queue: Arc::clone(&self.queue),
            durable: Arc::clone(&self.durable),
            commits: Arc::clone(&self.commits),
            clock: Arc::clone(&clock),
            appender,
            keeper,
            pace: Pace::new(),
        };
        threads.checkpointer = Some(spawn("gate-checkpoint", move || {
            checkpoints.run(&conn, &database, &*clock);
        })?);
        let priority = self.config.writer_priority;
        let in_force = Arc::clone(&self.writer_nice);
        // The ledger may be dropped on that thread: these are closed after the writer's connection
        // all the same.
        let files = (Arc::clone(&self.database), Arc::clone(&self.lock));
        threads.writer = Some(spawn("gate-journal", move || {
            prefer(priority, &in_force);
            let written = writer.run();
            drop(files);
            written
        })?);
        Ok(())
    }

    /// Joins both threads; the queue must be closed or poisoned. `false` on the writer's own thread,
    /// where a listener is being called: that thread goes on.
    pub(super) fn stop(&self, threads: &mut Threads) -> bool {
        self.checkpoints.stop();
        if let Some(thread) = threads.checkpointer.take() {
            let _ = thread.join();
        }
        let here = std::thread::current().id();
        let is_here = |writer: &mut JoinHandle<bool>| writer.thread().id() == here;
        if threads.writer.as_mut().is_some_and(is_here) {
            return false;
        }
        if let Some(thread) = threads.writer.take() {
            let _ = thread.join();
        }
        true
    }
}

/// Raises the calling thread's priority by this many nice levels, and notes the level in force.
#[cfg(target_os = "linux")]
fn prefer(levels: u8, in_force: &Nice) {
    use rustix::process::{getpriority_process, setpriority_process};
    let thread = Some(rustix::thread::gettid());
    let preferred = |nice: i32| nice.saturating_sub(i32::from(levels)).max(-20);
    let set = |nice| setpriority_process(thread, preferred(nice));
    if levels > 0
        && let Err(error) = getpriority_process(thread).and_then(set)
    {
        tracing::info!(%error, "the journal's thread has no priority over others");
    }
    if let Ok(nice) = getpriority_process(thread) {
        in_force.set(nice);
    }
}

/// Elsewhere thread priorities work differently.
#[cfg(not(target_os = "linux"))]
fn prefer(_levels: u8, _in_force: &Nice) {}

fn spawn<T: Send + 'static>(
    name: &str,
    body: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, OpenError> {
    Ok(std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)?)
}
