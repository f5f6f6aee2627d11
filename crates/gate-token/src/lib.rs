//! Decision tokens: canonical claims, HMAC-SHA256, the key ring, verification.
//!
//! A token is a flat JSON object of claims and a MAC over its canonical form (RFC 8785), so any
//! language that can sort members and call HMAC-SHA256 can check one. The same claims also go
//! out as a compact JWS for services that have a JOSE library. `docs/token.md` is the format;
//! `test-vectors/` holds every rule as data.
//!
//! There is no clock here: times come in as arguments. No file is touched outside [`keyfile`],
//! and the only other thing taken from the operating system is the randomness of a new key.
//!
//! ```
//! use gate_token::{Claims, Digest, Expectations, KeyRing, Status, VerifyError};
//!
//! let keys = KeyRing::generate("2026-a")?;
//! let claims = Claims {
//!     kid: "2026-a".into(),
//!     iss: "gate".into(),
//!     aud: "venue-gateway".into(),
//!     iat: 1_790_000_000,
//!     exp: 1_790_000_030,
//!     jti: "0198c5a0-5e3f-7000-8000-000000000001".into(),
//!     seq: 1,
//!     status: Status::Authorized,
//!     reasons: Vec::new(),
//!     client_id: "c5".into(),
//!     client_order_id: "o-1".into(),
//!     order_digest: gate_token::order::digest_of_json(
//!         br#"{"client_order_id":"o-1","symbol":"AAPL","side":"BUY","qty":100,"price":185.50}"#,
//!     )?,
//!     notional: "18550".into(),
//!     policy_revision: "r7".into(),
//!     policy_hash: "00".repeat(32).into(),
//! };
//!
//! let mut token = Vec::new();
//! gate_token::sign_into(&claims, keys.active(), &mut token);
//!
//! let expect = Expectations { aud: "venue-gateway", now_s: 1_790_000_010, leeway_s: 2 };
//! assert_eq!(gate_token::verify(&token, &keys, &expect)?, claims);
//!
//! // The same claims for a JOSE library; `verify` takes either form.
//! let jws = gate_token::sign_jws(&claims, keys.active());
//! assert_eq!(gate_token::verify(jws.as_bytes(), &keys, &expect)?, claims);
//!
//! // A token speaks for one order only.
//! let other = Digest::of(b"another order");
//! let moved = gate_token::verify_for_order(&token, &keys, &expect, &other);
//! assert_eq!(moved, Err(VerifyError::WrongOrder));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![warn(
    clippy::float_arithmetic,
    clippy::arithmetic_side_effects,
    clippy::as_conversions
)]

pub mod canonical;
mod claims;
mod digest;
pub mod json;
mod jwks;
mod key;
pub mod keyfile;
mod keyring;
pub mod order;
mod parse;
mod sign;
mod verify;

pub use canonical::CanonicalError;
pub use claims::{ALG, Claims, Status, TYP};
pub use digest::{Digest, DigestError};
pub use key::{MIN_SECRET_BYTES, Signature, SigningKey};
pub use keyfile::{KeyFile, KeyFileError};
pub use keyring::{KeyError, KeyRing};
pub use sign::{sign_into, sign_jws};
pub use verify::{
    Expectations, MAX_LEEWAY_S, MAX_TOKEN_BYTES, VerifyError, verify, verify_for_order,
};
