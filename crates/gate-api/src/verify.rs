//! `POST /v1/verify`: checks a token.

use gate_token::{Claims, Expectations};
use serde_json::{Value, json};

use crate::gate::Gate;
use crate::problem::{Code, Problem};
use crate::request::{document, unknown};

impl Gate {
    /// `POST /v1/verify`: `{"token": object or JWS, "order"?: object}` →
    /// `{"valid": bool, "reason"?, "claims"?}`, judged against this sidecar's own audience and
    /// keys. With `order`, the token must be for exactly that order.
    ///
    /// # Errors
    /// A [`Problem`] if the request is not such an object; a bad token is no error but an answer.
    pub fn verify(&self, body: &[u8]) -> Result<Vec<u8>, Problem> {
        let request = document::strict(body)?;
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
            Ok(claims) => json!({"valid": true, "claims": claims_json(&claims)}),
            Err(reason) => {
                json!({"valid": false, "reason": reason.as_str(), "detail": reason.to_string()})
            }
        };
        Ok(answer.to_string().into_bytes())
    }
}

/// The digest of the request's `order`, from its text, so that amounts keep every digit.
fn order_of(body: &[u8]) -> Result<gate_token::Digest, Problem> {
    #[derive(serde::Deserialize)]
    struct Ordered<'a> {
        #[serde(borrow)]
        order: &'a serde_json::value::RawValue,
    }
    let invalid = |error: &dyn std::error::Error| {
        let why = error.source().map(|why| format!(": {why}"));
        let why = why.unwrap_or_default();
        let what = format_args!("has no digest: {error}{why}");
        Problem::of_member(Code::InvalidMember, "order", what)
    };
    let Ordered { order } = serde_json::from_slice(body).map_err(|error| invalid(&error))?;
    gate_token::order::digest_of_json(order.get().as_bytes()).map_err(|error| invalid(&error))
}

fn claims_json(claims: &Claims<'_>) -> Value {
    let mut canonical = Vec::new();
    claims.write_canonical(&mut canonical);
    serde_json::from_slice(&canonical).unwrap_or_default()
}
