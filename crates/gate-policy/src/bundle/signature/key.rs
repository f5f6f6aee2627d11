//! The key a bundle's signature is verified with. Public keys are PEM (SubjectPublicKeyInfo).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::{hmac, signature};

use super::SignatureError;

/// RFC 7518 §3.2: an HS256 key is at least as long as the hash.
const MIN_SECRET_BYTES: usize = 32;

/// The key that a bundle's signature is verified with, and its algorithm.
#[derive(Clone)]
pub struct VerificationKey {
    key: Key,
    id: Option<String>,
    scope: String,
}

#[derive(Clone)]
enum Key {
    Hs256(hmac::Key),
    /// PKCS #1 `RSAPublicKey`.
    Rs256(Vec<u8>),
    /// The uncompressed point.
    Es256(Vec<u8>),
}

impl VerificationKey {
    /// HMAC-SHA256 with a secret of at least 32 bytes.
    ///
    /// # Errors
    /// [`SignatureError::Key`] for a shorter secret.
    pub fn hs256(secret: &[u8]) -> Result<Self, SignatureError> {
        if secret.len() < MIN_SECRET_BYTES {
            return Err(SignatureError::Key("an HS256 secret has at least 32 bytes"));
        }
        Ok(Self::new(Key::Hs256(hmac::Key::new(
            hmac::HMAC_SHA256,
            secret,
        ))))
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256; a public key of 2048 to 8192 bits.
    ///
    /// # Errors
    /// [`SignatureError::Key`] when the text is no RSA public key in PEM.
    pub fn rs256_pem(pem: &str) -> Result<Self, SignatureError> {
        const OID: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
        Ok(Self::new(Key::Rs256(public_key(pem, &[OID])?)))
    }

    /// ECDSA on P-256 with SHA-256.
    ///
    /// # Errors
    /// [`SignatureError::Key`] when the text is no P-256 public key in PEM.
    pub fn es256_pem(pem: &str) -> Result<Self, SignatureError> {
        const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
        const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
        Ok(Self::new(Key::Es256(public_key(pem, &[EC, P256])?)))
    }

    /// The same key, for tokens with this `scope` only. Without, a token must have none.
    #[must_use]
    pub fn with_scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = scope.into();
        self
    }

    /// The same key under a name: a token that names another key, or none, is refused. Without a
    /// name, the token's is ignored.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// The JWS name of the algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> &'static str {
        match self.key {
            Key::Hs256(_) => "HS256",
            Key::Rs256(_) => "RS256",
            Key::Es256(_) => "ES256",
        }
    }

    pub(super) fn scope(&self) -> &str {
        &self.scope
    }

    pub(super) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    pub(super) fn verify(&self, message: &[u8], mac: &[u8]) -> Result<(), SignatureError> {
        let public = |algorithm: &'static dyn signature::VerificationAlgorithm, key: &[u8]| {
            signature::UnparsedPublicKey::new(algorithm, key).verify(message, mac)
        };
        match &self.key {
            Key::Hs256(key) => hmac::verify(key, message, mac),
            Key::Rs256(key) => public(&signature::RSA_PKCS1_2048_8192_SHA256, key),
            Key::Es256(key) => public(&signature::ECDSA_P256_SHA256_FIXED, key),
        }
        .map_err(|_| SignatureError::Mismatch)
    }

    const fn new(key: Key) -> Self {
        let scope = String::new();
        let id = None;
        Self { key, id, scope }
    }
}

/// Shows the algorithm, never the key.
impl fmt::Debug for VerificationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerificationKey")
            .field("algorithm", &self.algorithm())
            .field("id", &self.id)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

/// The key bits of a PEM `PUBLIC KEY` whose algorithm names are exactly `names` (X.509
/// SubjectPublicKeyInfo: SEQUENCE { SEQUENCE { OID, parameters }, BIT STRING }).
fn public_key(pem: &str, names: &[&[u8]]) -> Result<Vec<u8>, SignatureError> {
    const PROBLEM: SignatureError = SignatureError::Key("not a PEM public key of this algorithm");
    let inner = pem
        .trim()
        .strip_prefix("-----BEGIN PUBLIC KEY-----")
        .and_then(|rest| rest.strip_suffix("-----END PUBLIC KEY-----"))
        .ok_or(PROBLEM)?;
    let base64: String = inner.chars().filter(|c| !c.is_whitespace()).collect();
    let der = STANDARD.decode(base64).map_err(|_| PROBLEM)?;
    let (info, rest) = element(&der, SEQUENCE).ok_or(PROBLEM)?;
    let (mut algorithm, bits) = element(info, SEQUENCE).ok_or(PROBLEM)?;
    for name in names {
        let (found, after) = element(algorithm, OID).ok_or(PROBLEM)?;
        if found != *name {
            return Err(PROBLEM);
        }
        algorithm = after;
    }
    match element(bits, BIT_STRING) {
        // No unused bits.
        Some(([0, key @ ..], [])) if rest.is_empty() => Ok(key.to_vec()),
        _ => Err(PROBLEM),
    }
}

const SEQUENCE: u8 = 0x30;
const OID: u8 = 0x06;
const BIT_STRING: u8 = 0x03;

/// One DER element of the given tag: its content, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match *first {
        short @ 0..=0x7f => (usize::from(short), rest),
        0x81 => rest
            .split_first()
            .map(|(a, rest)| (usize::from(*a), rest))?,
        0x82 => {
            let (bytes, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*bytes)), rest)
        }
        _ => return None,
    };
    if *found != tag {
        return None;
    }
    rest.split_at_checked(length)
}
