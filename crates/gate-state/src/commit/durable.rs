//! How far the journal is on disk, and who waits for it. Knows nothing of SQLite.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::sync::{
    AtomicBool, AtomicU64, AtomicUsize, Condvar, Mutex, Ordering, PoisonError, RwLock,
    RwLockReadGuard, RwLockWriteGuard,
};
use crate::error::NotDurable;
use crate::record::Seq;

/// What must be on disk before an answer leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitFor {
    /// This record and all before it; nothing under [`Durability::Relaxed`](crate::Durability).
    Commit(Seq),
    /// This record and all before it, whatever the durability: an answer that is read back from
    /// the journal, or that is believed for longer than an order lives.
    Disk(Seq),
}

impl WaitFor {
    /// The record.
    #[must_use]
    pub const fn seq(self) -> Seq {
        match self {
            Self::Commit(seq) | Self::Disk(seq) => seq,
        }
    }
}

impl From<Seq> for WaitFor {
    fn from(seq: Seq) -> Self {
        Self::Commit(seq)
    }
}

/// Told of every commit, on the writer's own thread: be quick, and never call the ledger's
/// blocking functions from here.
pub trait CommitListener: Send + Sync {
    /// Everything up to the number is durable; or the journal failed, and whatever was not
    /// durable before may never be.
    fn on_commit(&self, durable: Result<Seq, NotDurable>);
}

/// Waiters are spread over this many locks, so that those woken together do not queue up at one.
const STRIPES: usize = 8;

/// Some of the waiters.
#[derive(Default)]
struct Stripe {
    waiting: AtomicUsize,
    lock: Mutex<()>,
    moved: Condvar,
}

impl Stripe {
    fn wait(
        &self,
        mut known: impl FnMut() -> Option<Result<(), NotDurable>>,
    ) -> Result<(), NotDurable> {
        let mut guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        // Before the point is looked at again: whoever moves it afterwards sees this.
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let state = loop {
            if let Some(state) = known() {
                break state;
            }
            guard = self
                .moved
                .wait(guard)
                .unwrap_or_else(PoisonError::into_inner);
        };
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        state
    }

    fn wake(&self) {
        if self.waiting.load(Ordering::SeqCst) > 0 {
            // Whoever saw the old point under the lock is waiting once this is taken.
            drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner));
            self.moved.notify_all();
        }
    }
}

/// The durable point.
#[derive(Default)]
pub(crate) struct Durable {
    seq: AtomicU64,
    failed: AtomicBool,
    /// Numbers that never became durable and were filled with void records by a recovery.
    voids: RwLock<Vec<RangeInclusive<u64>>>,
    any_void: AtomicBool,
    stripes: [Stripe; STRIPES],
    listeners: RwLock<Vec<Arc<dyn CommitListener>>>,
}

impl Durable {
    pub(crate) fn at(seq: u64) -> Self {
        let durable = Self::default();
        durable.seq.store(seq, Ordering::Release);
        durable
    }

    pub(crate) fn seq(&self) -> u64 {
        self.seq.load(Ordering::SeqCst)
    }

    /// `None` while it is not known.
    pub(crate) fn state_of(&self, seq: u64) -> Option<Result<(), NotDurable>> {
        if self.seq() >= seq {
            let void = self.any_void.load(Ordering::Acquire)
                && read(&self.voids).iter().any(|range| range.contains(&seq));
            return Some(if void { Err(NotDurable) } else { Ok(()) });
        }
        self.has_failed().then_some(Err(NotDurable))
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::SeqCst)
    }

    /// Blocks until it is known.
    pub(crate) fn wait(&self, seq: u64) -> Result<(), NotDurable> {
        self.wait_until(seq, || self.state_of(seq))
    }

    /// Blocks until the journal reaches as far on the disk, whether with that record or with a void.
    pub(crate) fn wait_for_the_journal(&self, seq: u64) -> Result<(), NotDurable> {
        self.wait_until(seq, || {
            let reached = (self.seq() >= seq).then_some(Ok(()));
            reached.or_else(|| self.has_failed().then_some(Err(NotDurable)))
        })
    }

    fn wait_until(
        &self,
        seq: u64,
        known: impl Fn() -> Option<Result<(), NotDurable>>,
    ) -> Result<(), NotDurable> {
        if let Some(state) = known() {
            return state;
        }
        let [.., last] = seq.to_be_bytes();
        let [first, ..] = &self.stripes;
        let stripe = self.stripes.get(usize::from(last) % STRIPES);
        stripe.unwrap_or(first).wait(known)
    }

    pub(crate) fn subscribe(&self, listener: Arc<dyn CommitListener>) {
        write(&self.listeners).push(listener);
    }

    /// Moves the durable point and wakes everyone, once.
    pub(crate) fn publish(&self, seq: u64) {
        self.seq.store(seq, Ordering::SeqCst);
        self.wake(Ok(Seq::new(seq)));
    }

    /// The journal failed (or was closed): whoever waits will not be served.
    pub(crate) fn fail(&self) {
        self.failed.store(true, Ordering::SeqCst);
        self.wake(Err(NotDurable));
    }

    /// These numbers are lost for good. To be said before any of them gets into the journal as a
    /// void: nobody may take that for a commit, nor may a second recovery.
    pub(crate) fn void(&self, lost: RangeInclusive<u64>) {
        let mut voids = write(&self.voids);
        let known = |range: &RangeInclusive<u64>| {
            range.contains(lost.start()) && range.contains(lost.end())
        };
        if !lost.is_empty() && !voids.iter().any(known) {
            voids.push(lost);
            self.any_void.store(true, Ordering::Release);
        }
    }

    /// After a recovery: the journal ends at `seq`.
    pub(crate) fn recovered(&self, seq: u64) {
        self.seq.store(seq, Ordering::SeqCst);
        self.failed.store(false, Ordering::SeqCst);
        self.wake(Ok(Seq::new(seq)));
    }

    fn wake(&self, durable: Result<Seq, NotDurable>) {
        self.stripes.iter().for_each(Stripe::wake);
        for listener in read(&self.listeners).iter() {
            listener.on_commit(durable);
        }
    }
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
