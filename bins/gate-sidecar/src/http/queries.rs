//! Questions to the policy (OPA's Data API): answered on threads of their own, since one may be about
//! every rule of a bundle, or all of its data, and no order may wait for that.

use std::sync::Arc;

use actix_web::web;
use gate_api::{Code, Gate, Problem};
use tokio::sync::Semaphore;

/// Questions that are answered or wait, over all workers; beyond it they are refused at once.
pub(crate) const MAX_QUERIES: usize = 64;

/// Threads of one worker that answer them.
pub(crate) const QUERY_THREADS: usize = 1;

/// The places for questions.
pub(crate) struct Queries {
    free: Arc<Semaphore>,
}

impl Default for Queries {
    fn default() -> Self {
        let free = Arc::new(Semaphore::new(MAX_QUERIES));
        Self { free }
    }
}

impl Queries {
    /// The answer to a question, or that there are too many.
    pub(super) async fn answer(
        &self,
        gate: &Arc<Gate>,
        path: &str,
        body: impl AsRef<[u8]> + Send + 'static,
    ) -> Result<Vec<u8>, Problem> {
        let place = Arc::clone(&self.free).try_acquire_owned().map_err(|_| {
            let detail = format!("{MAX_QUERIES} questions to the policy are waiting already");
            Problem::new(Code::Overloaded, detail)
        })?;
        let (gate, path) = (Arc::clone(gate), path.to_owned());
        let answer = web::block(move || {
            // Kept until it is answered, also when nobody waits for the answer any more.
            let _place = place;
            gate.query(&path, body.as_ref())
        });
        let interrupted = |_| Problem::new(Code::Internal, "the question was interrupted");
        answer.await.map_err(interrupted)?
    }

    /// Questions that are answered or wait now.
    pub(crate) fn inside(&self) -> usize {
        MAX_QUERIES.saturating_sub(self.free.available_permits())
    }
}
