//! Questions to the policy (OPA's Data API): answered on threads of their own, since one may be about
//! every rule of a bundle, or all of its data, and no order may wait in line behind that.

use std::sync::Arc;

use actix_web::web;
use gate_api::{Code, Gate, Problem};
use tokio::sync::Semaphore;

/// Threads of one worker that answer them.
pub(crate) const QUERY_THREADS: usize = 1;

/// The places for questions, over all workers; beyond them a question is refused at once.
pub(crate) struct Queries {
    limit: usize,
    free: Arc<Semaphore>,
}

impl Queries {
    pub(crate) fn new(limit: usize) -> Self {
        let free = Arc::new(Semaphore::new(limit));
        Self { limit, free }
    }

    /// The answer to a question, or that there are too many.
    pub(super) async fn answer(
        &self,
        gate: &Arc<Gate>,
        path: &str,
        body: impl AsRef<[u8]> + Send + 'static,
    ) -> Result<Vec<u8>, Problem> {
        let place = Arc::clone(&self.free).try_acquire_owned().map_err(|_| {
            let detail = format!("{} questions to the policy are waiting already", self.limit);
            Problem::new(Code::Overloaded, detail)
        })?;
        let (gate, path) = (Arc::clone(gate), path.to_owned());
        let asker = Arc::new(());
        let asked = Arc::downgrade(&asker);
        let answer = web::block(move || {
            // Kept until its turn has come, also when nobody waits for the answer any more.
            let _place = place;
            let is_gone = asked.strong_count() == 0;
            (!is_gone).then(|| gate.query(&path, body.as_ref()))
        });
        let answer = answer.await.ok().flatten();
        drop(asker);
        answer.unwrap_or_else(|| {
            let detail = "the question was interrupted";
            Err(Problem::new(Code::Internal, detail))
        })
    }

    /// How many there may be.
    pub(crate) const fn limit(&self) -> usize {
        self.limit
    }

    /// Questions that are answered or wait now.
    pub(crate) fn inside(&self) -> usize {
        self.limit.saturating_sub(self.free.available_permits())
    }
}
