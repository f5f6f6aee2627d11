//! A guard for consumers that lets each token act once. No lock, no clock, no I/O.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

use crate::claims::Claims;
use crate::digest::Digest;
use crate::verify::MAX_LEEWAY_S;

/// Why a token may not act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ReplayError {
    /// The token has acted already.
    #[error("the token has been used")]
    Replayed,
    /// The token has expired, so whether it acted is no longer known.
    #[error("the token has expired")]
    Expired,
    /// The guard is full, and none of its tokens has expired.
    #[error("too many tokens are live")]
    Full,
}

/// Accepts each `jti` of an issuer once until the token's `exp`.
///
/// It remembers 32 bytes and a time for each live token, at most `capacity` of them; when it is
/// full it refuses, because to forget a live token is to let it act twice. A restart empties it:
/// then wait for the longest life of a token, or keep `seq` on disk.
///
/// ```
/// use gate_token::{ReplayError, ReplayGuard};
/// # let keys = gate_token::KeyRing::generate("k")?;
/// # let claims = gate_token::Claims {
/// #     kid: "k".into(), iss: "gate".into(), aud: "venue".into(), iat: 100, exp: 130,
/// #     jti: "1".into(), seq: 1, status: gate_token::Status::Authorized, reasons: vec![],
/// #     client_id: "c5".into(), client_order_id: "o-1".into(),
/// #     order_digest: gate_token::Digest::of(b""), notional: "1".into(),
/// #     policy_revision: "r".into(), policy_hash: "h".into(),
/// # };
/// let mut guard = ReplayGuard::new(100_000, 2);
/// assert_eq!(guard.admit(&claims, 110), Ok(()));
/// assert_eq!(guard.admit(&claims, 111), Err(ReplayError::Replayed));
/// assert_eq!(guard.admit(&claims, 132), Err(ReplayError::Expired));
/// # Ok::<(), gate_token::KeyError>(())
/// ```
#[derive(Debug)]
pub struct ReplayGuard {
    capacity: usize,
    leeway_s: u64,
    /// The latest time seen: a clock that steps back must not revive what was forgotten.
    now_s: u64,
    // INVARIANT: `seen` and `expiring` hold the same digests, each once, at most `capacity`.
    seen: HashSet<Digest>,
    expiring: BinaryHeap<Reverse<(u64, [u8; 32])>>,
}

impl ReplayGuard {
    /// A guard that remembers at most `capacity` live tokens. `leeway_s` is the one given to
    /// [`verify`](crate::verify()), at most [`MAX_LEEWAY_S`].
    #[must_use]
    pub fn new(capacity: usize, leeway_s: u64) -> Self {
        Self {
            capacity,
            leeway_s: leeway_s.min(MAX_LEEWAY_S),
            now_s: 0,
            seen: HashSet::new(),
            expiring: BinaryHeap::new(),
        }
    }

    /// Lets the token act, this once. Call it last, with the claims that
    /// [`verify`](crate::verify()) gave, at `now_s` seconds since 1970.
    ///
    /// # Errors
    /// [`ReplayError`]; nothing is remembered then.
    pub fn admit(&mut self, claims: &Claims<'_>, now_s: u64) -> Result<(), ReplayError> {
        self.now_s = self.now_s.max(now_s);
        self.forget_expired();
        if self.is_over(claims.exp) {
            return Err(ReplayError::Expired);
        }
        let name = name_of(claims);
        if self.seen.contains(&name) {
            return Err(ReplayError::Replayed);
        }
        if self.seen.len() >= self.capacity {
            return Err(ReplayError::Full);
        }
        self.seen.insert(name);
        self.expiring.push(Reverse((claims.exp, *name.as_bytes())));
        Ok(())
    }

    /// How many live tokens are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// Whether no token is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    /// The same test as in [`verify`](crate::verify()).
    const fn is_over(&self, exp: u64) -> bool {
        self.now_s >= exp.saturating_add(self.leeway_s)
    }

    fn forget_expired(&mut self) {
        while let Some(Reverse((exp, name))) = self.expiring.peek().copied() {
            if !self.is_over(exp) {
                break;
            }
            self.expiring.pop();
            self.seen.remove(&Digest::from_bytes(name));
        }
    }
}

/// Issuer and `jti` as one digest; the length of the issuer keeps the two apart.
fn name_of(claims: &Claims<'_>) -> Digest {
    let mut name = Vec::with_capacity(128);
    crate::canonical::write_u64(
        &mut name,
        u64::try_from(claims.iss.len()).unwrap_or(u64::MAX),
    );
    name.push(b':');
    name.extend_from_slice(claims.iss.as_bytes());
    name.extend_from_slice(claims.jti.as_bytes());
    Digest::of(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::tests::sample;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn token(iss: &str, jti: &str, exp: u64) -> Claims<'static> {
        Claims {
            iss: iss.to_owned().into(),
            jti: jti.to_owned().into(),
            exp,
            ..sample()
        }
    }

    #[test]
    fn issuers_have_names_of_their_own() {
        let mut guard = ReplayGuard::new(10, 0);
        for (iss, jti) in [
            ("a", "bc"),
            ("ab", "c"),
            ("", "abc"),
            ("1", ":a"),
            ("1:", "a"),
        ] {
            assert_eq!(guard.admit(&token(iss, jti, 10), 1), Ok(()), "{iss} {jti}");
        }
        assert_eq!(guard.len(), 5);
    }

    #[test]
    fn a_full_guard_refuses_until_one_expires() {
        let mut guard = ReplayGuard::new(2, 0);
        assert_eq!(guard.admit(&token("i", "a", 10), 1), Ok(()));
        assert_eq!(guard.admit(&token("i", "b", 20), 1), Ok(()));
        assert_eq!(guard.admit(&token("i", "c", 30), 9), Err(ReplayError::Full));
        assert_eq!(
            guard.admit(&token("i", "b", 20), 9),
            Err(ReplayError::Replayed)
        );
        assert_eq!(guard.admit(&token("i", "c", 30), 10), Ok(()));
        assert_eq!(guard.len(), 2);
    }

    #[test]
    fn a_clock_that_steps_back_revives_nothing() {
        let mut guard = ReplayGuard::new(2, 5);
        assert_eq!(guard.admit(&token("i", "a", 10), 1), Ok(()));
        assert_eq!(guard.admit(&token("i", "b", 30), 15), Ok(()));
        assert_eq!(guard.len(), 1);
        assert_eq!(
            guard.admit(&token("i", "a", 10), 1),
            Err(ReplayError::Expired)
        );
    }

    proptest! {
        /// Against a guard that never forgets: none acts twice, and each live one acts once.
        #[test]
        fn each_live_token_acts_exactly_once(
            steps in prop::collection::vec((0_u8..20, 0_u64..100, 0_u64..40), 1..200)
        ) {
            let mut guard = ReplayGuard::new(1_000, 3);
            let mut acted: HashMap<u8, u64> = HashMap::new();
            let mut latest = 0;
            for (jti, now_s, life_s) in steps {
                latest = latest.max(now_s);
                // A token has one exp: the first that was drawn for it.
                let exp = *acted.get(&jti).unwrap_or(&now_s.saturating_add(life_s));
                let expected = if latest >= exp.saturating_add(3) {
                    Err(ReplayError::Expired)
                } else if acted.insert(jti, exp).is_some() {
                    Err(ReplayError::Replayed)
                } else {
                    Ok(())
                };
                prop_assert_eq!(guard.admit(&token("i", &jti.to_string(), exp), now_s), expected);
                prop_assert!(guard.len() <= 20 && guard.len() == guard.expiring.len());
            }
        }
    }
}
