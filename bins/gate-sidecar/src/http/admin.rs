//! The routes of the admin listener: probes, metrics, kill switches, positions, open orders, reload.
//! Operators' calls are not served on the public listener.

use std::sync::Arc;

use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{self, Data, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};

use gate_api::{Code, Gate, Page, Problem};
use serde_json::json;

use super::commit::WorkerCommits;
use super::event::apply;
use super::route::{client, not_found, resource};
use super::{Shared, reply};
use crate::reload::Trigger;

/// The media type of the Prometheus text format.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(crate) fn routes(shared: Arc<Shared>) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        let commits = WorkerCommits::start(&shared.commits, Arc::clone(&shared.gate));
        config
            .app_data(Data::new(commits))
            .app_data(Data::from(shared))
            .service(resource("/live", [(Method::GET, web::to(live))]))
            .service(resource("/ready", [(Method::GET, web::to(ready))]))
            .service(resource("/health", [(Method::GET, web::to(live))]))
            .service(resource("/health/live", [(Method::GET, web::to(live))]))
            .service(resource("/health/ready", [(Method::GET, web::to(ready))]))
            .service(resource("/metrics", [(Method::GET, web::to(metrics))]))
            .service(resource("/openapi.json", [(Method::GET, web::to(openapi))]))
            .service(resource(
                "/v1/kill",
                [
                    (Method::GET, web::to(switches)),
                    (Method::POST, web::to(kill)),
                ],
            ))
            .service(resource(
                "/v1/positions",
                [(Method::POST, web::to(set_position))],
            ))
            .service(resource(
                "/v1/positions/{client_id}",
                [(Method::GET, web::to(positions))],
            ))
            .service(resource(
                "/v1/orders/{client_id}",
                [(Method::GET, web::to(open_orders))],
            ))
            .service(resource("/v1/reload", [(Method::POST, web::to(reload))]))
            .default_service(web::to(not_found));
    }
}

async fn live(shared: Data<Shared>) -> HttpResponse {
    reply::json(&shared, br#"{"status":"ok"}"#.to_vec())
}

/// 200 when an order sent now can be decided; 503 with the reason otherwise.
async fn ready(shared: Data<Shared>) -> HttpResponse {
    let (status, body) = match shared.why_not_ready() {
        None => (StatusCode::OK, json!({"status": "ready"})),
        Some(reason) => (
            StatusCode::SERVICE_UNAVAILABLE,
            json!({"status": "not ready", "reason": reason}),
        ),
    };
    HttpResponse::build(status)
        .insert_header((CONTENT_TYPE, HeaderValue::from_static("application/json")))
        .body(body.to_string())
}

async fn metrics(shared: Data<Shared>) -> HttpResponse {
    let text = shared.metrics.render(&shared);
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, HeaderValue::from_static(PROMETHEUS)))
        .body(text)
}

async fn openapi(shared: Data<Shared>) -> HttpResponse {
    reply::json(
        &shared,
        include_bytes!("../../../../docs/openapi.json").to_vec(),
    )
}

async fn switches(shared: Data<Shared>) -> HttpResponse {
    reply::json(&shared, shared.gate.kill_switches())
}

async fn kill(
    shared: Data<Shared>,
    commits: Data<WorkerCommits>,
    request: HttpRequest,
    payload: Payload,
) -> HttpResponse {
    apply(&shared, &commits, &request, payload, Gate::kill).await
}

async fn set_position(
    shared: Data<Shared>,
    commits: Data<WorkerCommits>,
    request: HttpRequest,
    payload: Payload,
) -> HttpResponse {
    apply(&shared, &commits, &request, payload, Gate::set_position).await
}

async fn positions(
    shared: Data<Shared>,
    request: HttpRequest,
    path: web::Path<String>,
) -> HttpResponse {
    let body = client(&request, &path).map(|client| shared.gate.positions(&client));
    reply::outcome(&shared, body)
}

async fn open_orders(
    shared: Data<Shared>,
    commits: Data<WorkerCommits>,
    request: HttpRequest,
    path: web::Path<String>,
) -> HttpResponse {
    let outcome = async {
        let client = client(&request, &path)?;
        let query = web::Query::<Vec<(String, String)>>::from_query(request.query_string())
            .map_err(|error| Problem::of_member(Code::InvalidMember, "query", error))?;
        let members = query.iter().map(|(name, text)| (&**name, &**text));
        let page = Page::parse(members)?;
        let found = shared.gate.find_open_orders(&client, page);
        commits.durable(found.wait_for()).await?;
        let gate = Arc::clone(&shared.gate);
        let shown = web::block(move || gate.show_open_orders(&found)).await;
        shown.unwrap_or_else(|_| Err(Problem::new(Code::Internal, "reading was interrupted")))
    };
    reply::outcome(&shared, outcome.await)
}

/// Reloads policy, keys and certificates; on an error everything stays as it was, and the answer
/// says why.
async fn reload(shared: Data<Shared>) -> HttpResponse {
    let working = Arc::clone(&shared);
    let reload = move || working.reloader.reload(&working.gate, Trigger::Asked);
    let outcome = web::block(reload).await;
    let interrupted = |_| Problem::new(Code::Internal, "the reload was interrupted");
    reply::outcome(
        &shared,
        outcome.map_err(interrupted).and_then(|outcome| outcome),
    )
}
