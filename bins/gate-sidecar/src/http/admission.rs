//! Limits how many orders are decided at once. Orders beyond that are refused at once instead of
//! queued: deciding one whose sender has given up is wasted work.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gate_api::{Code, Problem};
use parking_lot::RwLock;

/// The limit, and one counter per worker: no two threads write the same one.
#[derive(Debug)]
pub(crate) struct Admission {
    limit_per_worker: usize,
    workers: RwLock<Vec<Arc<AtomicUsize>>>,
}

impl Admission {
    /// Divides `limit` orders evenly among `workers`, rounded up.
    pub(crate) fn new(limit: usize, workers: usize) -> Self {
        Self {
            limit_per_worker: limit.div_ceil(workers.max(1)).max(1),
            workers: RwLock::default(),
        }
    }

    /// The [`Door`] of one more worker.
    pub(crate) fn door(&self) -> Door {
        let inside = Arc::new(AtomicUsize::new(0));
        self.workers.write().push(Arc::clone(&inside));
        Door {
            inside,
            limit: self.limit_per_worker,
        }
    }

    /// Orders being decided now.
    pub(crate) fn inside(&self) -> usize {
        let workers = self.workers.read();
        workers
            .iter()
            .map(|inside| inside.load(Ordering::Relaxed))
            .sum()
    }

    /// The most orders that one worker decides at once.
    pub(crate) const fn limit_per_worker(&self) -> usize {
        self.limit_per_worker
    }
}

/// Admits the orders of one worker.
#[derive(Debug)]
pub(crate) struct Door {
    inside: Arc<AtomicUsize>,
    limit: usize,
}

impl Door {
    /// Admits an order, which counts while the result lives; or refuses it with
    /// [`Code::Overloaded`].
    pub(crate) fn enter(&self) -> Result<Entered<'_>, Problem> {
        // Only this worker's thread counts here, so nothing comes between the two steps.
        if self.inside.load(Ordering::Relaxed) >= self.limit {
            let detail = format!("{} orders are being decided already", self.limit);
            return Err(Problem::new(Code::Overloaded, detail));
        }
        self.inside.fetch_add(1, Ordering::Relaxed);
        Ok(Entered(&self.inside))
    }
}

/// An admitted order.
#[derive(Debug)]
pub(crate) struct Entered<'a>(&'a AtomicUsize);

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_as_fit_and_a_place_is_free_again_when_one_is_done() {
        let admission = Admission::new(3, 2);
        let (first, second) = (admission.door(), admission.door());
        let inside = (first.enter().unwrap(), first.enter().unwrap());
        let refused = first.enter().unwrap_err();
        assert_eq!(refused.code(), Code::Overloaded);
        // The other worker has room of its own.
        drop(second.enter().unwrap());
        assert_eq!(admission.inside(), 2);
        drop(inside);
        assert_eq!(admission.inside(), 0);
        drop(first.enter().unwrap());
    }
}
