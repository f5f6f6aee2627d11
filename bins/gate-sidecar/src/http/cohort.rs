//! Orders that arrive together are decided together: each connection hands its order over, and once
//! all that are ready have been read the orders are decided one after the other.
//!
//! Between two orders that are decided as they come lie a system call and the whole of HTTP, and the
//! second finds neither its code nor its data in the caches any more (J. Larus and M. Parkes, "Using
//! Cohort Scheduling to Enhance Server Performance", USENIX ATC 2002). An order that comes alone is
//! decided at once.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use actix_web::web::Bytes;
use gate_api::{Code, Gate, Pending, Problem, TokenForm};
use tokio::sync::Notify;

use super::commit::WorkerCommits;

/// The most orders that are decided before others of the worker's tasks have their turn: answers that
/// may leave should not wait for long.
const MOST: usize = 32;

/// One worker thread's orders that are to be decided.
#[derive(Clone)]
pub(crate) struct Cohort {
    gate: Arc<Gate>,
    commits: WorkerCommits,
    arrived: Rc<RefCell<Vec<Arrived>>>,
    bell: Rc<Notify>,
}

struct Arrived {
    body: Bytes,
    form: TokenForm,
    waker: Waker,
    outcome: Outcome,
}

/// Where whoever brought the order finds what became of it.
type Outcome = Rc<Cell<Option<Result<Pending, Problem>>>>;

impl Cohort {
    /// Starts the task that decides, which ends with the worker. To be called on the worker's own
    /// thread.
    pub(crate) fn start(gate: Arc<Gate>, commits: WorkerCommits) -> Self {
        let cohort = Self {
            gate,
            commits,
            arrived: Rc::default(),
            bell: Rc::default(),
        };
        let deciding = cohort.clone();
        actix_web::rt::spawn(async move {
            loop {
                deciding.bell.notified().await;
                deciding.decide_some();
            }
        });
        cohort
    }

    /// Decides an order, and resolves when the answer may leave, or never may.
    pub(crate) fn decide(&self, body: Bytes, form: TokenForm) -> Deciding<'_> {
        Deciding {
            cohort: self,
            order: Some((body, form)),
            outcome: Rc::default(),
        }
    }

    fn decide_some(&self) {
        let mut some = self.arrived.take();
        if some.len() > MOST {
            *self.arrived.borrow_mut() = some.split_off(MOST);
            self.bell.notify_one();
        }
        for order in some {
            let Arrived {
                body,
                form,
                waker,
                outcome,
            } = order;
            if Rc::strong_count(&outcome) == 1 {
                // Whoever brought it is gone.
                continue;
            }
            // A panic must not take the orders with it that come after this one.
            let decided = catch_unwind(AssertUnwindSafe(|| self.gate.authorize(&body, form)));
            let decided = decided.unwrap_or_else(|_| {
                Err(Problem::new(
                    Code::Internal,
                    "deciding the order was interrupted",
                ))
            });
            match &decided {
                Ok(pending) => self.commits.list(pending.seq(), waker),
                Err(_) => waker.wake(),
            }
            outcome.set(Some(decided));
        }
        self.commits.wake_listed();
    }
}

/// See [`Cohort::decide`].
pub(crate) struct Deciding<'a> {
    cohort: &'a Cohort,
    /// Until it is handed over.
    order: Option<(Bytes, TokenForm)>,
    outcome: Outcome,
}

impl Future for Deciding<'_> {
    type Output = Result<Pending, Problem>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some((body, form)) = self.order.take() {
            let cohort = self.cohort;
            let mut arrived = cohort.arrived.borrow_mut();
            if arrived.is_empty() {
                cohort.bell.notify_one();
            }
            // INVARIANT: a connection is one task, so that each later poll is for this waker, too.
            arrived.push(Arrived {
                body,
                form,
                waker: context.waker().clone(),
                outcome: Rc::clone(&self.outcome),
            });
            return Poll::Pending;
        }
        match self.outcome.take() {
            None => Poll::Pending,
            Some(Err(problem)) => Poll::Ready(Err(problem)),
            Some(Ok(pending)) => match self.cohort.commits.look(pending.seq()) {
                Poll::Ready(durable) => Poll::Ready(durable.map(|()| pending).map_err(Into::into)),
                Poll::Pending => {
                    self.outcome.set(Some(Ok(pending)));
                    Poll::Pending
                }
            },
        }
    }
}
