//! The claims of a token, and their canonical bytes. No keys and no parsing here.

use std::borrow::Cow;
use std::fmt;

use crate::canonical::{write_string, write_u64};
use crate::digest::{Digest, encode32};

/// The `typ` of every token of this version.
pub const TYP: &str = "gate-decision+v1";

/// The `alg` of every token of this version: HMAC-SHA256 (RFC 7518 §3.2).
pub const ALG: &str = "HS256";

/// The decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// The order may go to the venue.
    Authorized,
    /// It may not.
    Blocked,
}

impl Status {
    /// `AUTHORIZED` or `BLOCKED`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authorized => "AUTHORIZED",
            Self::Blocked => "BLOCKED",
        }
    }

    pub(crate) fn from_text(text: &str) -> Option<Self> {
        match text {
            "AUTHORIZED" => Some(Self::Authorized),
            "BLOCKED" => Some(Self::Blocked),
            _ => None,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The claims of a token. `typ` and `alg` are not fields: this version fixes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims<'a> {
    /// Which key signs. [`sign_into`](crate::sign_into) writes the name of the key it is given.
    pub kid: Cow<'a, str>,
    /// The issuer: the sidecar's name.
    pub iss: Cow<'a, str>,
    /// The audience: who is to act on the decision.
    pub aud: Cow<'a, str>,
    /// When it was decided, in seconds since 1970. At most 2⁵³ − 1, as every integer here: a
    /// larger one is written, and then refused by every verifier.
    pub iat: u64,
    /// Expiry: from then on the token is invalid, in seconds since 1970.
    pub exp: u64,
    /// The decision's own id: the trace id.
    pub jti: Cow<'a, str>,
    /// The decision's place in the sidecar's journal.
    pub seq: u64,
    /// The decision.
    pub status: Status,
    /// The reasons that the policy gave.
    pub reasons: Vec<Cow<'a, str>>,
    /// The client whose order it is.
    pub client_id: Cow<'a, str>,
    /// The client's id of the order.
    pub client_order_id: Cow<'a, str>,
    /// The digest of exactly that order: see [`order`](crate::order).
    pub order_digest: Digest,
    /// The order's notional, as decimal text.
    pub notional: Cow<'a, str>,
    /// The revision of the policy that decided.
    pub policy_revision: Cow<'a, str>,
    /// The SHA-256 of that policy, in lower-case hex.
    pub policy_hash: Cow<'a, str>,
}

impl Claims<'_> {
    /// Appends the payload in canonical form (RFC 8785), members in their order, without an
    /// allocation of its own.
    pub fn write_canonical(&self, out: &mut Vec<u8>) {
        self.write_payload(out, TYP, ALG, &self.kid);
    }

    /// The canonical payload with the given `typ`, `alg` and `kid`: what a verifier rebuilds to
    /// check the MAC before it judges them.
    pub(crate) fn write_payload(&self, out: &mut Vec<u8>, typ: &str, alg: &str, kid: &str) {
        // INVARIANT: the names are in the order of their UTF-16 code units; all are ASCII.
        text(out, b"{\"alg\":", alg);
        text(out, b",\"aud\":", &self.aud);
        text(out, b",\"client_id\":", &self.client_id);
        text(out, b",\"client_order_id\":", &self.client_order_id);
        integer(out, b",\"exp\":", self.exp);
        integer(out, b",\"iat\":", self.iat);
        text(out, b",\"iss\":", &self.iss);
        text(out, b",\"jti\":", &self.jti);
        text(out, b",\"kid\":", kid);
        text(out, b",\"notional\":", &self.notional);
        out.extend_from_slice(b",\"order_digest\":\"");
        encode32(out, self.order_digest.as_bytes());
        text(out, b"\",\"policy_hash\":", &self.policy_hash);
        text(out, b",\"policy_revision\":", &self.policy_revision);
        out.extend_from_slice(b",\"reasons\":[");
        for (index, reason) in self.reasons.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_string(out, reason);
        }
        integer(out, b"],\"seq\":", self.seq);
        text(out, b",\"status\":", self.status.as_str());
        text(out, b",\"typ\":", typ);
        out.push(b'}');
    }

    /// The same claims, owning their text.
    #[must_use]
    pub fn into_owned(self) -> Claims<'static> {
        fn own(text: Cow<'_, str>) -> Cow<'static, str> {
            Cow::Owned(text.into_owned())
        }
        Claims {
            kid: own(self.kid),
            iss: own(self.iss),
            aud: own(self.aud),
            iat: self.iat,
            exp: self.exp,
            jti: own(self.jti),
            seq: self.seq,
            status: self.status,
            reasons: self.reasons.into_iter().map(own).collect(),
            client_id: own(self.client_id),
            client_order_id: own(self.client_order_id),
            order_digest: self.order_digest,
            notional: own(self.notional),
            policy_revision: own(self.policy_revision),
            policy_hash: own(self.policy_hash),
        }
    }
}

fn text(out: &mut Vec<u8>, name: &[u8], value: &str) {
    out.extend_from_slice(name);
    write_string(out, value);
}

fn integer(out: &mut Vec<u8>, name: &[u8], value: u64) {
    out.extend_from_slice(name);
    write_u64(out, value);
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn sample() -> Claims<'static> {
        Claims {
            kid: "k1".into(),
            iss: "gate".into(),
            aud: "venue".into(),
            iat: 1_790_000_000,
            exp: 1_790_000_030,
            jti: "0198c5a0-5e3f-7000-8000-000000000001".into(),
            seq: 42,
            status: Status::Blocked,
            reasons: vec!["max_exposure".into(), "price \"collar\"\n".into()],
            client_id: "c5".into(),
            client_order_id: "o-1 \u{1f600}".into(),
            order_digest: Digest::of(b"order"),
            notional: "18550".into(),
            policy_revision: "r7".into(),
            policy_hash: "ab".repeat(32).into(),
        }
    }

    #[test]
    fn the_hand_ordered_form_is_the_canonical_form() {
        let mut out = Vec::new();
        sample().write_canonical(&mut out);
        let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(value.as_object().unwrap().len(), 17);
        assert_eq!(crate::canonical::to_vec(&value).unwrap(), out);
    }
}
