//! Builds the HTTP response from an answer or a problem.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use gate_api::{Code, Problem};

use super::Shared;

/// 200 with the body, or the problem's response.
pub(super) fn outcome(shared: &Shared, outcome: Result<Vec<u8>, Problem>) -> HttpResponse {
    match outcome {
        Ok(body) => json(shared, body),
        Err(problem) => self::problem(shared, &problem),
    }
}

/// 200 with a JSON body.
pub(super) fn json(shared: &Shared, body: Vec<u8>) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_TYPE, HeaderValue::from_static("application/json")));
    finish(shared, response.body(body), false)
}

/// The problem's response; counts the problem.
pub(super) fn problem(shared: &Shared, problem: &Problem) -> HttpResponse {
    let code = problem.code();
    shared.metrics.problem(code);
    let status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    response.insert_header((CONTENT_TYPE, HeaderValue::from_static(Problem::MEDIA_TYPE)));
    if let Some(seconds) = code.retry_after_s() {
        response.insert_header((RETRY_AFTER, seconds));
    }
    // A connection whose body was not read to its end cannot take another request.
    let close = matches!(code, Code::BodyTooLarge | Code::RequestTimeout);
    finish(shared, response.body(problem.to_json()), close)
}

fn finish(shared: &Shared, mut response: HttpResponse, close: bool) -> HttpResponse {
    if close || shared.is_draining() {
        response
            .head_mut()
            .set_connection_type(actix_web::http::ConnectionType::Close);
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
