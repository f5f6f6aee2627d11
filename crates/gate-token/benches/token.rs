//! Sign and verify, beside what one would use instead, on the same claims in one run.
//!
//! `cargo bench -p gate-token`: each rival does the same work: claims in, token text out; token
//! text in, checked and owned claims out.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a bench: what goes wrong ends it"
)]

use std::borrow::Cow;
use std::hint::black_box;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use criterion::{Criterion, criterion_group, criterion_main};
use gate_token::{ALG, Claims, Digest, Expectations, KeyRing, Status, TYP};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use ring::hmac;
use serde::{Deserialize, Serialize};

const SECRET: [u8; 32] = *b"0123456789abcdef0123456789abcdef";
const NOW_S: u64 = 1_790_000_010;

/// The same claims as an application would declare them for the other crates.
#[derive(Clone, Serialize, Deserialize, PartialEq, Debug)]
#[serde(deny_unknown_fields)]
struct Rival<'a> {
    alg: Cow<'a, str>,
    aud: Cow<'a, str>,
    client_id: Cow<'a, str>,
    client_order_id: Cow<'a, str>,
    exp: u64,
    iat: u64,
    iss: Cow<'a, str>,
    jti: Cow<'a, str>,
    kid: Cow<'a, str>,
    notional: Cow<'a, str>,
    order_digest: Cow<'a, str>,
    policy_hash: Cow<'a, str>,
    policy_revision: Cow<'a, str>,
    reasons: Vec<Cow<'a, str>>,
    seq: u64,
    status: Cow<'a, str>,
    typ: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
struct RivalToken<'a> {
    payload: Rival<'a>,
    signature: String,
}

fn claims() -> Claims<'static> {
    Claims {
        kid: "2026-a".into(),
        iss: "gate-1".into(),
        aud: "venue-gateway".into(),
        iat: NOW_S - 10,
        exp: NOW_S + 20,
        jti: "0198c5a0-5e3f-7000-8000-000000000001".into(),
        seq: 123_456,
        status: Status::Authorized,
        reasons: Vec::new(),
        client_id: "c5".into(),
        client_order_id: "o-20261122-000123456".into(),
        order_digest: Digest::of(b"order"),
        notional: "18550".into(),
        policy_revision: "pretrade-7".into(),
        policy_hash: "ab".repeat(32).into(),
    }
}

fn rival(claims: &Claims<'static>) -> Rival<'static> {
    Rival {
        alg: ALG.into(),
        aud: claims.aud.clone(),
        client_id: claims.client_id.clone(),
        client_order_id: claims.client_order_id.clone(),
        exp: claims.exp,
        iat: claims.iat,
        iss: claims.iss.clone(),
        jti: claims.jti.clone(),
        kid: claims.kid.clone(),
        notional: claims.notional.clone(),
        order_digest: claims.order_digest.to_base64url().into(),
        policy_hash: claims.policy_hash.clone(),
        policy_revision: claims.policy_revision.clone(),
        reasons: claims.reasons.clone(),
        seq: claims.seq,
        status: claims.status.as_str().into(),
        typ: TYP.into(),
    }
}

fn ring_keys() -> KeyRing {
    let k = URL_SAFE_NO_PAD.encode(SECRET);
    let jwks = format!(r#"{{"keys":[{{"kty":"oct","alg":"HS256","kid":"2026-a","k":"{k}"}}]}}"#);
    KeyRing::from_jwks(jwks.as_bytes()).unwrap()
}

fn jws_header() -> Header {
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some("2026-a".into());
    header.typ = Some(TYP.into());
    header
}

fn sign(c: &mut Criterion) {
    let (keys, claims) = (ring_keys(), claims());
    let rival = rival(&claims);
    let mut group = c.benchmark_group("sign");

    let mut out = Vec::with_capacity(2048);
    group.bench_function("gate-token object", |b| {
        b.iter(|| {
            out.clear();
            gate_token::sign_into(black_box(&claims), keys.active(), &mut out);
            black_box(out.len())
        });
    });
    let ours = out.clone();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &SECRET);
    group.bench_function("serde_json_canonicalizer + ring object", |b| {
        b.iter(|| {
            out.clear();
            let payload = serde_json_canonicalizer::to_vec(black_box(&rival)).unwrap();
            let tag = hmac::sign(&key, &payload);
            out.extend_from_slice(b"{\"payload\":");
            out.extend_from_slice(&payload);
            out.extend_from_slice(b",\"signature\":\"");
            out.extend_from_slice(URL_SAFE_NO_PAD.encode(tag).as_bytes());
            out.extend_from_slice(b"\"}");
            black_box(out.len())
        });
    });
    assert_eq!(out, ours, "the rival must do the same work");

    group.bench_function("gate-token jws", |b| {
        b.iter(|| gate_token::sign_jws(black_box(&claims), keys.active()));
    });
    let (header, key) = (jws_header(), EncodingKey::from_secret(&SECRET));
    group.bench_function("jsonwebtoken jws", |b| {
        b.iter(|| jsonwebtoken::encode(&header, black_box(&rival), &key).unwrap());
    });
    group.finish();
}

fn verify(c: &mut Criterion) {
    let (keys, claims) = (ring_keys(), claims());
    let rival = rival(&claims);
    let mut object = Vec::new();
    gate_token::sign_into(&claims, keys.active(), &mut object);
    let jws = gate_token::sign_jws(&claims, keys.active());
    let expect = Expectations {
        aud: "venue-gateway",
        now_s: NOW_S,
        leeway_s: 2,
    };
    let mut group = c.benchmark_group("verify");

    group.bench_function("gate-token object", |b| {
        b.iter(|| gate_token::verify(black_box(&object), &keys, &expect).unwrap());
    });
    let key = hmac::Key::new(hmac::HMAC_SHA256, &SECRET);
    group.bench_function("serde_json_canonicalizer + ring object", |b| {
        b.iter(|| {
            let token: RivalToken<'_> = serde_json::from_slice(black_box(&object)).unwrap();
            let payload = serde_json_canonicalizer::to_vec(&token.payload).unwrap();
            let tag = URL_SAFE_NO_PAD.decode(&token.signature).unwrap();
            hmac::verify(&key, &payload, &tag).unwrap();
            let claims = token.payload;
            assert!(claims.aud == expect.aud && claims.typ == TYP && claims.alg == ALG);
            assert!(claims.iat <= NOW_S + 2 && NOW_S < claims.exp + 2);
            claims
        });
    });
    group.bench_function("gate-token jws", |b| {
        b.iter(|| gate_token::verify(black_box(jws.as_bytes()), &keys, &expect).unwrap());
    });
    let key = DecodingKey::from_secret(&SECRET);
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_audience(&["venue-gateway"]);
    // It reads the wall clock, which is behind the bench's tokens or ahead of them.
    validation.validate_exp = false;
    group.bench_function("jsonwebtoken jws", |b| {
        b.iter(|| {
            jsonwebtoken::decode::<Rival<'static>>(black_box(&jws), &key, &validation).unwrap()
        });
    });
    let theirs = jsonwebtoken::decode::<Rival<'static>>(&jws, &key, &validation).unwrap();
    assert_eq!(theirs.claims, rival, "the rival must read the same claims");
    group.finish();
}

fn parts(c: &mut Criterion) {
    let (keys, claims) = (ring_keys(), claims());
    let mut payload = Vec::with_capacity(2048);
    claims.write_canonical(&mut payload);
    println!("payload: {} bytes", payload.len());
    let mut group = c.benchmark_group("parts");
    group.bench_function("HMAC-SHA256 of the payload", |b| {
        b.iter(|| keys.active().sign(black_box(&payload)));
    });
    let mut out = Vec::with_capacity(2048);
    group.bench_function("canonical payload", |b| {
        b.iter(|| {
            out.clear();
            black_box(&claims).write_canonical(&mut out);
            black_box(out.len())
        });
    });
    let order =
        br#"{"client_order_id":"o-1","symbol":"AAPL","side":"BUY","qty":100,"price":185.50}"#;
    group.bench_function("order digest from JSON", |b| {
        b.iter(|| gate_token::order::digest_of_json(black_box(order)).unwrap());
    });
    let others = serde_json::Map::new();
    let members = gate_token::order::OrderMembers {
        client_order_id: "o-1",
        symbol: "AAPL",
        side: "BUY",
        qty: "100",
        price: "185.5",
        others: &others,
    };
    group.bench_function("order digest from members", |b| {
        b.iter(|| black_box(members).digest().unwrap());
    });
    group.finish();
}

criterion_group!(benches, sign, verify, parts);
criterion_main!(benches);
