//! What must hold of any bytes. The fuzz targets search for bytes that break a law;
//! `tests/it/corpus.rs` replays those that were interesting once.
#![allow(dead_code, reason = "each fuzz target uses one law")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gate_token::canonical::to_vec;
use gate_token::order::{canonical_amount, digest_of_json};
use gate_token::{Claims, Expectations, KeyRing, VerifyError, json, sign_into, sign_jws, verify};

const KEYS: &[u8] = br#"{"keys":[{"kty":"oct","alg":"HS256","kid":"k1","k":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}]}"#;
const EXPECT: Expectations<'static> = Expectations {
    aud: "venue-gateway",
    now_s: 1_790_000_010,
    leeway_s: 0,
};

/// A token that verifies is one that we could have made; the bytes as a signed payload are
/// judged alike in both forms, and as the canonical form of any other reader says.
pub(crate) fn token(data: &[u8]) {
    let keys = KeyRing::from_jwks(KEYS).unwrap();
    if let Ok(claims) = verify(data, &keys, &EXPECT) {
        remade(&claims, &keys);
    }
    // Nobody guesses a MAC: sign the bytes, so that what is behind it is searched as well.
    let Ok(payload) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(value) = json::parse(data) else {
        let signature = keys.active().sign(data).to_base64url();
        let token = format!(r#"{{"payload":{payload},"signature":"{signature}"}}"#);
        // The one way to good JSON here is to close the payload early and open another.
        assert!(verify(token.as_bytes(), &keys, &EXPECT).is_err());
        return;
    };
    let Ok(canonical) = to_vec(&value) else {
        return;
    };
    let signature = keys.active().sign(&canonical).to_base64url();
    let object = format!(r#"{{"payload":{payload},"signature":"{signature}"}}"#);
    let object = verify(object.as_bytes(), &keys, &EXPECT);
    let header = br#"{"alg":"HS256","kid":"k1","typ":"gate-decision+v1"}"#;
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(data)
    );
    let jws = format!("{signed}.{}", keys.active().sign(signed.as_bytes()));
    let jws = verify(jws.as_bytes(), &keys, &EXPECT);
    if value.get("kid").and_then(|kid| kid.as_str()) == Some("k1") {
        assert_eq!(object, jws);
        assert_ne!(object, Err(VerifyError::BadSignature));
    } else {
        assert!(object.is_err() && jws == Err(VerifyError::Malformed));
    }
    if let Ok(claims) = object {
        let mut ours = Vec::new();
        claims.write_canonical(&mut ours);
        assert_eq!(ours, canonical);
        remade(&claims, &keys);
    }
}

fn remade(claims: &Claims<'_>, keys: &KeyRing) {
    let mut object = Vec::new();
    sign_into(claims, keys.active(), &mut object);
    assert_eq!(verify(&object, keys, &EXPECT).as_ref(), Ok(claims));
    let jws = sign_jws(claims, keys.active());
    assert_eq!(verify(jws.as_bytes(), keys, &EXPECT).as_ref(), Ok(claims));
}

/// A key file that is taken is the same ring when it is written and read again.
pub(crate) fn keys(data: &[u8]) {
    let Ok(keys) = KeyRing::from_jwks(data) else {
        return;
    };
    let text = keys.to_jwks();
    let again = KeyRing::from_jwks(text.as_bytes()).unwrap();
    assert_eq!(again.to_jwks(), text);
    assert!(json::parse(data).is_ok());
    for (ours, theirs) in keys.iter().zip(again.iter()) {
        assert_eq!(ours.kid(), theirs.kid());
        assert_eq!(ours.sign(data), theirs.sign(data));
        assert_eq!(ours.not_after_s(), theirs.not_after_s());
    }
}

/// The canonical form says the same and is its own canonical form; an amount has one text.
pub(crate) fn canonical(data: &[u8]) {
    if let Ok(value) = json::parse(data) {
        let canonical = to_vec(&value).unwrap();
        let loose: serde_json::Value = serde_json::from_slice(&canonical).unwrap();
        // A double of 2^53 or more is written as an integer that is not taken back.
        if let Ok(again) = json::parse(&canonical) {
            assert_eq!(again, loose);
            assert_eq!(to_vec(&again).unwrap(), canonical);
        }
    }
    if let Ok(digest) = digest_of_json(data) {
        assert_eq!(digest_of_json(data.trim_ascii()).unwrap(), digest);
    }
    if let Some(amount) = std::str::from_utf8(data).ok().and_then(canonical_amount) {
        assert_eq!(canonical_amount(&amount).as_deref(), Some(amount.as_str()));
        assert!(amount.len() <= 130);
    }
}
