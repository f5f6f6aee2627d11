//! A key rotation as signer and verifiers see it: no live token is rejected.

use gate_token::{Claims, Digest, Expectations, KeyFile, KeyRing, Status, VerifyError};

const TOKEN_LIFE_S: u64 = 30;
const KEEP_S: u64 = 60;
/// A verifier sees each change of the key file this much later than the signer makes it.
const RELOAD_LAG_S: u64 = 10;

fn token(keys: &KeyRing, now_s: u64, seq: u64) -> Vec<u8> {
    let claims = Claims {
        kid: "".into(),
        iss: "gate".into(),
        aud: "venue".into(),
        iat: now_s,
        exp: now_s + TOKEN_LIFE_S,
        jti: "t".into(),
        seq,
        status: Status::Authorized,
        reasons: Vec::new(),
        client_id: "c5".into(),
        client_order_id: "o-1".into(),
        order_digest: Digest::of(b"order"),
        notional: "1".into(),
        policy_revision: "r".into(),
        policy_hash: "h".into(),
    };
    let mut token = Vec::new();
    gate_token::sign_into(&claims, keys.active(), &mut token);
    token
}

#[test]
fn staged_and_rotated_no_token_is_rejected() {
    let dir = tempfile::tempdir().unwrap();
    let file = KeyFile::new(dir.path().join("keys.json"));
    file.create(&KeyRing::generate("a").unwrap()).unwrap();
    let mut rings = vec![(0, file.read().unwrap())];
    // Stage at 100, rotate once every verifier has had time to reload.
    rings.push((100, file.stage("b").unwrap()));
    rings.push((
        100 + RELOAD_LAG_S,
        file.rotate("b", 100 + RELOAD_LAG_S, KEEP_S).unwrap(),
    ));
    rings.push((150, file.rotate("b2", 150, KEEP_S).unwrap()));
    let at = |now_s: u64| {
        let ring = rings[..3].iter().rev().find(|(since, _)| *since <= now_s);
        &ring.unwrap().1
    };
    for signed_s in 50..140 {
        let token = token(at(signed_s), signed_s, signed_s);
        for seen_s in signed_s..signed_s + TOKEN_LIFE_S {
            let expect = Expectations {
                aud: "venue",
                now_s: seen_s,
                leeway_s: 0,
            };
            for ring in [at(seen_s), at(seen_s.saturating_sub(RELOAD_LAG_S))] {
                let outcome = gate_token::verify(&token, ring, &expect);
                assert!(
                    outcome.is_ok(),
                    "signed {signed_s}, seen {seen_s}: {outcome:?}"
                );
            }
        }
    }
    // Without staging, the same lag rejects a token.
    let unstaged = token(&rings[3].1, 150, 1);
    let expect = Expectations {
        aud: "venue",
        now_s: 150,
        leeway_s: 0,
    };
    let lagging = gate_token::verify(&unstaged, &rings[2].1, &expect);
    assert_eq!(lagging, Err(VerifyError::UnknownKey));
    // The old key expires.
    let late = token(&rings[0].1, 110 + KEEP_S, 1);
    let expect = Expectations {
        aud: "venue",
        now_s: 110 + KEEP_S,
        leeway_s: 0,
    };
    let ended = gate_token::verify(&late, &rings[2].1, &expect);
    assert_eq!(ended, Err(VerifyError::UnknownKey));
}

#[test]
fn a_rotated_key_still_makes_the_token_it_made() {
    let mut keys = KeyRing::generate("a").unwrap();
    let first = token(&keys, 100, 7);
    keys.rotate("b", 100, 60).unwrap();
    let old = keys.get("a").unwrap();
    let claims = gate_token::verify(
        &first,
        &keys,
        &Expectations {
            aud: "venue",
            now_s: 100,
            leeway_s: 0,
        },
    )
    .unwrap();
    let mut again = Vec::new();
    gate_token::sign_into(&claims, old, &mut again);
    assert_eq!(again, first);
}
