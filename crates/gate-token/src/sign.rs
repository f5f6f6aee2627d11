//! Signs claims into a token, in both its forms.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::claims::{ALG, Claims, TYP};
use crate::key::SigningKey;

/// Bytes that a typical token needs, so that the common case allocates once.
const ROOM: usize = 1024;

/// Appends `{"payload":{…},"signature":"…"}`, the payload in canonical form.
///
/// The payload's `kid` is the key's, whatever the claims say.
pub fn sign_into(claims: &Claims<'_>, key: &SigningKey, out: &mut Vec<u8>) {
    out.reserve(ROOM);
    out.extend_from_slice(b"{\"payload\":");
    let start = out.len();
    claims.write_payload(out, TYP, ALG, key.kid());
    let signature = key.sign(out.get(start..).unwrap_or_default());
    out.extend_from_slice(b",\"signature\":\"");
    signature.write_base64url(out);
    out.extend_from_slice(b"\"}");
}

/// The same claims as a compact JWS (RFC 7515 §7.1) with HS256; its payload is the canonical
/// form as well.
#[must_use]
pub fn sign_jws(claims: &Claims<'_>, key: &SigningKey) -> String {
    let mut payload = Vec::with_capacity(ROOM);
    claims.write_payload(&mut payload, TYP, ALG, key.kid());
    let header = key.jws_header();
    // Base64 takes 4/3 of the bytes; then come the point and the signature.
    let room = payload.len().saturating_mul(3).saturating_div(2);
    let mut text = String::with_capacity(header.len().saturating_add(room).saturating_add(64));
    text.push_str(header);
    URL_SAFE_NO_PAD.encode_string(&payload, &mut text);
    let signature = key.sign(text.as_bytes());
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(signature.as_bytes(), &mut text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KeyRing;
    use crate::claims::tests::sample;

    #[test]
    fn the_payload_names_the_key_that_signs() {
        let keys = KeyRing::generate("another").unwrap();
        let mut token = b"before ".to_vec();
        sign_into(&sample(), keys.active(), &mut token);
        let token = String::from_utf8(token).unwrap();
        assert!(
            token.starts_with("before {\"payload\":{\"alg\":\"HS256\","),
            "{token}"
        );
        assert!(token.contains("\"kid\":\"another\""), "{token}");
    }

    #[test]
    fn both_forms_carry_the_same_payload() {
        let keys = KeyRing::generate("k1").unwrap();
        let mut canonical = Vec::new();
        sample().write_canonical(&mut canonical);
        let jws = sign_jws(&sample(), keys.active());
        let payload = jws.split('.').nth(1).unwrap();
        assert_eq!(URL_SAFE_NO_PAD.decode(payload).unwrap(), canonical);
        let mut token = Vec::new();
        sign_into(&sample(), keys.active(), &mut token);
        assert!(token.windows(canonical.len()).any(|part| part == canonical));
    }
}
