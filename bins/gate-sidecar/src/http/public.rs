//! The public listener: what order flow calls.

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::{ACCEPT, ALLOW, HeaderMap, HeaderValue};
use actix_web::web::{self, Bytes, Data, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Resource, Route, dev, guard};
use gate_api::{Applied, Code, Gate, Problem, TokenForm};
use gate_types::{ClientId, OrderId};
use percent_encoding::percent_decode_str;

use super::admission::Door;
use super::cohort::Cohort;
use super::commit::WorkerCommits;
use super::{Shared, body, reply};
use crate::metrics::Decisions;

/// Where orders go.
pub(super) const AUTHORIZE: &str = "/v1/authorize";

/// What each worker thread has for itself.
pub(crate) struct Worker {
    door: Door,
    cohort: Cohort,
    commits: WorkerCommits,
    decisions: Arc<Decisions>,
}

impl Worker {
    /// To be called on the worker's own thread.
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

/// The routes behind the front.
pub(crate) fn routes(shared: Arc<Shared>, worker: Data<Worker>) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        config
            .app_data(worker)
            .app_data(Data::from(shared))
            .service(resource(
                AUTHORIZE,
                [(Method::POST, web::to(routed_authorize))],
            ))
            .service(resource("/v1/release", [(Method::POST, web::to(release))]))
            .service(resource("/v1/fill", [(Method::POST, web::to(fill))]))
            .service(resource(
                "/v1/exposure/{client_id}",
                [(Method::GET, web::to(exposure))],
            ))
            .service(resource(
                "/v1/orders/{client_id}/{client_order_id}",
                [(Method::GET, web::to(order))],
            ))
            .service(resource("/v1/policy", [(Method::GET, web::to(policy))]))
            .service(resource("/v1/verify", [(Method::POST, web::to(verify))]))
            .service(resource(
                "/v1/data",
                [
                    (Method::GET, web::to(data_without_body)),
                    (Method::POST, web::to(data)),
                ],
            ))
            .service(resource(
                "/v1/data/{path:.*}",
                [
                    (Method::GET, web::to(data_without_body)),
                    (Method::POST, web::to(data)),
                ],
            ))
            .service(resource("/health", [(Method::GET, web::to(health))]))
            .default_service(web::to(not_found));
    }
}

/// A resource that answers to these methods, and to others with a problem. Where there is a GET there
/// is a HEAD (RFC 9110 §9.1); the connection leaves out the body.
pub(super) fn resource<const N: usize>(path: &str, routes: [(Method, Route); N]) -> Resource {
    let allowed = routes.each_ref().map(|(method, _)| match *method {
        Method::GET => "GET, HEAD",
        _ => method.as_str(),
    });
    let allowed = allowed.join(", ");
    let refuse = move |shared: Data<Shared>, method: Method| {
        std::future::ready(method_not_allowed(&shared, &method, &allowed))
    };
    let resource = web::resource(path).default_service(web::to(refuse));
    routes
        .into_iter()
        .fold(resource, |resource, (method, route)| {
            resource.route(match method {
                Method::GET => route.guard(guard::Any(guard::Get()).or(guard::Head())),
                method => route.method(method),
            })
        })
}

/// An order whose path is written in another way (`/v1/%61uthorize`).
async fn routed_authorize(
    shared: Data<Shared>,
    worker: Data<Worker>,
    request: HttpRequest,
    payload: Payload,
) -> HttpResponse {
    let order = SentOrder::read(request.headers(), payload.into_inner()).await;
    authorize(&shared, &worker, order).await
}

/// An order as it was sent: all that is needed of its request.
pub(super) struct SentOrder {
    body: Bytes,
    /// What form its token is wanted in, if the request says so.
    form: Option<TokenForm>,
}

impl SentOrder {
    pub(super) async fn read(headers: &HeaderMap, payload: dev::Payload) -> Result<Self, Problem> {
        let body = body::json(headers, payload).await?;
        let form = token_form(headers);
        Ok(Self { body, form })
    }
}

/// Decides an order.
pub(super) async fn authorize(
    shared: &Shared,
    worker: &Worker,
    order: Result<SentOrder, Problem>,
) -> HttpResponse {
    let outcome = async { decide(shared, worker, order?).await };
    answer(shared, outcome.await)
}

async fn decide(shared: &Shared, worker: &Worker, order: SentOrder) -> Result<Vec<u8>, Problem> {
    let _entered = worker.door.enter()?;
    let form = order.form.unwrap_or(shared.token_form);
    let pending = worker.cohort.decide(order.body, form).await?;
    let (body, outcome) = shared.gate.complete(pending)?;
    worker.decisions.add(&outcome);
    Ok(body)
}

/// What the `Accept` headers ask for: a media type of RFC 7515 or RFC 7519 means compact JWS.
fn token_form(headers: &HeaderMap) -> Option<TokenForm> {
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

/// What a media range with its parameters says of compact JWS, if anything (RFC 9110 §12.5.1); a weight
/// of 0 means "not this one".
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

/// Applies an event and answers once it may be answered.
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
    answer(shared, outcome.await)
}

async fn release(
    shared: Data<Shared>,
    worker: Data<Worker>,
    request: HttpRequest,
    payload: Payload,
) -> HttpResponse {
    apply(&shared, &worker.commits, &request, payload, Gate::release).await
}

async fn fill(
    shared: Data<Shared>,
    worker: Data<Worker>,
    request: HttpRequest,
    payload: Payload,
) -> HttpResponse {
    let fill = |gate: &Gate, body: &[u8]| {
        let refused = |problem: &Problem| shared.metrics.refused_fill(problem.code());
        gate.fill(body).inspect_err(refused)
    };
    apply(&shared, &worker.commits, &request, payload, fill).await
}

async fn exposure(
    shared: Data<Shared>,
    request: HttpRequest,
    path: web::Path<String>,
) -> HttpResponse {
    let body = client(&request, &path).map(|client| shared.gate.exposure(&client));
    answer(&shared, body)
}

async fn order(
    shared: Data<Shared>,
    worker: Data<Worker>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> HttpResponse {
    let (client_id, order_id) = &*path;
    let body = async {
        let client = client(&request, client_id)?;
        let order = OrderId::new(order_id.as_str())
            .map_err(|error| Problem::of_member(Code::InvalidMember, "client_order_id", error))?;
        let found = shared.gate.find_order(&client, &order)?;
        worker.commits.durable(found.wait_for()).await?;
        let form = token_form(request.headers()).unwrap_or(shared.token_form);
        shared.gate.show_order(&found, form)
    };
    answer(&shared, body.await)
}

/// The client that a path names, as its text; of the request it is seen whether the path is text at all.
pub(super) fn client<'t>(request: &HttpRequest, text: &'t str) -> Result<ClientId<'t>, Problem> {
    if !is_text(request.uri().path()) {
        let what = "in the path is not UTF-8 in per cent signs with two hex digits each";
        return Err(Problem::of_member(Code::InvalidMember, "client_id", what));
    }
    ClientId::new(text).map_err(|error| Problem::of_member(Code::InvalidMember, "client_id", error))
}

/// Whether a path is what RFC 3986 §2.1 and UTF-8 make of a text. (The router reads what is not in its own way:
/// another client's name, perhaps.)
fn is_text(path: &str) -> bool {
    let is_hex = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
    let bytes = path.as_bytes();
    let marks = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'%');
    let mut marks = marks.map(|(at, _)| bytes.get(at.saturating_add(1)..).unwrap_or_default());
    marks.all(|after| is_hex(after.first()) && is_hex(after.get(1)))
        && percent_decode_str(path).decode_utf8().is_ok()
}

async fn policy(shared: Data<Shared>) -> HttpResponse {
    reply::json(&shared, shared.gate.policy_view())
}

async fn verify(shared: Data<Shared>, request: HttpRequest, payload: Payload) -> HttpResponse {
    let outcome = async {
        let body = body::json(request.headers(), payload.into_inner()).await?;
        shared.gate.verify(&body)
    };
    answer(&shared, outcome.await)
}

async fn data(shared: Data<Shared>, request: HttpRequest, payload: Payload) -> HttpResponse {
    let path = request.match_info().get("path").unwrap_or_default();
    let outcome = async {
        let body = body::json(request.headers(), payload.into_inner()).await?;
        shared.queries.answer(&shared.gate, path, body).await
    };
    answer(&shared, outcome.await)
}

/// What OPA's Data API takes from the query of a GET; its other parameters are passed over.
#[derive(serde::Deserialize)]
struct DataQuery {
    /// The input, as JSON.
    input: Option<String>,
}

async fn data_without_body(shared: Data<Shared>, request: HttpRequest) -> HttpResponse {
    let path = request.match_info().get("path").unwrap_or_default();
    let outcome = async {
        let query = web::Query::<DataQuery>::from_query(request.query_string())
            .map_err(|error| Problem::of_member(Code::InvalidMember, "input", error))?;
        let input = query.into_inner().input;
        let body = input.map(|input| format!(r#"{{"input":{input}}}"#));
        let body = body.unwrap_or_default();
        shared.queries.answer(&shared.gate, path, body).await
    };
    answer(&shared, outcome.await)
}

/// Liveness in the decision record's words: 200 while serving.
async fn health(shared: Data<Shared>) -> HttpResponse {
    let body = if shared.is_ready() {
        r#"{"status":"ok"}"#
    } else {
        r#"{"status":"degraded"}"#
    };
    reply::json(&shared, body.as_bytes().to_vec())
}

pub(super) async fn not_found(shared: Data<Shared>, request: HttpRequest) -> HttpResponse {
    let detail = format!("there is nothing at `{}`", request.path());
    reply::problem(&shared, &Problem::new(Code::NotFound, detail))
}

/// With the methods that are allowed (RFC 9110 §15.5.6).
fn method_not_allowed(shared: &Shared, method: &Method, allowed: &str) -> HttpResponse {
    let detail = format!("this resource does not answer to {method}, but to {allowed}");
    let mut response = reply::problem(shared, &Problem::new(Code::MethodNotAllowed, detail));
    if let Ok(allowed) = HeaderValue::from_str(allowed) {
        response.headers_mut().insert(ALLOW, allowed);
    }
    response
}

pub(super) fn answer(shared: &Shared, outcome: Result<Vec<u8>, Problem>) -> HttpResponse {
    match outcome {
        Ok(body) => reply::json(shared, body),
        Err(problem) => reply::problem(shared, &problem),
    }
}
