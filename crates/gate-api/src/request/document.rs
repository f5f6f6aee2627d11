//! Bodies that are free JSON objects: the caller chooses the members.

use gate_token::json::{self, JsonError};
use serde_json::{Map, Value};

use crate::problem::{Code, Problem};

/// A JSON object without duplicate members and without integers that JSON readers disagree on.
pub(crate) fn strict(body: &[u8]) -> Result<Map<String, Value>, Problem> {
    checked(json::parse(body).map_err(|error| match error {
        JsonError::Syntax(error) => malformed(&error),
        // The code that an order gets for it.
        JsonError::UnsafeInteger { .. } => Problem::new(Code::InvalidMember, error.to_string()),
    })?)
}

/// Like [`strict`], with integers of any size, such as a policy's `now_ns`.
pub(crate) fn with_any_numbers(body: &[u8]) -> Result<Map<String, Value>, Problem> {
    let parsed = serde_json::from_slice(body);
    let json::Strict(value) = parsed.map_err(|error| malformed(&error))?;
    checked(value)
}

/// Beside invalid JSON, [`json::Strict`] refuses only a duplicate member.
fn malformed(error: &serde_json::Error) -> Problem {
    let code = if error.is_data() {
        Code::DuplicateMember
    } else {
        Code::MalformedJson
    };
    Problem::new(code, format!("the body is not strict JSON: {error}"))
}

fn checked(parsed: Value) -> Result<Map<String, Value>, Problem> {
    match parsed {
        Value::Object(members) => Ok(members),
        _ => Err(Problem::new(
            Code::InvalidMember,
            "the body must be a JSON object",
        )),
    }
}
