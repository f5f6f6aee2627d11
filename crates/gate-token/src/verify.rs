//! Verifies a token: checks it against the caller's expectations, in a fixed order, with a closed
//! set of reasons. No clock: the caller gives the time.

use crate::claims::{ALG, Claims, TYP};
use crate::digest::Digest;
use crate::key::{Signature, SigningKey};
use crate::keyring::KeyRing;
use crate::parse::{self, Payload};

/// The most seconds of clock difference that a verifier may allow; more is lowered to this.
pub const MAX_LEEWAY_S: u64 = 300;

/// The most bytes a token may have; more is malformed.
pub const MAX_TOKEN_BYTES: usize = 64 * 1024;

/// What the verifier expects of a token.
#[derive(Debug, Clone, Copy)]
pub struct Expectations<'a> {
    /// The verifier's own name: the token's `aud` must be exactly this.
    pub aud: &'a str,
    /// The time, in seconds since 1970.
    pub now_s: u64,
    /// How far the two clocks may be apart, in seconds, at most [`MAX_LEEWAY_S`].
    pub leeway_s: u64,
}

/// Why a token is refused. Checks run in the order of these variants, the first that fails is
/// the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum VerifyError {
    /// Not a token of this version: not strict JSON or JWS, a member missing, unknown, twice or
    /// of the wrong type, a signature that is not 32 bytes of base64url.
    #[error("the token is malformed")]
    Malformed,
    /// There is no key of that `kid`, or it is not valid at this time.
    #[error("the token names a key that is not in force")]
    UnknownKey,
    /// The MAC is not that of the payload under that key, or a JWS header names another
    /// algorithm than HS256.
    #[error("the signature does not match")]
    BadSignature,
    /// Signed, but a `typ` is not `gate-decision+v1` or the payload's `alg` is not `HS256`.
    #[error("the token is of another type or algorithm")]
    WrongType,
    /// The token is for another audience.
    #[error("the token is for another audience")]
    WrongAudience,
    /// `iat` is in the future.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `exp` is reached.
    #[error("the token has expired")]
    Expired,
    /// The token speaks for another order.
    #[error("the token is for another order")]
    WrongOrder,
}

impl VerifyError {
    /// Every reason, in the order of the checks.
    pub const ALL: [Self; 8] = [
        Self::Malformed,
        Self::UnknownKey,
        Self::BadSignature,
        Self::WrongType,
        Self::WrongAudience,
        Self::NotYetValid,
        Self::Expired,
        Self::WrongOrder,
    ];

    /// The stable code of the reason.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::UnknownKey => "unknown_key",
            Self::BadSignature => "bad_signature",
            Self::WrongType => "wrong_type",
            Self::WrongAudience => "wrong_audience",
            Self::NotYetValid => "not_yet_valid",
            Self::Expired => "expired",
            Self::WrongOrder => "wrong_order",
        }
    }
}

/// Checks a token in either form: `{"payload":…,"signature":…}` with its members in any order,
/// or a compact JWS without white space around it.
///
/// A BLOCKED decision verifies as well as an AUTHORIZED one: look at [`Claims::status`].
///
/// # Errors
/// [`VerifyError`], the first check that fails in the order of its variants.
pub fn verify(
    token: &[u8],
    keys: &KeyRing,
    expect: &Expectations<'_>,
) -> Result<Claims<'static>, VerifyError> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(VerifyError::Malformed);
    }
    match token.trim_ascii_start().first() {
        Some(b'{') => verify_object(token, keys, expect),
        _ => verify_jws(token, keys, expect),
    }
}

/// As [`verify`], and the token must be for the order of that digest: see
/// [`order`](crate::order) for how to get one.
///
/// # Errors
/// [`VerifyError`].
pub fn verify_for_order(
    token: &[u8],
    keys: &KeyRing,
    expect: &Expectations<'_>,
    order: &Digest,
) -> Result<Claims<'static>, VerifyError> {
    let claims = verify(token, keys, expect)?;
    if claims.order_digest != *order {
        return Err(VerifyError::WrongOrder);
    }
    Ok(claims)
}

fn verify_object(
    token: &[u8],
    keys: &KeyRing,
    expect: &Expectations<'_>,
) -> Result<Claims<'static>, VerifyError> {
    let token_read = parse::object_token(token).ok_or(VerifyError::Malformed)?;
    let Payload { typ, alg, claims } = token_read.payload;
    // The canonical form is rebuilt; but for escapes it is never longer than the input.
    let mut canonical = Vec::with_capacity(token.len());
    claims.write_payload(&mut canonical, &typ, &alg, &claims.kid);
    let key = key_in_force(keys, &claims.kid, expect)?;
    check_mac(key, &canonical, &token_read.signature)?;
    judge(&[&typ], &alg, claims, expect)
}

fn verify_jws(
    token: &[u8],
    keys: &KeyRing,
    expect: &Expectations<'_>,
) -> Result<Claims<'static>, VerifyError> {
    let jws = parse::jws_token(token).ok_or(VerifyError::Malformed)?;
    let Payload { typ, alg, claims } =
        parse::payload(&jws.payload).ok_or(VerifyError::Malformed)?;
    if jws.header.kid != claims.kid {
        return Err(VerifyError::Malformed);
    }
    let key = key_in_force(keys, &claims.kid, expect)?;
    // A header that names another algorithm counts as unsigned, as in every JOSE library with a
    // pinned algorithm.
    if jws.header.alg != ALG {
        return Err(VerifyError::BadSignature);
    }
    check_mac(key, jws.signing_input.as_bytes(), &jws.signature)?;
    judge(&[&jws.header.typ, &typ], &alg, claims, expect)
}

fn key_in_force<'k>(
    keys: &'k KeyRing,
    kid: &str,
    expect: &Expectations<'_>,
) -> Result<&'k SigningKey, VerifyError> {
    keys.get(kid)
        .filter(|key| key.valid_at(expect.now_s, expect.leeway_s.min(MAX_LEEWAY_S)))
        .ok_or(VerifyError::UnknownKey)
}

/// The algorithm is the key's, never the token's.
fn check_mac(key: &SigningKey, signed: &[u8], signature: &Signature) -> Result<(), VerifyError> {
    if key.verifies(signed, signature) {
        Ok(())
    } else {
        Err(VerifyError::BadSignature)
    }
}

fn judge(
    types: &[&str],
    alg: &str,
    claims: Claims<'_>,
    expect: &Expectations<'_>,
) -> Result<Claims<'static>, VerifyError> {
    let leeway_s = expect.leeway_s.min(MAX_LEEWAY_S);
    if alg != ALG || types.iter().any(|typ| *typ != TYP) {
        return Err(VerifyError::WrongType);
    }
    if claims.aud != expect.aud {
        return Err(VerifyError::WrongAudience);
    }
    if claims.iat > expect.now_s.saturating_add(leeway_s) {
        return Err(VerifyError::NotYetValid);
    }
    if expect.now_s >= claims.exp.saturating_add(leeway_s) {
        return Err(VerifyError::Expired);
    }
    Ok(claims.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::tests::sample;
    use crate::{sign_into, sign_jws};

    const EXPECT: Expectations<'static> = Expectations {
        aud: "venue",
        now_s: 1_790_000_010,
        leeway_s: 0,
    };

    fn both_forms(claims: &Claims<'_>, keys: &KeyRing) -> [Vec<u8>; 2] {
        let mut token = Vec::new();
        sign_into(claims, keys.active(), &mut token);
        [token, sign_jws(claims, keys.active()).into_bytes()]
    }

    #[test]
    fn what_is_signed_verifies_in_both_forms() {
        let keys = KeyRing::generate("k1").unwrap();
        for token in both_forms(&sample(), &keys) {
            assert_eq!(verify(&token, &keys, &EXPECT), Ok(sample()));
            let order = sample().order_digest;
            assert_eq!(
                verify_for_order(&token, &keys, &EXPECT, &order),
                Ok(sample())
            );
            let other = Digest::of(b"other");
            let moved = verify_for_order(&token, &keys, &EXPECT, &other);
            assert_eq!(moved, Err(VerifyError::WrongOrder));
        }
    }

    #[test]
    fn time_and_audience_are_checked_to_the_second() {
        let keys = KeyRing::generate("k1").unwrap();
        let (iat, exp) = (sample().iat, sample().exp);
        for (aud, now_s, leeway_s, expected) in [
            ("venue", iat, 0, None),
            ("venue", iat - 1, 0, Some(VerifyError::NotYetValid)),
            ("venue", iat - 5, 5, None),
            ("venue", iat - 6, 5, Some(VerifyError::NotYetValid)),
            ("venue", exp - 1, 0, None),
            ("venue", exp, 0, Some(VerifyError::Expired)),
            ("venue", exp + 4, 5, None),
            ("venue", exp + 5, 5, Some(VerifyError::Expired)),
            (
                "venue",
                exp + MAX_LEEWAY_S,
                u64::MAX,
                Some(VerifyError::Expired),
            ),
            ("venue2", exp, 0, Some(VerifyError::WrongAudience)),
            ("", iat, 0, Some(VerifyError::WrongAudience)),
        ] {
            for token in both_forms(&sample(), &keys) {
                let outcome = verify(
                    &token,
                    &keys,
                    &Expectations {
                        aud,
                        now_s,
                        leeway_s,
                    },
                );
                assert_eq!(outcome.err(), expected, "{aud} {now_s} {leeway_s}");
            }
        }
    }

    #[test]
    fn another_ring_or_a_key_out_of_time_is_unknown_or_wrong() {
        let keys = KeyRing::generate("k1").unwrap();
        for token in both_forms(&sample(), &keys) {
            let same_name = KeyRing::generate("k1").unwrap();
            assert_eq!(
                verify(&token, &same_name, &EXPECT),
                Err(VerifyError::BadSignature)
            );
            let other_name = KeyRing::generate("k2").unwrap();
            assert_eq!(
                verify(&token, &other_name, &EXPECT),
                Err(VerifyError::UnknownKey)
            );
            let mut rotated = keys.clone();
            rotated.rotate("k2", EXPECT.now_s - 10, 10).unwrap();
            assert_eq!(
                verify(&token, &rotated, &EXPECT),
                Err(VerifyError::UnknownKey)
            );
            let mut rotated = keys.clone();
            rotated.rotate("k2", EXPECT.now_s - 10, 11).unwrap();
            assert_eq!(verify(&token, &rotated, &EXPECT), Ok(sample()));
        }
    }

    #[test]
    fn no_byte_of_a_token_can_be_changed() {
        let keys = KeyRing::generate("k1").unwrap();
        for token in both_forms(&sample(), &keys) {
            for at in 0..token.len() {
                for bit in 0..8 {
                    let mut broken = token.clone();
                    broken[at] ^= 1 << bit;
                    let outcome = verify(&broken, &keys, &EXPECT);
                    assert!(outcome.is_err(), "byte {at} bit {bit} of {}", token.len());
                }
                assert!(verify(&token[..at], &keys, &EXPECT).is_err(), "cut at {at}");
            }
        }
    }

    #[test]
    fn an_array_in_place_of_an_object_is_malformed() {
        let keys = KeyRing::generate("k1").unwrap();
        let signature = keys.active().sign(b"x").to_base64url();
        for token in [
            format!(r#"[{{}},"{signature}"]"#),
            format!(r#"{{"payload":[],"signature":"{signature}"}}"#),
            String::new(),
            "{".into(),
            "..".into(),
        ] {
            assert_eq!(
                verify(token.as_bytes(), &keys, &EXPECT),
                Err(VerifyError::Malformed)
            );
        }
    }

    #[test]
    fn codes_are_distinct_and_snake_case() {
        let codes: std::collections::BTreeSet<_> = VerifyError::ALL
            .iter()
            .map(|error| error.as_str())
            .collect();
        assert_eq!(codes.len(), VerifyError::ALL.len());
        assert!(
            codes
                .iter()
                .all(|code| code.bytes().all(|b| b == b'_' || b.is_ascii_lowercase()))
        );
    }
}
