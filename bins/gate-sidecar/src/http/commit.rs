//! Waits for the journal without a thread or a wake-up per request: the writer wakes each worker
//! once per commit, and the worker wakes its own requests.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use gate_api::{Applied, Gate, Problem};
use gate_state::{CommitListener, NotDurable, Seq, WaitFor};
use parking_lot::RwLock;
use tokio::sync::Notify;

/// Tells the workers of a commit: one bell per worker thread.
#[derive(Debug, Default)]
pub(crate) struct CommitHub {
    workers: RwLock<Vec<Arc<Bell>>>,
}

impl CommitListener for CommitHub {
    fn on_commit(&self, _durable: Result<Seq, NotDurable>) {
        for bell in self.workers.read().iter() {
            bell.ring();
        }
    }
}

/// Rung at most once per commit, and only when a request waits: a worker without requests stays
/// asleep.
#[derive(Debug, Default)]
struct Bell {
    /// Whether a request may be waiting. A request sets it before its last look at the durable
    /// point, and the writer reads it after it moved the point, so one of the two sees the other.
    wanted: AtomicBool,
    notify: Notify,
}

impl Bell {
    fn ring(&self) {
        if self.wanted.swap(false, Ordering::SeqCst) {
            self.notify.notify_one();
        }
    }

    fn want(&self) {
        if !self.wanted.load(Ordering::SeqCst) {
            self.wanted.store(true, Ordering::SeqCst);
        }
    }
}

/// One worker thread's requests that wait for a commit.
#[derive(Clone)]
pub(crate) struct WorkerCommits {
    gate: Arc<Gate>,
    bell: Arc<Bell>,
    waiting: Rc<RefCell<Vec<(WaitFor, Waker)>>>,
}

impl WorkerCommits {
    /// Starts the worker's dispatcher, which ends with the worker. Must be called on the worker's
    /// own thread.
    pub(crate) fn start(hub: &CommitHub, gate: Arc<Gate>) -> Self {
        let bell = Arc::new(Bell::default());
        hub.workers.write().push(Arc::clone(&bell));
        let worker = Self {
            gate,
            bell,
            waiting: Rc::default(),
        };
        let dispatcher = worker.clone();
        actix_web::rt::spawn(async move {
            loop {
                dispatcher.bell.notify.notified().await;
                dispatcher.wake_answered();
                dispatcher.wake_listed();
            }
        });
        worker
    }

    /// Registers `waker` to be woken once `what` is durable or never will be; in force from the
    /// next [`WorkerCommits::wake_listed`] on.
    pub(super) fn list(&self, what: WaitFor, waker: Waker) {
        self.waiting.borrow_mut().push((what, waker));
    }

    /// Wakes the listed requests whose commit is done, and asks for the bell for the others.
    pub(super) fn wake_listed(&self) {
        if !self.waiting.borrow().is_empty() {
            self.bell.want();
            self.wake_answered();
        }
    }

    /// Whether `what` is durable.
    pub(super) fn look(&self, what: WaitFor) -> Poll<Result<(), NotDurable>> {
        self.gate.ledger().poll_durable(what)
    }

    /// Wakes and forgets the requests whose commit is done.
    fn wake_answered(&self) {
        self.waiting.borrow_mut().retain(|(what, waker)| {
            let pending = self.look(*what).is_pending();
            if !pending {
                waker.wake_by_ref();
            }
            pending
        });
    }

    /// The answer to an event, once the event is durable.
    pub(crate) async fn answer(&self, applied: Applied) -> Result<Vec<u8>, Problem> {
        self.durable(applied.wait_for()).await?;
        self.gate.answer(applied)
    }

    /// Resolves when a reply that depends on `what` may be sent, or never may.
    pub(crate) fn durable(&self, what: WaitFor) -> Durable<'_> {
        Durable {
            worker: self,
            what,
            is_listed: false,
        }
    }
}

/// See [`WorkerCommits::durable`].
pub(crate) struct Durable<'a> {
    worker: &'a WorkerCommits,
    what: WaitFor,
    /// Whether the waker is registered. Once is enough: a connection is one task, so it always
    /// polls with the same waker.
    is_listed: bool,
}

impl Future for Durable<'_> {
    type Output = Result<(), NotDurable>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { worker, what, .. } = *self;
        let known = worker.look(what);
        if known.is_ready() || self.is_listed {
            return known;
        }
        worker.bell.want();
        let state = worker.look(what);
        if state.is_pending() {
            // A commit between the look above and this line rings the bell; the dispatcher runs on
            // this thread, so only after it.
            worker.list(what, context.waker().clone());
            self.is_listed = true;
        }
        state
    }
}
