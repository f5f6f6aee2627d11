//! OPA's bundle signatures: one JWT over the hash of every file, verified with a configured key.
//!
//! The algorithm comes from the key, never from the token. A signed bundle without a key and an
//! unsigned bundle with one are both refused.

mod hashing;
mod key;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

pub use key::VerificationKey;

use super::BundleError;
use super::files::{Files, Kind};

pub(super) const FILE: &str = ".signatures.json";

/// Why a bundle's signature does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The bundle is signed and no key is configured to verify it.
    #[error("the bundle is signed and no key is configured")]
    NoKey,
    /// A key is configured and the bundle is not signed.
    #[error("a key is configured and the bundle is not signed")]
    Unsigned,
    /// `.signatures.json` is not one JWT.
    #[error("`{FILE}` does not hold exactly one JWT")]
    Malformed,
    /// The token names another algorithm than the key's.
    #[error("the token's algorithm is not the key's")]
    Algorithm,
    /// The token's signature is not the key's.
    #[error("the signature is not by the configured key")]
    Mismatch,
    /// The token names another key than the configured one, or none.
    #[error("the token is by the key `{0}`, not by the configured `{1}`")]
    KeyId(String, String),
    /// The token is for another scope.
    #[error("the token's scope is not the configured one")]
    Scope,
    /// A file is hashed with an algorithm that is not supported.
    #[error("`{0}` is hashed with an unsupported algorithm")]
    HashAlgorithm(String),
    /// A file's content is not what was signed.
    #[error("`{0}` is not what was signed")]
    Content(String),
    /// A file of the bundle is not in the signature.
    #[error("`{0}` is not signed")]
    NotSigned(String),
    /// A signed file is not in the bundle.
    #[error("`{0}` is signed and missing")]
    Missing(String),
    /// A configured key cannot be used.
    #[error("the key cannot be used: {0}")]
    Key(&'static str),
}

#[derive(Deserialize)]
struct Signatures {
    signatures: Vec<String>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: String,
}

#[derive(Deserialize)]
struct Payload {
    files: Vec<SignedFile>,
    #[serde(default)]
    scope: String,
    /// Where OPA names the key when the header does not; the name is deprecated there.
    #[serde(default)]
    keyid: String,
}

#[derive(Deserialize)]
struct SignedFile {
    name: String,
    hash: String,
    /// OPA requires it; without one, the hash is by an algorithm that is not supported.
    #[serde(default)]
    algorithm: String,
}

pub(super) fn check(files: &Files, key: Option<&VerificationKey>) -> Result<(), BundleError> {
    match (files.get(FILE), key) {
        (None, None) => Ok(()),
        (Some(_), None) => Err(SignatureError::NoKey.into()),
        (None, Some(_)) => Err(SignatureError::Unsigned.into()),
        (Some(signatures), Some(key)) => Ok(verify(files, signatures, key)?),
    }
}

fn verify(files: &Files, signatures: &[u8], key: &VerificationKey) -> Result<(), SignatureError> {
    let payload = payload(signatures, key)?;
    if payload.scope != key.scope() {
        return Err(SignatureError::Scope);
    }
    let mut signed = BTreeMap::new();
    for file in payload.files {
        let name = file.name.trim_start_matches('/').to_owned();
        if signed.insert(name, (file.hash, file.algorithm)).is_some() {
            return Err(SignatureError::Malformed);
        }
    }
    for (path, content) in files.all() {
        if Kind::of(path) == Some(Kind::Signatures) {
            continue;
        }
        let Some((hash, algorithm)) = signed.remove(path) else {
            return Err(SignatureError::NotSigned(path.to_owned()));
        };
        is_signed(path, content, &hash, &algorithm)?;
    }
    // `opa sign` signs whatever lies there, a README as well.
    for (path, (hash, algorithm)) in signed {
        let content = files.other(&path);
        let content = content.ok_or_else(|| SignatureError::Missing(path.clone()))?;
        is_signed(&path, content, &hash, &algorithm)?;
    }
    Ok(())
}

fn is_signed(
    path: &str,
    content: &[u8],
    hash: &str,
    algorithm: &str,
) -> Result<(), SignatureError> {
    let actual = hashing::hash(path, content, algorithm)?;
    if actual == hash.to_ascii_lowercase() {
        Ok(())
    } else {
        Err(SignatureError::Content(path.to_owned()))
    }
}

/// The verified payload of the one token.
fn payload(signatures: &[u8], key: &VerificationKey) -> Result<Payload, SignatureError> {
    let malformed = |_| SignatureError::Malformed;
    let signatures: Signatures = serde_json::from_slice(signatures).map_err(malformed)?;
    let [token] = signatures.signatures.as_slice() else {
        return Err(SignatureError::Malformed);
    };
    let Some((signed, signature)) = token.rsplit_once('.') else {
        return Err(SignatureError::Malformed);
    };
    let Some((header, payload)) = signed.split_once('.') else {
        return Err(SignatureError::Malformed);
    };
    let decode = |part: &str| {
        URL_SAFE_NO_PAD
            .decode(part)
            .map_err(|_| SignatureError::Malformed)
    };
    let header: Header =
        serde_json::from_slice(&decode(header)?).map_err(|_| SignatureError::Malformed)?;
    if header.alg != key.algorithm() {
        return Err(SignatureError::Algorithm);
    }
    let claims = decode(payload)?;
    let payload = || serde_json::from_slice(&claims).map_err(|_| SignatureError::Malformed);
    if let Some(configured) = key.id() {
        // Checked before the signature, to tell a rotated key from a wrong one.
        let named = match header.kid {
            kid if kid.is_empty() => payload().map(|claims: Payload| claims.keyid)?,
            kid => kid,
        };
        if named != configured {
            // Not verified yet: truncated before it is shown.
            let named = named.chars().filter(|c| !c.is_control()).take(64).collect();
            return Err(SignatureError::KeyId(named, configured.to_owned()));
        }
    }
    key.verify(signed.as_bytes(), &decode(signature)?)?;
    payload()
}

#[cfg(test)]
mod tests;
