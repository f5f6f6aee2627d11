//! A genuine token passes; every way in which it can be wrong is named.

use gate_token::Claims;

use super::*;
use crate::workload::{Kind, OrderRef};

const ORDER: OrderRef = OrderRef {
    index: 7,
    client: 3,
};

fn sample(
    keys: &KeyRing,
    workload: &WorkloadConfig,
    change: impl FnOnce(&mut Claims<'static>),
) -> Sample {
    let order = workload.order_json(Kind::Authorize, ORDER);
    let mut claims = Claims {
        kid: "k".into(),
        iss: "gate".into(),
        aud: "venue".into(),
        iat: 1000,
        exp: 1030,
        jti: "t".into(),
        seq: 1,
        status: Status::Authorized,
        reasons: Vec::new(),
        client_id: "c00003".into(),
        client_order_id: workload.order_name(ORDER).into(),
        order_digest: gate_token::order::digest_of_json(order.as_bytes()).unwrap(),
        notional: "185.5".into(),
        policy_revision: "r".into(),
        policy_hash: "00".repeat(32).into(),
    };
    change(&mut claims);
    let mut body = br#"{"status":"AUTHORIZED","decision_token":"#.to_vec();
    gate_token::sign_into(&claims, keys.active(), &mut body);
    body.extend_from_slice(br#","timing_ms":{"parse":0.002,"total":0.050}}"#);
    Sample {
        order: ORDER,
        kind: Kind::Authorize,
        outcome: Outcome::Authorized,
        received_ns: 2_000_000_000,
        body: body.into(),
    }
}

#[track_caller]
fn check(change: impl FnOnce(&mut Claims<'static>), aud: Option<&str>, expected: Result<(), &str>) {
    let keys = KeyRing::generate("k").unwrap();
    let workload = WorkloadConfig::default();
    let sample = sample(&keys, &workload, change);
    let verifier = Verifier {
        keys: &keys,
        aud,
        workload: &workload,
        zero: UNIX_EPOCH + Duration::from_secs(1000),
    };
    assert_eq!(verifier.check(&sample), expected.map_err(str::to_owned));
}

#[test]
fn a_genuine_token_passes() {
    check(|_| {}, None, Ok(()));
    check(|_| {}, Some("venue"), Ok(()));
}

#[test]
fn a_token_of_another_kind_is_named() {
    check(|_| {}, Some("other"), Err("wrong_audience"));
    check(
        |claims| (claims.iat, claims.exp) = (900, 990),
        None,
        Err("expired"),
    );
    check(
        |claims| claims.order_digest = gate_token::Digest::of(b"x"),
        None,
        Err("wrong_order"),
    );
    check(
        |claims| claims.client_id = "c00004".into(),
        None,
        Err("client_differs_from_request"),
    );
    check(
        |claims| claims.status = Status::Blocked,
        None,
        Err("status_differs_from_response"),
    );
}

#[test]
fn another_key_does_not_verify() {
    let workload = WorkloadConfig::default();
    let sample = sample(&KeyRing::generate("k").unwrap(), &workload, |_| {});
    let keys = KeyRing::generate("k").unwrap();
    let verifier = Verifier {
        keys: &keys,
        aud: None,
        workload: &workload,
        zero: UNIX_EPOCH + Duration::from_secs(1000),
    };
    assert_eq!(verifier.check(&sample), Err("bad_signature".into()));
}

#[test]
fn segments_are_read() {
    let workload = WorkloadConfig::default();
    let keys = KeyRing::generate("k").unwrap();
    let samples = [sample(&keys, &workload, |_| {})];
    let segments = Segments::of(&samples);
    let seen: Vec<_> = segments
        .iter()
        .map(|(name, histogram)| (name, histogram.max()))
        .collect();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].0, "parse");
    assert!((1_990..=2_010).contains(&seen[0].1), "{seen:?}");
    assert!((49_900..=50_100).contains(&seen[1].1), "{seen:?}");
}
