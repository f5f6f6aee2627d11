//! Builds resources, answers unknown paths and methods, and reads the client in a path.

use actix_web::http::Method;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse, Resource, Route, guard};
use gate_api::{Code, Problem};
use gate_types::ClientId;
use percent_encoding::percent_decode_str;

use super::{Shared, reply};

/// A resource that serves these methods and answers others with a problem. GET serves HEAD, too
/// (RFC 9110 §9.1); actix leaves out the body.
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

pub(super) async fn not_found(shared: Data<Shared>, request: HttpRequest) -> HttpResponse {
    let detail = format!("there is nothing at `{}`", request.path());
    reply::problem(&shared, &Problem::new(Code::NotFound, detail))
}

/// 405 with the allowed methods (RFC 9110 §15.5.6).
fn method_not_allowed(shared: &Shared, method: &Method, allowed: &str) -> HttpResponse {
    let detail = format!("this resource does not answer to {method}, but to {allowed}");
    let mut response = reply::problem(shared, &Problem::new(Code::MethodNotAllowed, detail));
    if let Ok(allowed) = HeaderValue::from_str(allowed) {
        response.headers_mut().insert(ALLOW, allowed);
    }
    response
}

/// The client that a path names in its part `text`. Refused when the request's path is not valid.
pub(super) fn client<'t>(request: &HttpRequest, text: &'t str) -> Result<ClientId<'t>, Problem> {
    check_path(request, "client_id")?;
    ClientId::new(text).map_err(|error| Problem::of_member(Code::InvalidMember, "client_id", error))
}

/// The parts of a request's path behind the first `skipped`, each decoded: one may have a slash in it.
pub(super) fn parts(request: &HttpRequest, skipped: usize) -> Result<Vec<String>, Problem> {
    check_path(request, "path")?;
    let parts = request.uri().path().split('/');
    let parts = parts.filter(|part| !part.is_empty()).skip(skipped);
    Ok(parts
        .map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned())
        .collect())
}

/// `member` is what the problem names.
fn check_path(request: &HttpRequest, member: &'static str) -> Result<(), Problem> {
    if is_text(request.uri().path()) {
        return Ok(());
    }
    let what = "in the path is not UTF-8 in per cent signs with two hex digits each";
    Err(Problem::of_member(Code::InvalidMember, member, what))
}

/// Whether a path is percent-encoded UTF-8 (RFC 3986 §2.1). (The router decodes an invalid one in
/// its own way: to another client's name, perhaps.)
fn is_text(path: &str) -> bool {
    let is_hex = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
    let bytes = path.as_bytes();
    let marks = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'%');
    let mut marks = marks.map(|(at, _)| bytes.get(at.saturating_add(1)..).unwrap_or_default());
    marks.all(|after| is_hex(after.first()) && is_hex(after.get(1)))
        && percent_decode_str(path).decode_utf8().is_ok()
}
