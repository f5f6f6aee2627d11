//! Waiting for the journal without a thread per request and without a wake-up per request:
//! the writer wakes each worker once per commit, and the worker wakes its own requests.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use gate_api::{Applied, Gate, Problem};
use gate_state::{CommitListener, NotDurable, Seq};
use parking_lot::RwLock;
use tokio::sync::Notify;

/// Whom to tell of a commit: one bell per worker thread.
#[derive(Debug, Default)]
pub(crate) struct CommitHub {
    workers: RwLock<Vec<Arc<Notify>>>,
}

impl CommitListener for CommitHub {
    fn on_commit(&self, _durable: Result<Seq, NotDurable>) {
        for worker in self.workers.read().iter() {
            worker.notify_one();
        }
    }
}

/// One worker thread's requests that wait for a commit.
pub(crate) struct WorkerCommits {
    gate: Arc<Gate>,
    waiting: Rc<RefCell<Vec<(Seq, Waker)>>>,
}

impl WorkerCommits {
    /// Starts the worker's dispatcher, which ends with the worker. To be called on the worker's
    /// own thread.
    pub(crate) fn start(hub: &CommitHub, gate: Arc<Gate>) -> Self {
        let bell = Arc::new(Notify::new());
        hub.workers.write().push(Arc::clone(&bell));
        let worker = Self {
            gate,
            waiting: Rc::default(),
        };
        let (gate, waiting) = (Arc::clone(&worker.gate), Rc::clone(&worker.waiting));
        actix_web::rt::spawn(async move {
            loop {
                bell.notified().await;
                waiting.borrow_mut().retain(|(seq, waker)| {
                    let pending = gate.ledger().poll_durable(*seq).is_pending();
                    if !pending {
                        waker.wake_by_ref();
                    }
                    pending
                });
            }
        });
        worker
    }

    /// The answer to an event, once it may leave.
    pub(crate) async fn answer(&self, applied: Applied) -> Result<Vec<u8>, Problem> {
        self.durable(applied.wait_for).await?;
        Ok(applied.body)
    }

    /// Resolves when a reply that rests on record `seq` may leave, or when it never may.
    pub(crate) fn durable(&self, seq: Seq) -> Durable<'_> {
        Durable { worker: self, seq }
    }
}

/// See [`WorkerCommits::durable`].
pub(crate) struct Durable<'a> {
    worker: &'a WorkerCommits,
    seq: Seq,
}

impl Future for Durable<'_> {
    type Output = Result<(), NotDurable>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let state = self.worker.gate.ledger().poll_durable(self.seq);
        if state.is_pending() {
            // A commit between the look above and this line has already rung the bell, and the
            // dispatcher runs on this thread, so only after it.
            let waiter = (self.seq, context.waker().clone());
            self.worker.waiting.borrow_mut().push(waiter);
        }
        state
    }
}
