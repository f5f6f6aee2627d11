//! Answers queries to the policy (OPA's Data API) on threads of their own: one may evaluate every
//! rule of a bundle, or return all of its data, and no order may wait behind that.

use std::sync::Arc;

use actix_web::web;
use gate_api::{Code, Gate, Problem};
use tokio::sync::Semaphore;

/// Threads per worker that answer queries.
pub(crate) const QUERY_THREADS: usize = 1;

/// Limits queries in progress or waiting, over all workers; more are refused at once.
pub(crate) struct Queries {
    limit: usize,
    free: Arc<Semaphore>,
}

impl Queries {
    pub(crate) fn new(limit: usize) -> Self {
        let free = Arc::new(Semaphore::new(limit));
        Self { limit, free }
    }

    /// Answers a query; refuses it with [`Code::Overloaded`] when there are too many.
    pub(super) async fn answer(
        &self,
        gate: &Arc<Gate>,
        path: Vec<String>,
        body: impl AsRef<[u8]> + Send + 'static,
    ) -> Result<Vec<u8>, Problem> {
        let place = Arc::clone(&self.free).try_acquire_owned().map_err(|_| {
            let detail = format!("{} questions to the policy are waiting already", self.limit);
            Problem::new(Code::Overloaded, detail)
        })?;
        let gate = Arc::clone(gate);
        let asker = Arc::new(());
        let asked = Arc::downgrade(&asker);
        let answer = web::block(move || {
            // Held until the query's turn has come, also when nobody waits for the answer any more.
            let _place = place;
            let is_gone = asked.strong_count() == 0;
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            (!is_gone).then(|| gate.query(&path, body.as_ref()))
        });
        let answer = answer.await.ok().flatten();
        drop(asker);
        answer.unwrap_or_else(|| {
            let detail = "the question was interrupted";
            Err(Problem::new(Code::Internal, detail))
        })
    }

    /// The most queries in progress or waiting.
    pub(crate) const fn limit(&self) -> usize {
        self.limit
    }

    /// Queries in progress or waiting now.
    pub(crate) fn inside(&self) -> usize {
        self.limit.saturating_sub(self.free.available_permits())
    }
}
