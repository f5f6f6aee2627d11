//! A SHA-256 digest and its base64url text.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Characters of 32 bytes in base64url without padding.
pub(crate) const TEXT_BYTES: usize = 43;

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

/// The text is not 43 characters of base64url that encode 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the base64url text of 32 bytes")]
pub struct DigestError;

impl Digest {
    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
        // INVARIANT: SHA-256 has 32 bytes.
        Self(digest.as_ref().try_into().unwrap_or([0; 32]))
    }

    /// A digest that was computed elsewhere.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

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

    /// Reads the base64url text, only in the spelling that [`Digest::to_base64url`] gives.
    ///
    /// # Errors
    /// [`DigestError`].
    pub fn from_base64url(text: &str) -> Result<Self, DigestError> {
        decode32(text).map(Self).ok_or(DigestError)
    }
}

/// Appends the base64url text, 43 characters.
pub(crate) fn encode32(out: &mut Vec<u8>, bytes: &[u8; 32]) {
    let mut text = [b'A'; TEXT_BYTES];
    // INVARIANT: 43 bytes are exactly what 32 need, so this cannot fail.
    let written = URL_SAFE_NO_PAD.encode_slice(bytes, &mut text);
    debug_assert_eq!(written, Ok(TEXT_BYTES));
    out.extend_from_slice(&text);
}

/// 32 bytes from their one spelling; the engine refuses padding and stray trailing bits.
pub(crate) fn decode32(text: &str) -> Option<[u8; 32]> {
    if text.len() != TEXT_BYTES {
        return None;
    }
    let mut bytes = [0; 32];
    match URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
        Ok(32) => Some(bytes),
        _ => None,
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_base64url())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_digest_is_the_known_one() {
        let text = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
        assert_eq!(Digest::of(b"").to_base64url(), text);
        assert_eq!(Digest::from_base64url(text), Ok(Digest::of(b"")));
        let mut out = Vec::new();
        encode32(&mut out, Digest::of(b"").as_bytes());
        assert_eq!(out, text.as_bytes());
    }

    #[test]
    fn only_one_spelling_is_read() {
        for text in [
            "",
            "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuF",
            "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFV",
            "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=",
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
            "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFUA",
        ] {
            assert_eq!(Digest::from_base64url(text), Err(DigestError), "`{text}`");
        }
    }
}
