//! Replays every row of `test-vectors/*.json`, as its README says.

use std::path::Path;

use gate_token::json::{self, JsonError};
use gate_token::order::{OrderError, digest_of_json};
use gate_token::{Digest, Expectations, KeyRing, canonical, verify, verify_for_order};
use ring::hmac;
use serde::Deserialize;
use serde_json::Value;

/// A row of any file; each file uses some of the members.
#[derive(Deserialize)]
struct Row {
    description: String,
    input: String,
    expect: String,
    reason: Option<String>,
    canonical_hex: Option<String>,
    key: Option<String>,
    mac: Option<String>,
    order_digest: Option<String>,
    active: Option<String>,
    verify_only: Option<Vec<String>>,
    form: Option<String>,
    aud: Option<String>,
    now: Option<u64>,
    leeway: Option<u64>,
    order: Option<String>,
}

#[derive(Deserialize)]
struct Vectors {
    keys: Option<Value>,
    rows: Vec<Row>,
}

fn read(name: &str) -> Vectors {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../test-vectors")
        .join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2) && text.is_ascii(), "{text}");
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(byte).collect()
}

/// Replays each row: `judge` returns the outcome, or the reason of a refusal.
fn replay(rows: &[Row], least: usize, judge: impl Fn(&Row) -> Result<(), String>) {
    let mut wrong = Vec::new();
    for row in rows {
        let expected = match row.expect.as_str() {
            "valid" => Ok(()),
            "refused" => Err(row.reason.clone().unwrap()),
            other => panic!("expect is `{other}`"),
        };
        let found = judge(row);
        if found != expected {
            wrong.push(format!(
                "{}: expected {expected:?}, found {found:?}",
                row.description
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} rows:\n{}",
        wrong.len(),
        rows.len(),
        wrong.join("\n")
    );
    assert!(rows.len() >= least, "only {} rows", rows.len());
}

#[test]
fn canonical_form() {
    replay(&read("canonical.json").rows, 150, |row| {
        let value = json::parse(row.input.as_bytes()).map_err(|error| match error {
            JsonError::UnsafeInteger { .. } => "unsafe_integer",
            JsonError::Syntax(e) if e.to_string().starts_with("duplicate member `") => {
                "duplicate_member"
            }
            JsonError::Syntax(_) => "not_json",
        })?;
        let canonical = canonical::to_vec(&value).unwrap();
        assert_eq!(
            canonical,
            unhex(row.canonical_hex.as_deref().unwrap()),
            "{}",
            row.description
        );
        // A double of 2^53 or more is written as an integer that no strict reader takes back.
        if let Ok(again) = json::parse(&canonical) {
            assert_eq!(
                canonical::to_vec(&again).unwrap(),
                canonical,
                "{}",
                row.description
            );
        }
        Ok(())
    });
}

#[test]
fn every_mac_of_the_vectors_is_ours() {
    replay(&read("macs.json").rows, 20, |row| {
        let (key, message) = (unhex(row.key.as_deref().unwrap()), unhex(&row.input));
        let expected = unhex(row.mac.as_deref().unwrap());
        // A key too short for a key ring is used with the `ring` crate directly.
        let mac = match ring_of(&key) {
            Some(ring) => ring.active().sign(&message).as_bytes().to_vec(),
            None => {
                assert!(key.len() < gate_token::MIN_SECRET_BYTES);
                hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), &message)
                    .as_ref()
                    .to_vec()
            }
        };
        if mac.starts_with(&expected) {
            Ok(())
        } else {
            Err("bad_signature".into())
        }
    });
}

/// A key ring with that secret; `None` if it is refused.
pub(crate) fn ring_of(secret: &[u8]) -> Option<KeyRing> {
    use base64::Engine as _;
    let k = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(secret);
    let text = format!(r#"{{"keys":[{{"kty":"oct","alg":"HS256","kid":"k","k":"{k}"}}]}}"#);
    KeyRing::from_jwks(text.as_bytes()).ok()
}

#[test]
fn key_files() {
    replay(&read("keys.json").rows, 60, |row| {
        let keys = KeyRing::from_jwks(row.input.as_bytes()).map_err(|e| e.as_str())?;
        let names: Vec<&str> = keys.iter().map(gate_token::SigningKey::kid).collect();
        assert_eq!(
            Some(keys.active().kid()),
            row.active.as_deref(),
            "{}",
            row.description
        );
        assert_eq!(
            names[1..],
            row.verify_only.as_deref().unwrap()[..],
            "{}",
            row.description
        );
        Ok(())
    });
}

#[test]
fn every_order_of_the_vectors_has_its_digest() {
    replay(&read("orders.json").rows, 40, |row| {
        let digest = digest_of_json(row.input.as_bytes()).map_err(|error| match error {
            OrderError::NotAnAmount { .. } => "not_an_amount",
            _ => "unreadable",
        })?;
        assert_eq!(digest.to_base64url(), row.order_digest.as_deref().unwrap());
        assert_eq!(
            digest,
            Digest::of(&unhex(row.canonical_hex.as_deref().unwrap()))
        );
        Ok(())
    });
}

#[test]
fn every_token_of_the_vectors_is_judged_as_its_row_says() {
    let vectors = read("tokens.json");
    let keys = KeyRing::from_jwks(vectors.keys.unwrap().to_string().as_bytes()).unwrap();
    replay(&vectors.rows, 450, |row| {
        let expect = Expectations {
            aud: row.aud.as_deref().unwrap(),
            now_s: row.now.unwrap(),
            leeway_s: row.leeway.unwrap(),
        };
        let token = row.input.as_bytes();
        let claims = match &row.order {
            Some(order) => {
                let order = digest_of_json(order.as_bytes()).unwrap();
                verify_for_order(token, &keys, &expect, &order)
            }
            None => verify(token, &keys, &expect),
        }
        .map_err(gate_token::VerifyError::as_str)?;
        let mut canonical = Vec::new();
        claims.write_canonical(&mut canonical);
        if let Some(expected) = &row.canonical_hex {
            assert_eq!(canonical, unhex(expected), "{}", row.description);
            assert_eq!(row.key.as_deref(), Some(&*claims.kid));
            if row.form.as_deref() == Some("object") {
                let mac = keys.get(&claims.kid).unwrap().sign(&canonical);
                assert_eq!(mac.as_bytes()[..], unhex(row.mac.as_deref().unwrap()));
            }
        }
        Ok(())
    });
}

#[test]
fn every_reason_of_the_closed_set_has_rows_in_both_forms() {
    let rows = read("tokens.json").rows;
    for reason in gate_token::VerifyError::ALL {
        for form in ["object", "jws"] {
            let found = rows.iter().any(|row| {
                row.reason.as_deref() == Some(reason.as_str()) && row.form.as_deref() == Some(form)
            });
            assert!(found, "no {form} token is refused as {}", reason.as_str());
        }
    }
}
