//! How far the journal is on disk, and who waits for it. Knows nothing of SQLite.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{Condvar, Mutex, RwLock};

use crate::error::NotDurable;
use crate::record::Seq;

/// Told of every commit, on the writer's own thread: be quick, and never call the ledger's
/// blocking functions from here.
pub trait CommitListener: Send + Sync {
    /// Everything up to the number is durable; or the journal failed, and whatever was not
    /// durable before may never be.
    fn on_commit(&self, durable: Result<Seq, NotDurable>);
}

/// The durable point.
#[derive(Default)]
pub(crate) struct Durable {
    seq: AtomicU64,
    failed: AtomicBool,
    /// Numbers that never became durable and were filled with void records by a recovery.
    voids: RwLock<Vec<RangeInclusive<u64>>>,
    any_void: AtomicBool,
    lock: Mutex<()>,
    moved: Condvar,
    listeners: RwLock<Vec<Arc<dyn CommitListener>>>,
}

impl Durable {
    pub(crate) fn at(seq: u64) -> Self {
        let durable = Self::default();
        durable.seq.store(seq, Ordering::Release);
        durable
    }

    pub(crate) fn seq(&self) -> u64 {
        self.seq.load(Ordering::Acquire)
    }

    /// `None` while it is not known.
    pub(crate) fn state_of(&self, seq: u64) -> Option<Result<(), NotDurable>> {
        if self.seq() >= seq {
            let void = self.any_void.load(Ordering::Acquire)
                && self.voids.read().iter().any(|range| range.contains(&seq));
            return Some(if void { Err(NotDurable) } else { Ok(()) });
        }
        self.has_failed().then_some(Err(NotDurable))
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// Blocks until it is known.
    pub(crate) fn wait(&self, seq: u64) -> Result<(), NotDurable> {
        if let Some(state) = self.state_of(seq) {
            return state;
        }
        let mut guard = self.lock.lock();
        loop {
            if let Some(state) = self.state_of(seq) {
                return state;
            }
            self.moved.wait(&mut guard);
        }
    }

    pub(crate) fn subscribe(&self, listener: Arc<dyn CommitListener>) {
        self.listeners.write().push(listener);
    }

    /// Moves the durable point and wakes everyone, once.
    pub(crate) fn publish(&self, seq: u64) {
        self.seq.store(seq, Ordering::Release);
        self.wake(Ok(Seq::new(seq)));
    }

    /// The journal failed (or was closed): whoever waits will not be served.
    pub(crate) fn fail(&self) {
        self.failed.store(true, Ordering::Release);
        self.wake(Err(NotDurable));
    }

    /// After a recovery: the numbers of `void` (if any) are lost for good, the journal ends at
    /// `seq`.
    pub(crate) fn recovered(&self, void: RangeInclusive<u64>, seq: u64) {
        if !void.is_empty() {
            // Before the point moves past them: nobody may take a void for a commit.
            self.voids.write().push(void);
            self.any_void.store(true, Ordering::Release);
        }
        self.seq.store(seq, Ordering::Release);
        self.failed.store(false, Ordering::Release);
        self.wake(Ok(Seq::new(seq)));
    }

    fn wake(&self, durable: Result<Seq, NotDurable>) {
        // Whoever saw the old point under the lock is now waiting, and is woken.
        drop(self.lock.lock());
        self.moved.notify_all();
        for listener in self.listeners.read().iter() {
            listener.on_commit(durable);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_void_is_never_taken_for_a_commit() {
        let durable = Durable::at(5);
        assert_eq!(durable.state_of(5), Some(Ok(())));
        assert_eq!(durable.state_of(6), None);
        durable.fail();
        assert_eq!(durable.state_of(6), Some(Err(NotDurable)));
        assert_eq!(durable.state_of(5), Some(Ok(())));
        durable.recovered(7..=9, 9);
        assert_eq!(durable.state_of(6), Some(Ok(())));
        assert_eq!(durable.state_of(8), Some(Err(NotDurable)));
        assert_eq!(durable.wait(9), Err(NotDurable));
        assert_eq!(durable.state_of(10), None);
    }
}
