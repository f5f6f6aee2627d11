//! The routes of the public listener, which order flow calls.

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::web::{self, Data, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use gate_api::{Code, Gate, MAX_BODY_BYTES, Problem};
use gate_types::OrderId;

use super::event::apply;
use super::order::{AUTHORIZE, SentOrder, Worker, authorize, token_form};
use super::route::{client, not_found, parts, resource};
use super::{Shared, body, reply};

/// How many parts of a path `/v1/data` has.
const DATA_PARTS: usize = 2;

/// The routes behind `Front`.
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

/// An order whose path is percent-encoded (`/v1/%61uthorize`), so that `Front` passed it on.
async fn routed_authorize(
    shared: Data<Shared>,
    worker: Data<Worker>,
    request: HttpRequest,
    payload: Payload,
) -> HttpResponse {
    let order = SentOrder::read(request.headers(), payload.into_inner()).await;
    authorize(&shared, &worker, order).await
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
    reply::outcome(&shared, body)
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
        let form = token_form(request.headers()).unwrap_or(shared.config.token_form);
        shared.gate.show_order(&found, form)
    };
    reply::outcome(&shared, body.await)
}

async fn policy(shared: Data<Shared>) -> HttpResponse {
    reply::json(&shared, shared.gate.policy_view())
}

async fn verify(shared: Data<Shared>, request: HttpRequest, payload: Payload) -> HttpResponse {
    let outcome = async {
        let body = body::json(request.headers(), payload.into_inner()).await?;
        shared.gate.verify(&body)
    };
    reply::outcome(&shared, outcome.await)
}

async fn data(shared: Data<Shared>, request: HttpRequest, payload: Payload) -> HttpResponse {
    let outcome = async {
        let path = parts(&request, DATA_PARTS)?;
        let body = body::json(request.headers(), payload.into_inner()).await?;
        shared.queries.answer(&shared.gate, path, body).await
    };
    reply::outcome(&shared, outcome.await)
}

async fn data_without_body(shared: Data<Shared>, request: HttpRequest) -> HttpResponse {
    let outcome = async {
        let path = parts(&request, DATA_PARTS)?;
        let body = input(request.query_string())?;
        shared.queries.answer(&shared.gate, path, body).await
    };
    reply::outcome(&shared, outcome.await)
}

/// The body that a query of OPA's Data API stands for: its parameter `input` is JSON, others are
/// ignored.
fn input(query: &str) -> Result<String, Problem> {
    let query = web::Query::<Vec<(String, String)>>::from_query(query)
        .map_err(|error| Problem::of_member(Code::InvalidMember, "query", error))?
        .into_inner();
    let mut inputs = query.into_iter().filter(|(name, _)| name == "input");
    let Some((_, input)) = inputs.next() else {
        return Ok(String::new());
    };
    if inputs.next().is_some() {
        let what = "is given twice";
        return Err(Problem::of_member(Code::DuplicateMember, "input", what));
    }
    if input.len() > MAX_BODY_BYTES {
        return Err(Problem::body_too_large());
    }
    // By itself, so that it cannot end and something else begin.
    serde_json::from_str::<serde::de::IgnoredAny>(&input).map_err(|error| {
        let detail = format!("the parameter `input`: {error}");
        Problem::new(Code::MalformedJson, detail)
    })?;
    Ok(format!(r#"{{"input":{input}}}"#))
}

/// Liveness: 200 while serving, with status `degraded` when an order could not be decided.
async fn health(shared: Data<Shared>) -> HttpResponse {
    let body = if shared.is_ready() {
        r#"{"status":"ok"}"#
    } else {
        r#"{"status":"degraded"}"#
    };
    reply::json(&shared, body.as_bytes().to_vec())
}
