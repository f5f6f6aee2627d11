//! Questions that change nothing: is this token good, and what does the policy say of this
//! document?

use gate_token::json::{self, JsonError};
use gate_token::{Claims, Expectations};
use serde_json::{Map, Value, json as value};

use crate::gate::Gate;
use crate::problem::{Code, Problem};
use crate::request::unknown;

/// The most segments a Data API path may have.
const MAX_PATH_SEGMENTS: usize = 32;

/// The largest answer of the Data API: a connection whose caller does not read holds one.
pub const MAX_ANSWER_BYTES: usize = 1024 * 1024;

impl Gate {
    /// `POST /v1/verify`: `{"token": object or JWS, "order"?: object}` →
    /// `{"valid": bool, "reason"?, "claims"?}`, judged against this sidecar's own audience and
    /// keys. With `order`, the token must be for exactly that order.
    ///
    /// # Errors
    /// A [`Problem`] when the request is no such object; a bad token is an answer.
    pub fn verify(&self, body: &[u8]) -> Result<Vec<u8>, Problem> {
        let request = object(body)?;
        // A misspelt `order` must not leave the order unchecked.
        if let Some(key) = request
            .keys()
            .find(|key| !["token", "order"].contains(&key.as_str()))
        {
            return Err(unknown(key));
        }
        let token = match request.get("token") {
            Some(Value::String(jws)) => jws.clone().into_bytes(),
            Some(token @ Value::Object(_)) => token.to_string().into_bytes(),
            Some(_) => {
                let what = "must be an object or a compact JWS";
                return Err(Problem::of_member(Code::InvalidMember, "token", what));
            }
            None => {
                return Err(Problem::of_member(
                    Code::MissingMember,
                    "token",
                    "is missing",
                ));
            }
        };
        let keys = self.keys();
        let expect = Expectations {
            aud: &self.settings().audience,
            now_s: self.clock.now().unix_seconds(),
            leeway_s: 0,
        };
        let verdict = match request.get("order") {
            None => gate_token::verify(&token, &keys, &expect),
            Some(_) => {
                let digest = order_of(body)?;
                gate_token::verify_for_order(&token, &keys, &expect, &digest)
            }
        };
        let answer = match verdict {
            Ok(claims) => value!({"valid": true, "claims": claims_json(&claims)}),
            Err(reason) => {
                value!({"valid": false, "reason": reason.as_str(), "detail": reason.to_string()})
            }
        };
        Ok(answer.to_string().into_bytes())
    }

    /// `POST /v1/data/{path}` of OPA's Data API: `{"input": …}` → `{"result": …}`, or `{}` when
    /// the document is undefined.
    ///
    /// # Errors
    /// A [`Problem`] when the body is no such object or the evaluation fails.
    pub fn query(&self, path: &str, body: &[u8]) -> Result<Vec<u8>, Problem> {
        let request = if body.trim_ascii().is_empty() {
            Map::new()
        } else {
            query(body)?
        };
        let input = request.get("input").unwrap_or(&Value::Null);
        let segments: Vec<&str> = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .collect();
        if segments.len() > MAX_PATH_SEGMENTS {
            let detail = format!("the path has more than {MAX_PATH_SEGMENTS} segments");
            return Err(Problem::new(Code::NotFound, detail));
        }
        let result = self.policy().query(&segments, input)?;
        let answer = result.map_or_else(|| value!({}), |result| value!({"result": result}));
        let answer = answer.to_string().into_bytes();
        if answer.len() > MAX_ANSWER_BYTES {
            let detail =
                format!("the answer is larger than {MAX_ANSWER_BYTES} bytes: ask for less");
            return Err(Problem::new(Code::QueryFailed, detail));
        }
        Ok(answer)
    }
}

fn object(body: &[u8]) -> Result<Map<String, Value>, Problem> {
    checked(json::parse(body).map_err(|error| match error {
        JsonError::Syntax(error) => malformed(&error),
        // As in an order.
        JsonError::UnsafeInteger { .. } => Problem::new(Code::InvalidMember, error.to_string()),
    })?)
}

/// What is asked of a policy may have whole numbers of any size, such as `now_ns`.
fn query(body: &[u8]) -> Result<Map<String, Value>, Problem> {
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

/// The digest of the request's `order`, read from its text: amounts keep every digit.
fn order_of(body: &[u8]) -> Result<gate_token::Digest, Problem> {
    #[derive(serde::Deserialize)]
    struct Ordered<'a> {
        #[serde(borrow)]
        order: &'a serde_json::value::RawValue,
    }
    let invalid = |error: &dyn std::fmt::Display| {
        Problem::of_member(
            Code::InvalidMember,
            "order",
            format_args!("has no digest: {error}"),
        )
    };
    let Ordered { order } = serde_json::from_slice(body).map_err(|error| invalid(&error))?;
    gate_token::order::digest_of_json(order.get().as_bytes()).map_err(|error| invalid(&error))
}

fn claims_json(claims: &Claims<'_>) -> Value {
    let mut canonical = Vec::new();
    claims.write_canonical(&mut canonical);
    serde_json::from_slice(&canonical).unwrap_or_default()
}
