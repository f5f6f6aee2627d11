//! Bodies that are free JSON objects: their members are the caller's.

use gate_token::json::{self, JsonError};
use serde_json::{Map, Value};

use crate::problem::{Code, Problem};

/// A JSON object without a doubled member, whose whole numbers every reader takes for the same.
pub(crate) fn strict(body: &[u8]) -> Result<Map<String, Value>, Problem> {
    checked(json::parse(body).map_err(|error| match error {
        JsonError::Syntax(error) => malformed(&error),
        // As in an order.
        JsonError::UnsafeInteger { .. } => Problem::new(Code::InvalidMember, error.to_string()),
    })?)
}

/// The same with whole numbers of any size, such as a policy's `now_ns`.
pub(crate) fn with_any_numbers(body: &[u8]) -> Result<Map<String, Value>, Problem> {
    let parsed = serde_json::from_slice(body);
    let json::Strict(value) = parsed.map_err(|error| malformed(&error))?;
    checked(value)
}

/// A member that stands twice is the one thing that [`json::Strict`] refuses beside what is no JSON.
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
