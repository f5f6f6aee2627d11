//! Decides orders in cohorts: each connection hands over its order, and once all ready connections
//! have been read, the worker decides the orders one after the other.
//!
//! Between two orders that are decided as they come lie a system call and the whole HTTP stack, so
//! the second finds neither its code nor its data in the caches (J. Larus and M. Parkes, "Using
//! Cohort Scheduling to Enhance Server Performance", USENIX ATC 2002). A single order is decided at
//! once.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use actix_web::web::Bytes;
use gate_api::{Arrival, Code, Gate, Pending, Problem, TokenForm};
use tokio::sync::Notify;

use super::commit::WorkerCommits;

/// The most orders that are decided before the worker's other tasks get a turn.
const MOST: usize = 32;

/// One worker thread's queue of orders to decide.
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
    arrival: Arrival,
    whose: Whose,
}

/// The result of an order, shared with the connection that waits for it.
type Outcome = Rc<Cell<Option<Result<Pending, Problem>>>>;

/// The connection that waits for an order.
struct Whose {
    waker: Waker,
    outcome: Outcome,
}

impl Whose {
    /// Whether nobody waits for the order any more.
    fn is_gone(&self) -> bool {
        Rc::strong_count(&self.outcome) == 1
    }
}

/// Sets an error when there is no outcome, and wakes the connection on any error. So nobody waits
/// for ever: a panic affects neither the orders behind it nor their answers.
impl Drop for Whose {
    fn drop(&mut self) {
        let outcome = self.outcome.take().unwrap_or_else(|| {
            let detail = "deciding the order was interrupted";
            Err(Problem::new(Code::Internal, detail))
        });
        let failed = outcome.is_err();
        self.outcome.set(Some(outcome));
        if failed {
            self.waker.wake_by_ref();
        }
    }
}

impl Cohort {
    /// Starts the task that decides, which ends with the worker. Must be called on the worker's own
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
                // Answers that are ready leave before the next cohort.
                tokio::task::yield_now().await;
            }
        });
        cohort
    }

    /// Decides an order. Resolves when the answer may be sent, or never may.
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
            if order.whose.is_gone() {
                continue;
            }
            // After a panic there is no outcome; dropping `Whose` reports that.
            let _ = catch_unwind(AssertUnwindSafe(|| self.decide_one(order)));
        }
        self.commits.wake_listed();
    }

    fn decide_one(&self, order: Arrived) {
        let Arrived {
            body,
            form,
            arrival,
            whose,
        } = order;
        let decided = self.gate.authorize_arrived(&body, form, arrival);
        if let Ok(pending) = &decided {
            self.commits.list(pending.wait_for(), whose.waker.clone());
        }
        whose.outcome.set(Some(decided));
    }
}

/// See [`Cohort::decide`].
pub(crate) struct Deciding<'a> {
    cohort: &'a Cohort,
    /// `None` once it was handed over.
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
            // INVARIANT: a connection is one task, so every later poll uses this waker, too.
            arrived.push(Arrived {
                body,
                form,
                arrival: cohort.gate.arrival(),
                whose: Whose {
                    waker: context.waker().clone(),
                    outcome: Rc::clone(&self.outcome),
                },
            });
            return Poll::Pending;
        }
        match self.outcome.take() {
            None => Poll::Pending,
            Some(Err(problem)) => Poll::Ready(Err(problem)),
            Some(Ok(pending)) => match self.cohort.commits.look(pending.wait_for()) {
                Poll::Ready(durable) => Poll::Ready(durable.map(|()| pending).map_err(Into::into)),
                Poll::Pending => {
                    self.outcome.set(Some(Ok(pending)));
                    Poll::Pending
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_order_is_lost_is_told_so_and_whose_is_decided_is_left_alone() {
        let whose = |outcome: &Outcome| Whose {
            waker: Waker::noop().clone(),
            outcome: Rc::clone(outcome),
        };
        let outcome = Outcome::default();
        assert!(!whose(&outcome).is_gone());
        let Some(Err(problem)) = outcome.take() else {
            panic!("no outcome");
        };
        assert_eq!(problem.code(), Code::Internal);
        let overloaded = Problem::new(Code::Overloaded, "full");
        let decided = whose(&outcome);
        outcome.set(Some(Err(overloaded)));
        drop(decided);
        let Some(Err(problem)) = outcome.take() else {
            panic!("no outcome");
        };
        assert_eq!(problem.code(), Code::Overloaded);
        // Once the connection is gone, only the order holds the outcome.
        let lost = whose(&outcome);
        drop(outcome);
        assert!(lost.is_gone());
    }
}
