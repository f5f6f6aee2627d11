//! `gate-sidecar token verify`: verifies one token, as a consuming service would.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use gate_token::{Expectations, KeyFile, json};
use serde_json::Value;

use super::{NO, answer_or_why, say, stdin};
use crate::cli::Token;
use crate::clock::SystemClock;

/// The most bytes of a token, or of a reply that contains one.
const MAX_INPUT_BYTES: u64 = 64 * 1024;

pub(crate) fn run(command: Token) -> Result<ExitCode> {
    let Token::Verify {
        keys,
        at,
        audience,
        leeway,
    } = command;
    let now_s = match at.as_deref().map(seconds) {
        Some(Ok(seconds)) => seconds,
        // A wrong argument is no answer about the token.
        Some(Err(error)) => return Ok(answer_or_why(Err(error))),
        None => SystemClock::shared().now().unix_seconds(),
    };
    let keys = KeyFile::new(&keys)
        .read()
        .with_context(|| format!("the key file `{}`", keys.display()))?;
    let token = token_of(&stdin(MAX_INPUT_BYTES)?);
    let expect = Expectations {
        aud: &audience,
        now_s,
        leeway_s: leeway,
    };
    match gate_token::verify(token.trim_ascii(), &keys, &expect) {
        Ok(claims) => {
            // An id may have a line end in it.
            let (status, client, order) = (
                claims.status.as_str(),
                claims.client_id.escape_debug(),
                claims.client_order_id.escape_debug(),
            );
            say(&format!(
                "valid: {status} client={client} order={order} seq={}",
                claims.seq
            ))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(reason) => {
            eprintln!("{}: {reason}", reason.as_str());
            Ok(NO)
        }
    }
}

/// The token: the input itself, or the `decision_token` of a whole reply.
fn token_of(input: &[u8]) -> Vec<u8> {
    let reply = json::parse(input).ok();
    match reply.as_ref().and_then(|reply| reply.get("decision_token")) {
        Some(Value::String(jws)) => jws.clone().into_bytes(),
        Some(token) => token.to_string().into_bytes(),
        None => match reply {
            // A JWS as a JSON string, as it stands in a reply.
            Some(Value::String(jws)) => jws.into_bytes(),
            _ => input.to_vec(),
        },
    }
}

/// Reads Unix seconds or RFC 3339 (`2026-01-16T06:40:50Z`).
fn seconds(text: &str) -> Result<u64> {
    if let Ok(seconds) = text.parse() {
        return Ok(seconds);
    }
    text.parse::<jiff::Timestamp>()
        .ok()
        .and_then(|time| u64::try_from(time.as_second()).ok())
        .with_context(|| format!("`{text}` is no time: give Unix seconds or RFC 3339"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_seconds_or_rfc_3339() {
        assert_eq!(seconds("1768545650").unwrap(), 1_768_545_650);
        assert_eq!(seconds("2026-01-16T06:40:50Z").unwrap(), 1_768_545_650);
        assert_eq!(seconds("2026-01-16T07:40:50+01:00").unwrap(), 1_768_545_650);
        assert!(seconds("yesterday").is_err() && seconds("-1").is_err());
    }

    #[test]
    fn a_token_is_found_in_a_whole_reply_and_alone() {
        let token = br#"{"payload":{},"signature":"x"}"#;
        assert_eq!(token_of(token), token);
        let reply = br#"{"status":"AUTHORIZED","decision_token":{"payload":{},"signature":"x"}}"#;
        assert_eq!(token_of(reply), token);
        assert_eq!(token_of(br#"{"decision_token":"a.b.c"}"#), b"a.b.c");
        assert_eq!(token_of(b"a.b.c"), b"a.b.c");
    }
}
