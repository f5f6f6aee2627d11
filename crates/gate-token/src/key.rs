//! One HMAC key: signs, verifies, and never shows its secret.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use zeroize::Zeroizing;

use crate::canonical::write_string;
use crate::claims::{ALG, TYP};
use crate::digest::{decode32, encode32};
use crate::keyring::KeyError;

/// The least bytes of a secret for HS256 (RFC 7518 §3.2).
pub const MIN_SECRET_BYTES: usize = 32;

/// An HMAC-SHA256 of 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; 32]);

impl Signature {
    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The base64url text: 43 ASCII characters, no padding.
    #[must_use]
    pub fn to_base64url(self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Reads the one spelling that [`Signature::to_base64url`] gives.
    pub(crate) fn from_base64url(text: &str) -> Option<Self> {
        decode32(text).map(Self)
    }

    pub(crate) fn write_base64url(self, out: &mut Vec<u8>) {
        encode32(out, &self.0);
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_base64url())
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One key of a [`KeyRing`](crate::KeyRing).
///
/// A verify-only key can still [`sign`](SigningKey::sign): a repeated order gets the token it got
/// first, byte for byte, though the key has been rotated since. New decisions are signed by
/// [`KeyRing::active`](crate::KeyRing::active) alone.
///
/// The secret is wiped from memory on drop. What ring derives from it (two SHA-256 states) lives
/// in ring's own type, which does not wipe itself.
#[derive(Clone)]
pub struct SigningKey {
    kid: String,
    not_before_s: Option<u64>,
    not_after_s: Option<u64>,
    secret: Zeroizing<Vec<u8>>,
    mac: hmac::Key,
    /// The JWS protected header in base64url, with the point after it.
    jws_header: String,
}

impl SigningKey {
    /// INVARIANT: no key has an empty name, a short secret, or an empty validity period.
    pub(crate) fn new(
        kid: String,
        secret: Zeroizing<Vec<u8>>,
        not_before_s: Option<u64>,
        not_after_s: Option<u64>,
    ) -> Result<Self, KeyError> {
        if kid.is_empty() {
            return Err(KeyError::EmptyKid);
        }
        if secret.len() < MIN_SECRET_BYTES {
            return Err(KeyError::TooShort {
                bytes: secret.len(),
                kid,
            });
        }
        if let (Some(start), Some(end)) = (not_before_s, not_after_s)
            && start >= end
        {
            return Err(KeyError::NeverValid { kid });
        }
        let mut header = Vec::with_capacity(64);
        header.extend_from_slice(b"{\"alg\":");
        write_string(&mut header, ALG);
        header.extend_from_slice(b",\"kid\":");
        write_string(&mut header, &kid);
        header.extend_from_slice(b",\"typ\":");
        write_string(&mut header, TYP);
        header.push(b'}');
        let mut jws_header = URL_SAFE_NO_PAD.encode(header);
        jws_header.push('.');
        Ok(Self {
            mac: hmac::Key::new(hmac::HMAC_SHA256, &secret),
            kid,
            not_before_s,
            not_after_s,
            secret,
            jws_header,
        })
    }

    /// The key's name.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Before this time (seconds since 1970) the key counts as unknown.
    #[must_use]
    pub const fn not_before_s(&self) -> Option<u64> {
        self.not_before_s
    }

    /// From this time on (seconds since 1970) the key counts as unknown.
    #[must_use]
    pub const fn not_after_s(&self) -> Option<u64> {
        self.not_after_s
    }

    /// Whether `now_s` is in the key's validity period, give or take `leeway_s` seconds.
    #[must_use]
    pub fn valid_at(&self, now_s: u64, leeway_s: u64) -> bool {
        let begun = self
            .not_before_s
            .is_none_or(|start| start <= now_s.saturating_add(leeway_s));
        let open = self
            .not_after_s
            .is_none_or(|end| now_s < end.saturating_add(leeway_s));
        begun && open
    }

    /// The MAC of `payload`.
    #[must_use]
    pub fn sign(&self, payload: &[u8]) -> Signature {
        let tag = hmac::sign(&self.mac, payload);
        // INVARIANT: HMAC-SHA256 has 32 bytes.
        Signature(tag.as_ref().try_into().unwrap_or([0; 32]))
    }

    /// Whether `signature` is the MAC of `payload`, in time that does not depend on where they
    /// differ.
    #[must_use]
    pub fn verifies(&self, payload: &[u8], signature: &Signature) -> bool {
        hmac::verify(&self.mac, payload, signature.as_bytes()).is_ok()
    }

    pub(crate) fn secret(&self) -> &[u8] {
        &self.secret
    }

    pub(crate) fn jws_header(&self) -> &str {
        &self.jws_header
    }

    pub(crate) fn retire(&mut self, not_after_s: u64) {
        let sooner = self
            .not_after_s
            .map_or(not_after_s, |end| end.min(not_after_s));
        self.not_after_s = Some(sooner);
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &self.kid)
            .field("not_before_s", &self.not_before_s)
            .field("not_after_s", &self.not_after_s)
            .field("secret", &"[redacted]")
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(not_before_s: Option<u64>, not_after_s: Option<u64>) -> Result<SigningKey, KeyError> {
        let secret = Zeroizing::new(vec![0xa7; 32]);
        SigningKey::new("k1".into(), secret, not_before_s, not_after_s)
    }

    #[test]
    fn debug_shows_no_secret() {
        let text = format!("{:?}", key(None, Some(9)).unwrap());
        assert!(text.contains("k1") && text.contains("[redacted]"), "{text}");
        assert!(
            !text.contains("167") && !text.to_lowercase().contains("a7"),
            "{text}"
        );
    }

    #[test]
    fn a_key_is_valid_from_its_first_second_to_before_its_last() {
        let key = key(Some(100), Some(200)).unwrap();
        for (now_s, leeway_s, valid) in [
            (99, 0, false),
            (99, 1, true),
            (100, 0, true),
            (199, 0, true),
            (200, 0, false),
            (204, 5, true),
            (205, 5, false),
        ] {
            assert_eq!(key.valid_at(now_s, leeway_s), valid, "{now_s} ± {leeway_s}");
        }
    }

    #[test]
    fn a_signature_has_one_text() {
        let signature = key(None, None).unwrap().sign(b"payload");
        let text = signature.to_base64url();
        assert_eq!(Signature::from_base64url(&text), Some(signature));
        assert_eq!(Signature::from_base64url(&format!("{text}=")), None);
    }
}
