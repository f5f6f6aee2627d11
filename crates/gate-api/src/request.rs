//! From bytes to typed requests. Everything that a caller can get wrong is found here and named
//! before any state is touched.

mod authorize;
pub(crate) mod document;
mod member;
mod object;
mod operator;
mod venue;

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::problem::{Code, Problem};
pub(crate) use authorize::{AuthorizeRequest, order_digest};
use member::text;
pub(crate) use object::duplicate;
pub(crate) use operator::{KillRequest, KillTarget, PositionRequest};
pub(crate) use venue::{FillRequest, ReleaseRequest};

/// Most bytes of a request body.
pub const MAX_BODY_BYTES: usize = 16 * 1024;

/// Most bytes of a `reason` or an `actor`.
const MAX_REASON_BYTES: usize = 256;

pub(crate) fn unknown(key: &str) -> Problem {
    Problem::of_member(
        Code::UnknownMember,
        key.to_owned(),
        "is not a member of this request",
    )
}

/// A reason or an actor, recorded as given.
fn words<'a>(raw: &'a RawValue, path: &'static str) -> Result<Cow<'a, str>, Problem> {
    let words = text(raw, path)?;
    if words.is_empty() || words.len() > MAX_REASON_BYTES {
        let what = format!("must have 1 to {MAX_REASON_BYTES} bytes");
        return Err(Problem::of_member(Code::InvalidMember, path, what));
    }
    // Logs and terminals must show it as one line of text, like an id.
    if words.chars().any(char::is_control) {
        let what = "must not contain a control character";
        return Err(Problem::of_member(Code::InvalidMember, path, what));
    }
    Ok(words)
}

#[cfg(test)]
mod tests;
