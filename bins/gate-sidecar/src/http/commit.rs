//! Waiting for the journal without a thread per request and without a wake-up per request:
//! the writer wakes each worker once per commit, and the worker wakes its own requests.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use gate_state::{CommitListener, NotDurable, Seq};
use parking_lot::RwLock;
use tokio::sync::Notify;

/// How far the journal is durable, and whom to tell.
#[derive(Debug, Default)]
pub(crate) struct CommitHub {
    durable: AtomicU64,
    /// Raised with every failure of the journal: who waited before it will wait in vain.
    failures: AtomicU64,
    workers: RwLock<Vec<Arc<Notify>>>,
}

impl CommitHub {
    /// A hub that knows the journal to be durable up to `seq`.
    pub(crate) fn at(seq: Seq) -> Arc<Self> {
        Arc::new(Self { durable: AtomicU64::new(seq.get()), ..Self::default() })
    }

    fn state(&self, seq: Seq, failures_before: u64) -> Poll<Result<(), NotDurable>> {
        // Failures first: after a recovery the journal gives a lost number out again, and its
        // commit must not be taken for that of the lost one. Who is refused here although the
        // record was written gets the same decision when it asks again.
        if self.failures.load(Ordering::Acquire) != failures_before {
            Poll::Ready(Err(NotDurable))
        } else if self.durable.load(Ordering::Acquire) >= seq.get() {
            Poll::Ready(Ok(()))
        } else {
            Poll::Pending
        }
    }

    fn wake_workers(&self) {
        for worker in self.workers.read().iter() {
            worker.notify_one();
        }
    }
}

impl CommitListener for CommitHub {
    fn on_commit(&self, durable: Result<Seq, NotDurable>) {
        match durable {
            Ok(seq) => self.durable.store(seq.get(), Ordering::Release),
            Err(NotDurable) => {
                self.failures.fetch_add(1, Ordering::AcqRel);
            }
        }
        self.wake_workers();
    }
}

/// One worker thread's requests that wait for a commit.
#[derive(Clone)]
pub(crate) struct WorkerCommits {
    hub: Arc<CommitHub>,
    waiting: Rc<RefCell<Vec<Waiter>>>,
}

struct Waiter {
    seq: Seq,
    failures_before: u64,
    waker: Waker,
}

impl WorkerCommits {
    /// Starts the worker's dispatcher; to be called on the worker's own thread.
    pub(crate) fn start(hub: Arc<CommitHub>) -> Self {
        let notify = Arc::new(Notify::new());
        hub.workers.write().push(Arc::clone(&notify));
        let worker = Self { hub, waiting: Rc::default() };
        let dispatcher = worker.clone();
        actix_web::rt::spawn(async move {
            loop {
                notify.notified().await;
                dispatcher.wake_settled();
            }
        });
        worker
    }

    /// How often the journal has failed so far. Read it **before** deciding: a failure between
    /// the decision and the wait must not be missed.
    pub(crate) fn failures(&self) -> u64 {
        self.hub.failures.load(Ordering::Acquire)
    }

    /// Resolves when `seq` is durable, or when the journal has failed since `failures_before`.
    pub(crate) fn durable(&self, seq: Seq, failures_before: u64) -> Durable<'_> {
        Durable { worker: self, seq, failures_before }
    }

    fn wake_settled(&self) {
        self.waiting.borrow_mut().retain(|waiter| {
            let pending = self.hub.state(waiter.seq, waiter.failures_before).is_pending();
            if !pending {
                waiter.waker.wake_by_ref();
            }
            pending
        });
    }
}

/// See [`WorkerCommits::durable`].
pub(crate) struct Durable<'a> {
    worker: &'a WorkerCommits,
    seq: Seq,
    failures_before: u64,
}

impl Future for Durable<'_> {
    type Output = Result<(), NotDurable>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let state = self.worker.hub.state(self.seq, self.failures_before);
        if state.is_pending() {
            // A commit between the look above and this line has already notified the
            // dispatcher, which runs on this thread and so only after it.
            self.worker.waiting.borrow_mut().push(Waiter {
                seq: self.seq,
                failures_before: self.failures_before,
                waker: context.waker().clone(),
            });
        }
        state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seq(number: u64) -> Seq {
        Seq::new(number)
    }

    #[actix_web::test]
    async fn a_commit_wakes_those_it_covers_and_no_other() {
        let hub = CommitHub::at(seq(4));
        let worker = WorkerCommits::start(Arc::clone(&hub));
        assert_eq!(worker.durable(seq(4), worker.failures()).await, Ok(()));

        let waits = |number| {
            let worker = worker.clone();
            actix_web::rt::spawn(async move {
                let failures = worker.failures();
                worker.durable(seq(number), failures).await
            })
        };
        let (five, nine) = (waits(5), waits(9));
        tokio::task::yield_now().await;
        hub.on_commit(Ok(seq(6)));
        assert_eq!(five.await.unwrap(), Ok(()));
        assert!(!nine.is_finished());
        hub.on_commit(Err(NotDurable));
        assert_eq!(nine.await.unwrap(), Err(NotDurable));
    }

    #[actix_web::test]
    async fn a_failure_between_decision_and_wait_is_not_missed() {
        let hub = CommitHub::at(seq(0));
        let worker = WorkerCommits::start(Arc::clone(&hub));
        let failures_before = worker.failures();
        hub.on_commit(Err(NotDurable));
        assert_eq!(worker.durable(seq(1), failures_before).await, Err(NotDurable));
    }
}
