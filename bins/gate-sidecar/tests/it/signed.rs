//! Signed bundles, made by another implementation (`gate-policy/tests/data/signed/make.py`):
//! accepted with the key, refused without.

use std::path::{Path, PathBuf};

use crate::sidecar::{Sidecar, authorize, order, run};

fn data(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/gate-policy");
    root.join("tests/data/signed").join(name)
}

/// The bundle as a directory below `dir`, signed unless `algorithm` is empty.
fn bundle(dir: &Path, algorithm: &str) -> PathBuf {
    let bundle = dir.join(format!("bundle-{algorithm}"));
    std::fs::create_dir(&bundle).unwrap();
    for entry in std::fs::read_dir(data("bundle")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), bundle.join(entry.file_name())).unwrap();
    }
    if !algorithm.is_empty() {
        let signatures = data(&format!("{algorithm}.signatures.json"));
        std::fs::copy(signatures, bundle.join(".signatures.json")).unwrap();
    }
    bundle
}

/// Runs a `policy` command; returns its exit code and stderr.
fn policy(command: &str, bundle: &Path, flags: &[&str]) -> (i32, String) {
    let mut args = vec!["policy", command, bundle.to_str().unwrap()];
    args.extend(flags);
    let output = run(&args, order("c1", "o-1", 1, "185.50").as_bytes());
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap(), stderr)
}

#[test]
fn each_algorithm_is_verified_as_directory_and_as_archive() {
    let dir = tempfile::tempdir().unwrap();
    for (algorithm, id) in [("hs256", "hmac-1"), ("rs256", "rsa-1"), ("es256", "ec-1")] {
        let key = data(&format!("{algorithm}.key"));
        let upper = algorithm.to_uppercase();
        let flags = [
            "--bundle-key",
            key.to_str().unwrap(),
            "--bundle-key-alg",
            &upper,
            "--bundle-scope",
            "write",
            "--bundle-key-id",
            id,
        ];
        let directory = bundle(dir.path(), algorithm);
        for path in [directory, data(&format!("{algorithm}.tar.gz"))] {
            for command in ["check", "test", "eval"] {
                let (code, stderr) = policy(command, &path, &flags);
                assert_eq!(code, 0, "{command} {}: {stderr}", path.display());
            }
        }
        let unnamed = policy("test", &data(&format!("{algorithm}.tar.gz")), &flags[..6]);
        assert_eq!(unnamed.0, 0, "{}", unnamed.1);
    }
}

#[test]
fn what_is_not_by_the_key_is_refused_by_every_command_with_exit_code_2() {
    let dir = tempfile::tempdir().unwrap();
    let (signed, unsigned) = (bundle(dir.path(), "rs256"), bundle(dir.path(), ""));
    let changed = bundle(dir.path(), "es256");
    std::fs::write(changed.join("data.json"), "{}").unwrap();
    let path = |name: &str| data(name).to_str().unwrap().to_owned();
    let (rsa, ec, secret) = (path("rs256.key"), path("es256.key"), path("hs256.key"));
    let orders = dir.path().join("none.ndjson");
    std::fs::write(&orders, "").unwrap();
    for (bundle, flags, expected) in [
        (
            &signed,
            &[][..],
            "signed and no key is configured; name the key's file with `bundle_key`",
        ),
        (
            &unsigned,
            &["--bundle-key", &rsa][..],
            "the bundle is not signed; sign it",
        ),
        (
            &signed,
            &["--bundle-key", &rsa][..],
            "scope is not the configured one",
        ),
        (
            &signed,
            &[
                "--bundle-key",
                &rsa,
                "--bundle-scope",
                "write",
                "--bundle-key-id",
                "rsa-2",
            ][..],
            "by the key `rsa-1`, not by the configured `rsa-2`",
        ),
        (
            &signed,
            &["--bundle-key", &secret, "--bundle-key-alg", "HS256"][..],
            "algorithm is not the key's",
        ),
        (
            &changed,
            &[
                "--bundle-key",
                &ec,
                "--bundle-key-alg",
                "ES256",
                "--bundle-scope",
                "write",
            ][..],
            "`data.json` is not what was signed",
        ),
        (&signed, &["--bundle-key", &ec][..], "taken to be Rs256"),
        (&signed, &["--bundle-key", "no-such.pem"][..], "no-such.pem"),
        (
            &signed,
            &["--bundle-scope", "write"][..],
            "`bundle_key` is not",
        ),
    ] {
        for command in ["check", "test", "eval", "diff"] {
            let mut flags = flags.to_vec();
            if command == "diff" {
                flags.extend([
                    bundle.to_str().unwrap(),
                    "--orders",
                    orders.to_str().unwrap(),
                ]);
            }
            let (code, stderr) = policy(command, bundle, &flags);
            assert_eq!(code, 2, "{command} {flags:?}: {stderr}");
            assert!(stderr.contains(expected), "{command} {flags:?}: {stderr}");
        }
    }
}

#[test]
fn a_signed_bundle_is_served_and_its_loss_of_the_signature_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = bundle(dir.path(), "es256");
    let settings = dir.path().join("gate.toml");
    let text = format!(
        "bundle = {:?}\nbundle_key = {:?}\nbundle_key_alg = \"ES256\"\nbundle_scope = \"write\"\n",
        bundle,
        data("es256.key")
    );
    std::fs::write(&settings, text).unwrap();
    let flags = ["--config", settings.to_str().unwrap()];
    let sidecar = Sidecar::start(&dir.path().join("data"), &flags);
    let decided = |id| authorize(&mut sidecar.client(), &order("c1", id, 1, "185.50")).json();
    let first = decided("o-1");
    assert_eq!(first["status"], "AUTHORIZED", "{first}");
    assert_eq!(
        first["decision_token"]["payload"]["policy_revision"],
        "signed-7"
    );

    std::fs::remove_file(bundle.join(".signatures.json")).unwrap();
    let refused = sidecar.admin().post("/v1/reload", "{}");
    assert_eq!(refused.status, 409);
    let refused = refused.json();
    assert!(
        refused["detail"].as_str().unwrap().contains("not signed"),
        "{refused}"
    );
    assert_eq!(decided("o-2")["status"], "AUTHORIZED");

    // A command reads the same settings from the file.
    let (code, stderr) = policy("check", &bundle, &flags);
    assert_eq!(code, 2, "{stderr}");
}

#[test]
fn the_embedded_sample_is_not_what_a_key_asks_for() {
    let dir = tempfile::tempdir().unwrap();
    let key = data("rs256.key");
    let data_dir = dir.path().join("data");
    let output = run(
        &[
            "--data-dir",
            data_dir.to_str().unwrap(),
            "--bundle-key",
            key.to_str().unwrap(),
        ],
        b"",
    );
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("the embedded sample is not signed"),
        "{stderr}"
    );
}
