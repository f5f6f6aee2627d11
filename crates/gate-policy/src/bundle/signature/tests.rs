//! Signed bundles: keys made on the spot, a fixture of openssl's, and every way to be wrong.

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use ring::{digest, hmac};

use super::*;
use crate::Bundle;
use base64::engine::general_purpose::STANDARD;

const SECRET: &[u8] = b"a secret of at least thirty-two bytes";
const DATA: &str = r#"{"limits":{"default":{"max_order_qty":"100"}}}"#;
const MANIFEST: &str = r#"{"revision":"signed-1"}"#;

fn hs256() -> VerificationKey {
    VerificationKey::hs256(SECRET).unwrap()
}

fn hex(text: &str) -> String {
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn claims(files: &[(&str, &str)], more: &str) -> String {
    let files: Vec<String> = files
        .iter()
        .map(|(name, content)| {
            format!(
                r#"{{"name":"{name}","hash":"{}","algorithm":"SHA-256"}}"#,
                hex(content)
            )
        })
        .collect();
    format!(r#"{{"files":[{}]{more}}}"#, files.join(","))
}

fn signatures(alg: &str, claims: &str, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let header = encode(format!(r#"{{"alg":"{alg}"}}"#).as_bytes());
    let signed = format!("{header}.{}", encode(claims.as_bytes()));
    let signature = encode(&sign(signed.as_bytes()));
    format!(r#"{{"signatures":["{signed}.{signature}"]}}"#)
}

fn by_secret(message: &[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET);
    hmac::sign(&key, message).as_ref().to_vec()
}

fn both() -> Vec<(&'static str, &'static str)> {
    vec![(".manifest", MANIFEST), ("data.json", DATA)]
}

/// Loads the two files and the signatures, if any; shows the revision or the error.
fn load(signatures: Option<&str>, key: Option<&VerificationKey>) -> String {
    let mut files = both();
    files.extend(signatures.map(|text| (FILE, text)));
    match Bundle::from_files_with(files, key) {
        Ok(bundle) => bundle.revision().to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_good_signature_is_taken_with_its_key_and_refused_without() {
    let signed = signatures("HS256", &claims(&both(), ""), by_secret);
    assert_eq!(load(Some(&signed), Some(&hs256())), "signed-1");
    assert_eq!(
        load(Some(&signed), None),
        "signature: the bundle is signed and no key is configured"
    );
    assert_eq!(
        load(None, Some(&hs256())),
        "signature: a key is configured and the bundle is not signed"
    );
    assert_eq!(load(None, None), "signed-1");
}

#[test]
fn the_signature_is_no_part_of_the_hash() {
    let signed = signatures("HS256", &claims(&both(), ""), by_secret);
    let mut files = both();
    let plain = Bundle::from_files(files.clone()).unwrap();
    files.push((FILE, &signed));
    let signed = Bundle::from_files_with(files, Some(&hs256())).unwrap();
    assert_eq!(plain.hash(), signed.hash());
}

/// `opa sign` signs every file that lies there.
#[test]
fn a_file_that_is_no_part_of_a_bundle_may_be_signed() {
    let mut files = both();
    files.push(("README.md", "# Ours"));
    files.push(("docs/why.md", "…"));
    let signed = signatures("HS256", &claims(&files, ""), by_secret);
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("docs")).unwrap();
    files.push((FILE, &signed));
    for (name, content) in &files {
        std::fs::write(dir.path().join(name), content).unwrap();
    }
    let key = hs256();
    let plain = Bundle::from_files(both()).unwrap();
    let read = |of: &[(&str, &str)]| Bundle::from_files_with(of.to_vec(), Some(&key));
    assert_eq!(read(&files).unwrap().hash(), plain.hash());
    let loaded = || Bundle::load(dir.path(), Some(&key));
    assert_eq!(loaded().unwrap().hash(), plain.hash());

    std::fs::write(dir.path().join("README.md"), "# Theirs").unwrap();
    let changed = loaded().unwrap_err().to_string();
    assert_eq!(changed, "signature: `README.md` is not what was signed");
    std::fs::remove_file(dir.path().join("README.md")).unwrap();
    let missing = loaded().unwrap_err().to_string();
    assert_eq!(missing, "signature: `README.md` is signed and missing");
}

#[test]
fn whatever_is_not_what_was_signed_is_refused() {
    let check = |signatures: &str, expected: &str| {
        let actual = load(Some(signatures), Some(&hs256()));
        assert_eq!(actual, format!("signature: {expected}"), "{signatures}");
    };
    let sign = |claims: &str| signatures("HS256", claims, by_secret);

    check(
        &sign(&claims(&[(".manifest", MANIFEST)], "")),
        "`data.json` is not signed",
    );
    check(
        &sign(&claims(&[(".manifest", MANIFEST), ("data.json", "{}")], "")),
        "`data.json` is not what was signed",
    );
    let mut more = both();
    more.push(("x.rego", "package gate"));
    check(&sign(&claims(&more, "")), "`x.rego` is signed and missing");
    check(
        &sign(&claims(&both(), r#","scope":"write""#)),
        "the token's scope is not the configured one",
    );
    let md5 = claims(&both(), "").replace("SHA-256", "MD5");
    check(
        &sign(&md5),
        "`.manifest` is hashed with an unsupported algorithm",
    );

    let other = |message: &[u8]| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]);
        hmac::sign(&key, message).as_ref().to_vec()
    };
    check(
        &signatures("HS256", &claims(&both(), ""), other),
        "the signature is not by the configured key",
    );
    for alg in ["none", "HS384", "ES256", "hs256"] {
        check(
            &signatures(alg, &claims(&both(), ""), by_secret),
            "the token's algorithm is not the key's",
        );
    }
    let malformed = "`.signatures.json` does not hold exactly one JWT";
    let token = sign(&claims(&both(), ""));
    let twice = token.replace("[\"", "[\"a.b.c\",\"");
    for text in [
        "{}",
        "[]",
        r#"{"signatures":[]}"#,
        r#"{"signatures":["x"]}"#,
        twice.as_str(),
    ] {
        check(text, malformed);
    }
}

#[test]
fn es256_is_verified_by_its_public_key_alone() {
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random)
        .unwrap();
    // SubjectPublicKeyInfo of a P-256 key is this prefix and the point.
    let mut der = vec![
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08,
        0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
    ];
    der.extend_from_slice(pair.public_key().as_ref());
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        STANDARD.encode(der)
    );
    let key = VerificationKey::es256_pem(&pem).unwrap();
    let sign = |message: &[u8]| pair.sign(&random, message).unwrap().as_ref().to_vec();
    let signed = signatures("ES256", &claims(&both(), ""), sign);
    assert_eq!(load(Some(&signed), Some(&key)), "signed-1");
    assert_eq!(
        load(Some(&signed), Some(&hs256())),
        "signature: the token's algorithm is not the key's"
    );
    assert!(VerificationKey::rs256_pem(&pem).is_err());
}

#[test]
fn rs256_made_by_openssl_is_verified() {
    let pem = include_str!("../../../tests/data/rs256/pub.pem");
    let signed = include_str!("../../../tests/data/rs256/signatures.json");
    let key = VerificationKey::rs256_pem(pem).unwrap();
    assert_eq!(load(Some(signed), Some(&key)), "signed-1");
    assert!(VerificationKey::es256_pem(pem).is_err());
}

#[test]
fn a_key_that_cannot_be_one_is_refused_and_a_key_is_never_shown() {
    assert!(VerificationKey::hs256(&SECRET[..31]).is_err());
    assert!(VerificationKey::rs256_pem("-----BEGIN PUBLIC KEY-----\nAAAA\n").is_err());
    let shown = format!("{:?}", hs256().with_scope("s"));
    assert_eq!(
        shown,
        r#"VerificationKey { algorithm: "HS256", id: None, scope: "s", .. }"#
    );
}
