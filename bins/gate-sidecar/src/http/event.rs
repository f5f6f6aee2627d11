//! Applies events of the venue or an operator: fills, releases, kill switches, positions.

use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use gate_api::{Applied, Gate, Problem};

use super::commit::WorkerCommits;
use super::{Shared, body, reply};

/// Applies an event, waits until it is durable, counts it, and answers.
pub(super) async fn apply(
    shared: &Shared,
    commits: &WorkerCommits,
    request: &HttpRequest,
    payload: Payload,
    event: impl FnOnce(&Gate, &[u8]) -> Result<Applied, Problem>,
) -> HttpResponse {
    let outcome = async {
        let body = body::json(request.headers(), payload.into_inner()).await?;
        let applied = event(&shared.gate, &body)?;
        let change = applied.change();
        let answer = commits.answer(applied).await?;
        shared.metrics.change(change);
        Ok(answer)
    };
    reply::outcome(shared, outcome.await)
}
