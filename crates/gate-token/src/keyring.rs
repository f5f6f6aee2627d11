//! The keys in force: one signs, the others verify what was signed before. No files here.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom as _, SystemRandom};
use std::borrow::Cow;
use zeroize::Zeroizing;

use crate::json::reads_numbers;
use crate::jwks;
use crate::key::{MIN_SECRET_BYTES, SigningKey};

/// Why a key ring was refused, or not changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Not JSON, or not the shape of a JWK Set. The source never quotes a secret.
    #[error("not a JWK Set")]
    NotAJwkSet(#[source] serde_json::Error),
    /// Another crate of the build has switched on a feature that changes how numbers are read.
    #[error("serde_json is built with `arbitrary_precision`, with which no digest would be right")]
    ArbitraryPrecision,
    /// A set without a key.
    #[error("the JWK Set has no key")]
    NoKey,
    /// A key without a name.
    #[error("a key has an empty `kid`")]
    EmptyKid,
    /// Two keys of one name.
    #[error("two keys have the kid `{}`", shown(kid))]
    DuplicateKid {
        /// The name.
        kid: String,
    },
    /// The key to activate is active already.
    #[error("`{}` is the active key already", shown(kid))]
    AlreadyActive {
        /// Its name.
        kid: String,
    },
    /// The key to activate has ended: nothing could be signed with it.
    #[error("key `{}` has ended", shown(kid))]
    Ended {
        /// Its name.
        kid: String,
    },
    /// `kty` other than `oct`.
    #[error("key `{}`: kty is `{}`, must be `oct`", shown(kid), shown(kty))]
    WrongKty {
        /// Which key.
        kid: String,
        /// What it says.
        kty: String,
    },
    /// `alg` other than `HS256`.
    #[error("key `{}`: alg is `{}`, must be `HS256`", shown(kid), shown(alg))]
    WrongAlg {
        /// Which key.
        kid: String,
        /// What it says.
        alg: String,
    },
    /// `use` other than `sig`.
    #[error("key `{}`: use is `{}`, must be `sig`", shown(kid), shown(purpose))]
    WrongUse {
        /// Which key.
        kid: String,
        /// What it says.
        purpose: String,
    },
    /// `key_ops` neither `["sign","verify"]` nor `["verify"]`.
    #[error(
        "key `{}`: key_ops must be sign and verify, or verify alone",
        shown(kid)
    )]
    WrongKeyOps {
        /// Which key.
        kid: String,
    },
    /// `k` is not base64url without padding.
    #[error("key `{}`: k is not base64url without padding", shown(kid))]
    NotBase64Url {
        /// Which key.
        kid: String,
    },
    /// A secret that RFC 7518 §3.2 forbids for HS256.
    #[error(
        "key `{}`: secret has {bytes} bytes, needs at least {MIN_SECRET_BYTES}",
        shown(kid)
    )]
    TooShort {
        /// Which key.
        kid: String,
        /// How long it is.
        bytes: usize,
    },
    /// `nbf` is not before `exp`.
    #[error("key `{}`: nbf is not before exp", shown(kid))]
    NeverValid {
        /// Which key.
        kid: String,
    },
    /// Every key is verify-only.
    #[error("no key may sign: one needs `sign` among its key_ops")]
    NoActiveKey,
    /// More than one key may sign.
    #[error(
        "both `{}` and `{}` may sign: give all but one the key_ops [\"verify\"]",
        shown(first),
        shown(second)
    )]
    TwoActiveKeys {
        /// One of them.
        first: String,
        /// The other.
        second: String,
    },
    /// The operating system gave no randomness.
    #[error("no randomness for a new key")]
    NoRandomness,
}

/// The longest text from a key file that an error quotes, in bytes.
const MAX_SHOWN_BYTES: usize = 24;

/// A text from a key file as an error may quote it: one that is long enough may be a misplaced
/// secret, and is not shown.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_SHOWN_BYTES {
        text.into()
    } else {
        format!("({} bytes)", text.len()).into()
    }
}

impl KeyError {
    /// The stable code of the reason.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::NotAJwkSet(_) => "not_a_jwk_set",
            Self::ArbitraryPrecision => "arbitrary_precision",
            Self::NoKey => "no_key",
            Self::EmptyKid => "empty_kid",
            Self::DuplicateKid { .. } => "duplicate_kid",
            Self::AlreadyActive { .. } => "already_active",
            Self::Ended { .. } => "ended",
            Self::WrongKty { .. } => "wrong_kty",
            Self::WrongAlg { .. } => "wrong_alg",
            Self::WrongUse { .. } => "wrong_use",
            Self::WrongKeyOps { .. } => "wrong_key_ops",
            Self::NotBase64Url { .. } => "not_base64url",
            Self::TooShort { .. } => "too_short",
            Self::NeverValid { .. } => "never_valid",
            Self::NoActiveKey => "no_active_key",
            Self::TwoActiveKeys { .. } => "two_active_keys",
            Self::NoRandomness => "no_randomness",
        }
    }
}

/// The keys in force.
///
/// ```
/// let mut keys = gate_token::KeyRing::generate("2026-a")?;
/// keys.rotate("2026-b", 1_790_000_000, 86_400)?;
/// assert_eq!(keys.active().kid(), "2026-b");
/// assert!(keys.get("2026-a").is_some());
/// # Ok::<(), gate_token::KeyError>(())
/// ```
#[derive(Debug, Clone)]
pub struct KeyRing {
    // INVARIANT: no two keys have one kid.
    active: SigningKey,
    verify_only: Vec<SigningKey>,
}

impl KeyRing {
    /// Reads a JWK Set (RFC 7517 §5); `docs/token.md` gives its members.
    ///
    /// # Errors
    /// [`KeyError`]: the whole set is refused when one key of it is wrong.
    pub fn from_jwks(text: &[u8]) -> Result<Self, KeyError> {
        let mut active: Option<SigningKey> = None;
        let mut verify_only: Vec<SigningKey> = Vec::new();
        for (key, signs) in jwks::read(text)? {
            let known = verify_only.iter().chain(&active);
            if known.into_iter().any(|other| other.kid() == key.kid()) {
                return Err(KeyError::DuplicateKid {
                    kid: key.kid().into(),
                });
            }
            match (signs, &active) {
                (false, _) => verify_only.push(key),
                (true, None) => active = Some(key),
                (true, Some(first)) => {
                    return Err(KeyError::TwoActiveKeys {
                        first: first.kid().into(),
                        second: key.kid().into(),
                    });
                }
            }
        }
        match active {
            Some(active) => Ok(Self {
                active,
                verify_only,
            }),
            None if verify_only.is_empty() => Err(KeyError::NoKey),
            None => Err(KeyError::NoActiveKey),
        }
    }

    /// A ring of one new key, with a secret of 32 random bytes.
    ///
    /// # Errors
    /// [`KeyError::EmptyKid`], [`KeyError::NoRandomness`].
    pub fn generate(kid: &str) -> Result<Self, KeyError> {
        Ok(Self {
            active: new_key(kid)?,
            verify_only: Vec::new(),
        })
    }

    /// The key that signs.
    #[must_use]
    pub const fn active(&self) -> &SigningKey {
        &self.active
    }

    /// The key of that name, active or not, expired or not.
    #[must_use]
    pub fn get(&self, kid: &str) -> Option<&SigningKey> {
        self.iter().find(|key| key.kid() == kid)
    }

    /// The first key of `other` that has the name of one of these and another secret. What one of
    /// the two signed is a forgery to the other.
    #[must_use]
    pub fn renamed<'k>(&self, other: &'k Self) -> Option<&'k SigningKey> {
        let differs = |key: &&SigningKey| {
            let known = self.get(key.kid());
            known.is_some_and(|known| known.sign(b"") != key.sign(b""))
        };
        other.iter().find(differs)
    }

    /// All keys, the active one first.
    pub fn iter(&self) -> impl Iterator<Item = &SigningKey> {
        std::iter::once(&self.active).chain(&self.verify_only)
    }

    /// Adds a new verify-only key. Give this ring to all verifiers before you
    /// [`rotate`](KeyRing::rotate) to that name; then no verifier meets a token whose key it lacks.
    ///
    /// # Errors
    /// [`KeyError::DuplicateKid`], [`KeyError::EmptyKid`], [`KeyError::NoRandomness`].
    pub fn stage(&mut self, kid: &str) -> Result<(), KeyError> {
        if self.get(kid).is_some() {
            return Err(KeyError::DuplicateKid { kid: kid.into() });
        }
        self.verify_only.push(new_key(kid)?);
        Ok(())
    }

    /// Makes `kid` the active key: a staged one if there is one of that name, else a new one. The
    /// previous one verifies until `now_s + keep_s` at most, which must outlast its last token.
    /// Keys that have expired at `now_s` are dropped.
    ///
    /// # Errors
    /// [`KeyError::AlreadyActive`], [`KeyError::Ended`], [`KeyError::EmptyKid`], [`KeyError::NoRandomness`].
    pub fn rotate(&mut self, kid: &str, now_s: u64, keep_s: u64) -> Result<(), KeyError> {
        if self.active.kid() == kid {
            return Err(KeyError::AlreadyActive { kid: kid.into() });
        }
        let has_ended = |key: &SigningKey| key.not_after_s().is_some_and(|end| end <= now_s);
        let staged = self.verify_only.iter().position(|key| key.kid() == kid);
        let next = match staged {
            Some(_) if self.get(kid).is_some_and(has_ended) => {
                return Err(KeyError::Ended { kid: kid.into() });
            }
            Some(at) => self.verify_only.remove(at),
            None => new_key(kid)?,
        };
        let mut last = std::mem::replace(&mut self.active, next);
        last.retire(now_s.saturating_add(keep_s));
        self.verify_only.insert(0, last);
        self.verify_only.retain(|key| !has_ended(key));
        Ok(())
    }

    /// The ring as a JWK Set, secrets included: for the key file only.
    #[must_use]
    pub fn to_jwks(&self) -> Zeroizing<String> {
        jwks::write(&self.active, &self.verify_only)
    }
}

fn new_key(kid: &str) -> Result<SigningKey, KeyError> {
    if !reads_numbers() {
        return Err(KeyError::ArbitraryPrecision);
    }
    let mut secret = Zeroizing::new(vec![0; MIN_SECRET_BYTES]);
    SystemRandom::new()
        .fill(&mut secret)
        .map_err(|_| KeyError::NoRandomness)?;
    SigningKey::new(kid.to_owned(), secret, None, None)
}

/// The secret as the text of member `k`.
pub(crate) fn secret_text(key: &SigningKey) -> Zeroizing<String> {
    Zeroizing::new(URL_SAFE_NO_PAD.encode(key.secret()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_was_rotated_out_may_come_back_until_it_ends() {
        let mut keys = KeyRing::generate("a").unwrap();
        keys.rotate("b", 1_000, 500).unwrap();
        let ended = keys.clone().rotate("a", 1_500, 500);
        assert!(matches!(ended, Err(KeyError::Ended { .. })), "{ended:?}");
        keys.rotate("a", 1_499, 500).unwrap();
        assert_eq!(keys.active().kid(), "a");
        assert_eq!(keys.active().not_after_s(), Some(1_500));
    }

    #[test]
    fn a_ring_survives_its_text() {
        let mut keys = KeyRing::generate("a").unwrap();
        keys.rotate("b\"\u{1f511}", 1_000, 500).unwrap();
        keys.stage("c").unwrap();
        let again = KeyRing::from_jwks(keys.to_jwks().as_bytes()).unwrap();
        let names = |ring: &KeyRing| {
            ring.iter()
                .map(|key| (key.kid().to_owned(), key.not_after_s(), key.sign(b"x")))
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&again), names(&keys));
        assert_eq!(again.get("a").unwrap().not_after_s(), Some(1_500));
        assert_eq!(again.to_jwks(), keys.to_jwks());
    }

    #[test]
    fn a_staged_key_is_the_one_that_rotation_takes() {
        let mut keys = KeyRing::generate("a").unwrap();
        keys.stage("b").unwrap();
        let staged = keys.get("b").unwrap().sign(b"x");
        keys.rotate("b", 0, 10).unwrap();
        assert_eq!(keys.active().sign(b"x"), staged);
        assert!(matches!(
            keys.rotate("b", 0, 10),
            Err(KeyError::AlreadyActive { .. })
        ));
        assert!(matches!(
            keys.stage("a"),
            Err(KeyError::DuplicateKid { .. })
        ));
    }

    #[test]
    fn rotation_drops_keys_whose_time_is_over() {
        let mut keys = KeyRing::generate("a").unwrap();
        keys.rotate("b", 100, 50).unwrap();
        keys.rotate("c", 149, 50).unwrap();
        assert!(keys.get("a").is_some());
        keys.rotate("d", 150, 50).unwrap();
        assert!(keys.get("a").is_none() && keys.get("b").is_some());
    }

    #[test]
    fn two_new_keys_differ() {
        let (a, b) = (
            KeyRing::generate("k").unwrap(),
            KeyRing::generate("k").unwrap(),
        );
        assert_ne!(a.active().sign(b"x"), b.active().sign(b"x"));
        assert!(matches!(KeyRing::generate(""), Err(KeyError::EmptyKid)));
    }
}
