//! Reads the body of a JSON request; checks its media type, and limits its size and the time it
//! takes to arrive.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use actix_web::web::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use gate_api::{Code, MAX_BODY_BYTES, Problem};

/// Up to this many bytes of an oversized body are read and discarded, so that the caller can read
/// the answer instead of seeing a connection reset.
const MAX_DISCARDED_BYTES: usize = 4 * 1024 * 1024;

/// How long a body may take to arrive once its head is here.
pub(crate) const BODY_TIMEOUT: Duration = Duration::from_secs(5);

/// The body of a JSON request.
pub(super) async fn json(headers: &HeaderMap, payload: Payload) -> Result<Bytes, Problem> {
    let body = within_time(whole(payload)).await;
    if !is_json(headers) {
        return Err(unsupported(headers));
    }
    let mut codings = headers.get_all(CONTENT_ENCODING);
    if let Some(coding) =
        codings.find(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        let detail = format!("the body has the content coding {coding:?}: send it as it is");
        return Err(Problem::new(Code::UnsupportedMediaType, detail));
    }
    match body {
        // An oversized body that was announced and did not come is still refused for its size.
        Err(late) if late.code() == Code::RequestTimeout && announces_too_much(headers) => {
            Err(Problem::body_too_large())
        }
        body => body,
    }
}

/// Whether `Content-Length` announces more than [`MAX_BODY_BYTES`].
fn announces_too_much(headers: &HeaderMap) -> bool {
    let length = headers.get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let most = u64::try_from(MAX_BODY_BYTES).unwrap_or(u64::MAX);
    length.is_some_and(|length| length > most)
}

async fn within_time(
    reading: impl Future<Output = Result<Bytes, Problem>>,
) -> Result<Bytes, Problem> {
    let mut reading = pin!(reading);
    // An HTTP/1 connection is one task: it polls the handler once before it feeds the body that
    // came with the head, then feeds it and polls again. So the first poll registers no waker,
    // which would only cause one more poll. (HTTP/2, which is not offered, feeds the body from
    // another task.)
    let nobody = &mut Context::from_waker(Waker::noop());
    if let Poll::Ready(body) = reading.as_mut().poll(nobody) {
        return body;
    }
    let mut late = pin!(tokio::time::sleep(BODY_TIMEOUT));
    let mut is_first = true;
    poll_fn(|context| {
        if !std::mem::take(&mut is_first)
            && let Poll::Ready(body) = reading.as_mut().poll(context)
        {
            return Poll::Ready(body);
        }
        late.as_mut().poll(context).map(|()| Err(too_late()))
    })
    .await
}

fn too_late() -> Problem {
    let seconds = BODY_TIMEOUT.as_secs();
    let detail = format!("the body did not arrive within {seconds} s");
    Problem::new(Code::RequestTimeout, detail)
}

/// Reads the whole body; one over the limit is read on for a while, and refused.
async fn whole(mut payload: Payload) -> Result<Bytes, Problem> {
    let Some(first) = next(&mut payload).await? else {
        return Ok(Bytes::new());
    };
    let mut total = first.len();
    let mut body = first;
    let mut joined: Option<BytesMut> = None;
    while let Some(chunk) = next(&mut payload).await? {
        total = total.saturating_add(chunk.len());
        if total > MAX_DISCARDED_BYTES {
            break;
        }
        if total <= MAX_BODY_BYTES {
            joined
                .get_or_insert_with(|| BytesMut::from(&*body))
                .extend_from_slice(&chunk);
        }
    }
    if total > MAX_BODY_BYTES {
        return Err(Problem::body_too_large());
    }
    if let Some(joined) = joined {
        body = joined.freeze();
    }
    Ok(body)
}

async fn next(payload: &mut Payload) -> Result<Option<Bytes>, Problem> {
    payload.next().await.transpose().map_err(|error| {
        Problem::new(
            Code::MalformedJson,
            format!("the body could not be read: {error}"),
        )
    })
}

/// `application/json`, with or without parameters.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(text) = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
    else {
        return false;
    };
    let media_type = text
        .split_once(';')
        .map_or(text, |(media_type, _)| media_type);
    media_type.trim().eq_ignore_ascii_case("application/json")
}

fn unsupported(headers: &HeaderMap) -> Problem {
    let detail = match headers.get(CONTENT_TYPE).map(|value| value.to_str()) {
        Some(Ok(given)) => format!("the content type `{given}` is not `application/json`"),
        _ => "the request has no content type; it must be `application/json`".to_owned(),
    };
    Problem::new(Code::UnsupportedMediaType, detail)
}
