//! Reads and writes a key ring as a JWK Set. A secret is never quoted, and every copy of it
//! is wiped.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use zeroize::Zeroizing;

use crate::canonical::{write_string, write_u64};
use crate::json::{MAX_SAFE_INTEGER, duplicate, reads_numbers};
use crate::key::SigningKey;
use crate::keyring::{KeyError, secret_text, shown};

/// The keys of a JWK Set, each with whether it may sign.
pub(crate) fn read(text: &[u8]) -> Result<Vec<(SigningKey, bool)>, KeyError> {
    if !reads_numbers() {
        return Err(KeyError::ArbitraryPrecision);
    }
    let read = serde_json::from_slice(text).map_err(without_values);
    let JwkSet(keys) = read.map_err(KeyError::NotAJwkSet)?;
    keys.into_iter().map(Jwk::into_key).collect()
}

/// Removes values from serde's errors: it quotes one of the wrong type, which may be a misplaced
/// secret.
fn without_values(error: serde_json::Error) -> serde_json::Error {
    let text = error.to_string();
    if text.starts_with("invalid type") || text.starts_with("invalid value") {
        let (line, column) = (error.line(), error.column());
        let what = "it must be an object with `keys`, an array of JWK objects";
        serde_json::Error::custom(format_args!("{what} (at line {line} column {column})"))
    } else {
        error
    }
}

/// The JWK Set of these keys.
pub(crate) fn write(active: &SigningKey, verify_only: &[SigningKey]) -> Zeroizing<String> {
    // Allocated whole: a text that grows leaves copies of secrets behind.
    let size = verify_only
        .iter()
        .chain([active])
        .fold(64_usize, |size, key| {
            let part = key.kid().len().saturating_mul(6);
            let secret = key.secret().len().saturating_mul(2);
            size.saturating_add(part)
                .saturating_add(secret)
                .saturating_add(192)
        });
    let mut out = Zeroizing::new(Vec::with_capacity(size));
    out.extend_from_slice(b"{\"keys\":[");
    write_key(&mut out, active, "[\"sign\",\"verify\"]");
    for key in verify_only {
        out.push(b',');
        write_key(&mut out, key, "[\"verify\"]");
    }
    out.extend_from_slice(b"\n]}\n");
    // INVARIANT: only whole strings were written.
    Zeroizing::new(String::from_utf8(std::mem::take(&mut *out)).unwrap_or_default())
}

fn write_key(out: &mut Vec<u8>, key: &SigningKey, key_ops: &str) {
    out.extend_from_slice(b"\n  {\"kty\":\"oct\",\"use\":\"sig\",\"alg\":\"HS256\",\"key_ops\":");
    out.extend_from_slice(key_ops.as_bytes());
    for (name, time) in [
        (",\"nbf\":", key.not_before_s()),
        (",\"exp\":", key.not_after_s()),
    ] {
        if let Some(time) = time {
            out.extend_from_slice(name.as_bytes());
            write_u64(out, time);
        }
    }
    out.extend_from_slice(b",\"kid\":");
    write_string(out, key.kid());
    out.extend_from_slice(b",\"k\":");
    write_string(out, &secret_text(key));
    out.push(b'}');
}

/// One key as it was read; `k` still borrows the text.
struct Jwk<'a> {
    kty: String,
    kid: String,
    k: &'a str,
    alg: Option<String>,
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    not_before_s: Option<u64>,
    not_after_s: Option<u64>,
}

impl Jwk<'_> {
    fn into_key(self) -> Result<(SigningKey, bool), KeyError> {
        let Self {
            kty,
            kid,
            k,
            alg,
            purpose,
            key_ops,
            not_before_s,
            not_after_s,
        } = self;
        if kty != "oct" {
            return Err(KeyError::WrongKty { kid, kty });
        }
        // Optional (RFC 7517 §4.4), and no other is supported.
        if let Some(alg) = alg.filter(|alg| alg != "HS256") {
            return Err(KeyError::WrongAlg { kid, alg });
        }
        if let Some(purpose) = purpose.filter(|purpose| purpose != "sig") {
            return Err(KeyError::WrongUse { kid, purpose });
        }
        let Some(signs) = may_sign(key_ops.as_deref()) else {
            return Err(KeyError::WrongKeyOps { kid });
        };
        // Decoded in one piece, so that no growing buffer leaves a copy behind.
        let mut secret = Zeroizing::new(vec![0; base64::decoded_len_estimate(k.len())]);
        match URL_SAFE_NO_PAD.decode_slice(k, &mut secret) {
            Ok(bytes) => secret.truncate(bytes),
            Err(_) => return Err(KeyError::NotBase64Url { kid }),
        }
        Ok((
            SigningKey::new(kid, secret, not_before_s, not_after_s)?,
            signs,
        ))
    }
}

/// Whether `key_ops` lets a key sign; `None` when it is not supported. Without `key_ops` a key may
/// sign and verify (RFC 7517 §4.3).
fn may_sign(key_ops: Option<&[String]>) -> Option<bool> {
    let Some(ops) = key_ops else {
        return Some(true);
    };
    let ops: Vec<&str> = ops.iter().map(String::as_str).collect();
    match ops.as_slice() {
        ["sign", "verify"] | ["verify", "sign"] => Some(true),
        ["verify"] => Some(false),
        _ => None,
    }
}

struct JwkSet<'a>(Vec<Jwk<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for JwkSet<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(JwkSetVisitor).map(JwkSet)
    }
}

struct JwkSetVisitor;

impl<'de> Visitor<'de> for JwkSetVisitor {
    type Value = Vec<Jwk<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the member `keys`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut keys = None;
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "keys" => once(&mut keys, "keys", map.next_value()?)?,
                other => return Err(unknown(other)),
            }
        }
        need(keys, "keys")
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Jwk<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(JwkVisitor)
    }
}

struct JwkVisitor;

impl<'de> Visitor<'de> for JwkVisitor {
    type Value = Jwk<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JWK object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Jwk<'de>, A::Error> {
        let (mut kty, mut kid, mut k, mut alg) = (None, None, None, None);
        let (mut purpose, mut key_ops, mut nbf, mut exp) = (None, None, None, None);
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "kty" => once(&mut kty, "kty", value(&mut map, "kty", "a string")?)?,
                "kid" => once(&mut kid, "kid", value(&mut map, "kid", "a string")?)?,
                "k" => once(&mut k, "k", secret_value(&mut map)?)?,
                "alg" => once(&mut alg, "alg", value(&mut map, "alg", "a string")?)?,
                "use" => once(&mut purpose, "use", value(&mut map, "use", "a string")?)?,
                "key_ops" => {
                    let ops = value(&mut map, "key_ops", "an array of strings")?;
                    once(&mut key_ops, "key_ops", ops)?;
                }
                "nbf" => once(&mut nbf, "nbf", time(&mut map, "nbf")?)?,
                "exp" => once(&mut exp, "exp", time(&mut map, "exp")?)?,
                // A misspelt `key_ops` would let a retired key sign.
                other => return Err(unknown(other)),
            }
        }
        Ok(Jwk {
            kty: need(kty, "kty")?,
            kid: need(kid, "kid")?,
            k: need(k, "k")?,
            alg,
            purpose,
            key_ops,
            not_before_s: nbf,
            not_after_s: exp,
        })
    }
}

/// The value of `k`, borrowed from the text. serde's own messages would quote it.
fn secret_value<'de, A: MapAccess<'de>>(map: &mut A) -> Result<&'de str, A::Error> {
    map.next_value::<&'de str>()
        .map_err(|_| A::Error::custom("member `k` must be a string without escapes"))
}

/// Any other value. serde's own messages would quote it, and it may be a misplaced secret.
fn value<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    map: &mut A,
    name: &str,
    what: &str,
) -> Result<T, A::Error> {
    map.next_value()
        .map_err(|_| A::Error::custom(format_args!("member `{name}` must be {what}")))
}

fn time<'de, A: MapAccess<'de>>(map: &mut A, name: &str) -> Result<u64, A::Error> {
    let seconds: u64 = value(map, name, "a whole number of seconds")?;
    if seconds > MAX_SAFE_INTEGER {
        return Err(A::Error::custom(format_args!(
            "member `{name}` is beyond 2^53-1"
        )));
    }
    Ok(seconds)
}

fn once<T, E: Error>(slot: &mut Option<T>, name: &str, value: T) -> Result<(), E> {
    if slot.replace(value).is_some() {
        return Err(duplicate(name));
    }
    Ok(())
}

fn need<T, E: Error>(slot: Option<T>, name: &str) -> Result<T, E> {
    slot.ok_or_else(|| E::custom(format_args!("missing member `{name}`")))
}

fn unknown<E: Error>(name: &str) -> E {
    E::custom(format_args!("unknown member `{}`", shown(name)))
}

#[cfg(test)]
mod tests {

    const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

    /// The full message of a refused set, sources included.
    fn refusal(text: &str) -> String {
        let error = crate::KeyRing::from_jwks(text.as_bytes())
            .map(|_| ())
            .unwrap_err();
        match std::error::Error::source(&error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        }
    }

    #[test]
    fn a_refusal_never_quotes_the_secret() {
        let escaped = format!("\\u0041{}", &SECRET[1..]);
        for text in [
            format!(r#"{{"keys":[{{"kty":"oct","kid":"a","alg":"HS256","k":"{escaped}"}}]}}"#),
            format!(r#"{{"keys":[{{"kty":"oct","kid":"a","alg":"HS256","k":["{SECRET}"]}}]}}"#),
            format!(r#"{{"keys":[{{"kty":"oct","kid":"a","alg":"HS256","k":"{SECRET}"#),
            format!(r#"{{"keys":[{{"kty":"oct","kid":"a","alg":"HS256","k":"{SECRET}=="}}]}}"#),
            format!(r#"{{"keys":[{{"kty":"RSA","kid":"a","alg":"HS256","k":"{SECRET}"}}]}}"#),
            // Misplaced secrets.
            format!(r#""{SECRET}""#),
            format!(r#"{{"keys":"{SECRET}"}}"#),
            format!(r#"{{"keys":["{SECRET}"]}}"#),
            format!(r#"{{"{SECRET}":[]}}"#),
            format!(r#"{{"keys":[{{"{SECRET}":"k"}}]}}"#),
            format!(r#"{{"keys":[{{"kty":"{SECRET}","kid":"a","alg":"HS256","k":"{SECRET}"}}]}}"#),
            format!(r#"{{"keys":[{{"kty":"oct","kid":"{SECRET}","alg":"HS256","k":"a"}}]}}"#),
            format!(r#"{{"keys":[{{"kty":"oct","kid":"a","alg":"{SECRET}","k":"{SECRET}"}}]}}"#),
            format!(
                r#"{{"keys":[{{"kty":"oct","kid":"a","use":"{SECRET}","alg":"HS256","k":"{SECRET}"}}]}}"#
            ),
            format!(r#"{{"keys":[{{"kty":"oct","kid":"a","key_ops":"{SECRET}"}}]}}"#),
            format!(r#"{{"keys":[{{"kty":"oct","kid":"a","exp":"{SECRET}"}}]}}"#),
            format!(
                r#"{{"keys":[{{"kty":"oct","kid":"{SECRET}","alg":"HS256","k":"{SECRET}"}},{{"kty":"oct","kid":"{SECRET}","alg":"HS256","k":"{SECRET}"}}]}}"#
            ),
        ] {
            let message = refusal(&text);
            assert!(!message.contains(&SECRET[1..8]), "{message}");
        }
    }

    #[test]
    fn a_misspelt_member_is_named() {
        let text = format!(
            r#"{{"keys":[{{"kty":"oct","kid":"a","alg":"HS256","k":"{SECRET}","key_op":["verify"]}}]}}"#
        );
        assert!(
            refusal(&text).contains("unknown member `key_op`"),
            "{}",
            refusal(&text)
        );
    }
}
