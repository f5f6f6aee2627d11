//! Bytes → typed requests. Everything a caller can get wrong is found here, by name, before
//! any state is touched.

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
pub(crate) use operator::{KillRequest, KillTarget, PositionRequest};
pub(crate) use venue::{FillRequest, ReleaseRequest};

/// The most bytes a request body may have.
pub const MAX_BODY_BYTES: usize = 16 * 1024;

/// The most bytes a `reason` or an `actor` may have.
const MAX_REASON_BYTES: usize = 256;

pub(crate) fn unknown(key: &str) -> Problem {
    Problem::of_member(
        Code::UnknownMember,
        key.to_owned(),
        "is not a member of this request",
    )
}

/// A reason or a name that is recorded as it is.
fn words<'a>(raw: &'a RawValue, path: &'static str) -> Result<Cow<'a, str>, Problem> {
    let words = text(raw, path)?;
    if words.is_empty() || words.len() > MAX_REASON_BYTES {
        let what = format!("must have 1 to {MAX_REASON_BYTES} bytes");
        return Err(Problem::of_member(Code::InvalidMember, path, what));
    }
    // Whoever reads it in a log or at a terminal sees one line of text, as of an id.
    if words.chars().any(char::is_control) {
        let what = "must not contain a control character";
        return Err(Problem::of_member(Code::InvalidMember, path, what));
    }
    Ok(words)
}

#[cfg(test)]
mod tests;
