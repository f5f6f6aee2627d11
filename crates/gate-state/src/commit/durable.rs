//! The durable point: how far the journal is on disk, and who waits for it. No SQLite here.

use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};
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
    /// This record and all before it; under [`Durability::Relaxed`](crate::Durability) nothing.
    Commit(Seq),
    /// This record and all before it, whatever the durability. For answers that are read back from
    /// the journal or relied on for longer than an order lives.
    Disk(Seq),
}

impl WaitFor {
    /// The record's number.
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

/// Called at every commit, on the writer's thread, and when the journal fails, is recovered or is
/// closed, on the thread where that happens. Must be quick: the next commit waits for it.
///
/// No lock of the ledger is held meanwhile. It may ask the ledger whatever does not wait for the
/// journal ([`Ledger::poll_durable`], [`Ledger::health`], [`Ledger::exposure`] and the like), queue
/// records, subscribe another listener, and drop the last reference to the ledger, which then ends
/// once the writer has written what is queued. It must not call what waits for the journal or its
/// writer: [`Ledger::wait`], [`Ledger::decision`], [`Ledger::snapshot`], [`Ledger::prune`],
/// [`Ledger::maintain`], [`Ledger::recover`], [`Ledger::shutdown`]. When it panics, the error is
/// logged, and ledger and listeners go on.
///
/// [`Ledger::poll_durable`]: crate::Ledger::poll_durable
/// [`Ledger::health`]: crate::Ledger::health
/// [`Ledger::exposure`]: crate::Ledger::exposure
/// [`Ledger::wait`]: crate::Ledger::wait
/// [`Ledger::decision`]: crate::Ledger::decision
/// [`Ledger::snapshot`]: crate::Ledger::snapshot
/// [`Ledger::prune`]: crate::Ledger::prune
/// [`Ledger::maintain`]: crate::Ledger::maintain
/// [`Ledger::recover`]: crate::Ledger::recover
/// [`Ledger::shutdown`]: crate::Ledger::shutdown
pub trait CommitListener: Send + Sync {
    /// `Ok`: everything up to the number is durable. `Err`: the journal failed or was closed, and
    /// what was not durable before may never be. Right after a recovery two threads may call, the
    /// one with an older number than the other.
    fn on_commit(&self, durable: Result<Seq, NotDurable>);
}

/// Waiters are spread over this many locks, so that those woken together do not contend for one.
const STRIPES: usize = 8;

/// One share of the waiters.
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
        // Counted before the point is read again, so that whoever moves it afterwards sees a
        // waiter.
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
            // A waiter that saw the old point under the lock is asleep once this is taken.
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
    /// Numbers that never became durable and that a recovery filled with void records.
    voids: RwLock<Vec<RangeInclusive<u64>>>,
    any_void: AtomicBool,
    stripes: [Stripe; STRIPES],
    listeners: RwLock<Arc<[Arc<dyn CommitListener>]>>,
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

    /// Whether the record is durable or never will be; `None` while neither is certain.
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

    /// Blocks until the record is durable (`Ok`) or never will be.
    pub(crate) fn wait(&self, seq: u64) -> Result<(), NotDurable> {
        self.wait_until(seq, || self.state_of(seq))
    }

    /// Blocks until the journal on disk reaches `seq`, with that record or with a void.
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
        let mut listeners = write(&self.listeners);
        *listeners = listeners.iter().map(Arc::clone).chain([listener]).collect();
    }

    /// Moves the durable point and wakes everyone, once.
    pub(crate) fn publish(&self, seq: u64) {
        self.seq.store(seq, Ordering::SeqCst);
        self.wake();
        self.tell(Ok(Seq::new(seq)));
    }

    /// The journal failed or was closed: everyone who waits gets [`NotDurable`].
    pub(crate) fn fail(&self) {
        self.fail_again();
        self.tell(Err(NotDurable));
    }

    /// As [`Self::fail`], when the listeners know of the failure and were told of no recovery.
    pub(crate) fn fail_again(&self) {
        self.failed.store(true, Ordering::SeqCst);
        self.wake();
    }

    /// Marks these numbers as lost for good. Must come before their void records are written, so
    /// that neither a waiter nor a second recovery takes a void for a commit.
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

    /// After a recovery: the journal ends at `seq`. The listeners are told by
    /// [`Self::tell_recovered`], once no lock is held.
    pub(crate) fn recovered(&self, seq: u64) {
        self.seq.store(seq, Ordering::SeqCst);
        self.failed.store(false, Ordering::SeqCst);
        self.wake();
    }

    /// Tells the listeners of a recovery. The journal may have moved on since, or failed again.
    pub(crate) fn tell_recovered(&self) {
        let failed = self.has_failed();
        self.tell(if failed {
            Err(NotDurable)
        } else {
            Ok(Seq::new(self.seq()))
        });
    }

    fn wake(&self) {
        self.stripes.iter().for_each(Stripe::wake);
    }

    /// Calls the listeners, without the lock: they may subscribe others.
    fn tell(&self, durable: Result<Seq, NotDurable>) {
        let listeners = Arc::clone(&*read(&self.listeners));
        for listener in listeners.iter() {
            let told = catch_unwind(AssertUnwindSafe(|| listener.on_commit(durable)));
            if told.is_err() {
                tracing::error!("a commit listener panicked; the ledger goes on");
            }
        }
    }
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
