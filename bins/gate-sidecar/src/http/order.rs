//! Handles an order, from its request to its response.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::dev;
use actix_web::http::header::{ACCEPT, HeaderMap};
use actix_web::web::Bytes;
use gate_api::{Problem, TokenForm};

use super::admission::Door;
use super::cohort::Cohort;
use super::commit::WorkerCommits;
use super::{Shared, body, reply};
use crate::metrics::Decisions;

/// The path of orders.
pub(super) const AUTHORIZE: &str = "/v1/authorize";

/// The state of one worker thread.
pub(crate) struct Worker {
    door: Door,
    cohort: Cohort,
    pub(super) commits: WorkerCommits,
    decisions: Arc<Decisions>,
}

impl Worker {
    /// Must be called on the worker's own thread.
    pub(crate) fn start(shared: &Shared) -> Self {
        let commits = WorkerCommits::start(&shared.commits, Arc::clone(&shared.gate));
        Self {
            door: shared.admission.door(),
            cohort: Cohort::start(Arc::clone(&shared.gate), commits.clone()),
            commits,
            decisions: shared.metrics.worker(),
        }
    }
}

/// The parts of an order's request that are needed to decide it.
pub(super) struct SentOrder {
    body: Bytes,
    /// The token form that the request asks for, if any.
    form: Option<TokenForm>,
}

impl SentOrder {
    pub(super) async fn read(headers: &HeaderMap, payload: dev::Payload) -> Result<Self, Problem> {
        let body = body::json(headers, payload).await?;
        let form = token_form(headers);
        Ok(Self { body, form })
    }
}

/// Decides an order and builds the response.
pub(super) async fn authorize(
    shared: &Shared,
    worker: &Worker,
    order: Result<SentOrder, Problem>,
) -> HttpResponse {
    let outcome = async { decide(shared, worker, order?).await };
    reply::outcome(shared, outcome.await)
}

async fn decide(shared: &Shared, worker: &Worker, order: SentOrder) -> Result<Vec<u8>, Problem> {
    let _entered = worker.door.enter()?;
    let form = order.form.unwrap_or(shared.config.token_form);
    let pending = worker.cohort.decide(order.body, form).await?;
    let (body, outcome) = shared.gate.complete(pending)?;
    worker.decisions.add(&outcome);
    Ok(body)
}

/// The token form that the `Accept` headers ask for: a media type of RFC 7515 or RFC 7519 means
/// compact JWS, or the object form if its weight is 0. `None` when they name neither type.
pub(super) fn token_form(headers: &HeaderMap) -> Option<TokenForm> {
    let lines = headers
        .get_all(ACCEPT)
        .filter_map(|line| line.to_str().ok());
    let mut wanted = lines.flat_map(|line| line.split(',')).filter_map(wants_jws);
    let first = wanted.next()?;
    let is_wanted = first || wanted.any(|wanted| wanted);
    Some(if is_wanted {
        TokenForm::Jws
    } else {
        TokenForm::Object
    })
}

/// Whether a media range with its parameters asks for compact JWS (RFC 9110 §12.5.1). `Some(false)`
/// when its weight is 0; `None` when it names another type.
fn wants_jws(range: &str) -> Option<bool> {
    let mut parts = range.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default();
    let is_jws = ["application/jose", "application/jwt"]
        .iter()
        .any(|jws| media.eq_ignore_ascii_case(jws));
    let is_zero = |weight: &str| weight.parse().is_ok_and(|weight: f32| weight == 0.0);
    let is_refused = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or_default();
        name.eq_ignore_ascii_case("q") && is_zero(value)
    };
    is_jws.then(|| !parts.any(is_refused))
}
