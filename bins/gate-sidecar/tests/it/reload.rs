//! A changed bundle comes into force on SIGHUP or by an admin call; a broken one does not.

use crate::client::assert_problem;
use crate::sidecar::{Sidecar, authorize, builtin_bundle, fresh, order, run};

/// Verifiers know the old keys, not new ones.
#[test]
fn keys_are_made_on_the_first_start_and_never_in_the_place_of_others() {
    let dir = tempfile::tempdir().unwrap();
    let sidecar = Sidecar::start(dir.path(), &[]);
    let keys = dir.path().join("keys.json");
    let made = std::fs::read(&keys).unwrap();
    let away = dir.path().join("away.json");
    std::fs::rename(&keys, &away).unwrap();
    let refused = sidecar.admin().post("/v1/reload", "{}");
    assert_eq!(refused.status, 409);
    let refused = refused.json();
    assert!(
        refused["detail"].as_str().unwrap().contains("keys.json"),
        "{refused}"
    );
    let decided = authorize(&mut sidecar.client(), &order("c1", "o-1", 1, "185.00"));
    assert_eq!(decided.json()["status"], "AUTHORIZED");
    drop(sidecar);

    // This start would fail at its socket in any case.
    let nowhere = dir.path().join("no/such.sock");
    let flags = ["--uds", nowhere.to_str().unwrap()];
    let failed = Sidecar::spawn(dir.path(), &flags);
    let failed = failed.wait_with_output().unwrap();
    assert_eq!(failed.status.code(), Some(1));
    assert!(!keys.exists(), "other keys were made");
    std::fs::rename(&away, &keys).unwrap();
    let again = Sidecar::start(dir.path(), &[]);
    assert_eq!(std::fs::read(&keys).unwrap(), made);
    drop(again);
}

/// Nothing is wrong with the bundle then, and who asked may try again.
#[test]
fn a_reload_that_the_journal_does_not_take_is_not_the_bundles_fault() {
    let (sidecar, dir) = fresh(&[]);
    let jam = rusqlite::Connection::open(dir.path().join("data/ledger.db")).unwrap();
    jam.execute_batch("BEGIN IMMEDIATE").unwrap();
    let lost = authorize(&mut sidecar.client(), &order("c1", "o-1", 1, "185.00"));
    assert_problem(&lost, 503, "not_durable", None);
    let lost = sidecar.admin().post("/v1/reload", "{}");
    assert_problem(&lost, 503, "not_durable", None);
    drop(jam);
}

/// An empty ledger has no exposure and no kill switch.
#[test]
fn a_journal_that_is_gone_is_not_begun_anew() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let sidecar = Sidecar::start(&data, &[]);
    authorize(&mut sidecar.client(), &order("c1", "o-1", 1, "185.50"));
    sidecar.signal("TERM");
    assert!(sidecar.wait().success());
    let (journal, aside) = (data.join("ledger.db"), dir.path().join("aside"));
    std::fs::rename(&journal, &aside).unwrap();
    let flags = [
        "--data-dir",
        data.to_str().unwrap(),
        "--listen",
        "127.0.0.1:0",
    ];
    let refused = run(&flags, b"");
    assert_eq!(refused.status.code(), Some(1));
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        why.contains("`ledger.db` is not there or empty, and there was a journal"),
        "{why}"
    );
    assert!(!journal.exists());
    std::fs::rename(&aside, &journal).unwrap();
    let sidecar = Sidecar::start(&data, &[]);
    assert_eq!(sidecar.exposure("c1")["gross"], "185.5");
}

#[test]
fn a_reload_puts_the_new_bundle_in_force_and_a_broken_one_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = builtin_bundle(dir.path(), "live", "1000");
    let data = dir.path().join("data");
    let sidecar = Sidecar::start(&data, &["--bundle", bundle.to_str().unwrap()]);
    let mut client = sidecar.client();
    let first = authorize(&mut client, &order("c1", "o-1", 10, "185.00")).json();
    assert_eq!(first["status"], "BLOCKED", "{first}");

    let more = builtin_bundle(dir.path(), "more", "10000");
    std::fs::copy(more.join("data.json"), bundle.join("data.json")).unwrap();
    let reloaded = sidecar.admin().post("/v1/reload", "{}");
    assert_eq!(reloaded.status, 200);
    let second = authorize(&mut client, &order("c1", "o-2", 10, "185.00")).json();
    assert_eq!(second["status"], "AUTHORIZED", "{second}");
    let hash =
        |reply: &serde_json::Value| reply["decision_token"]["payload"]["policy_hash"].clone();
    assert_ne!(hash(&first), hash(&second));
    assert_eq!(hash(&second), reloaded.json()["hash"]);

    let typo = r#"{"limits":{"default":{"max_exposur":"1"}}}"#;
    std::fs::write(bundle.join("data.json"), typo).unwrap();
    let refused = sidecar.admin().post("/v1/reload", "{}");
    assert_eq!(refused.status, 409);
    let refused = refused.json();
    assert!(
        refused["detail"].as_str().unwrap().contains("max_exposur"),
        "{refused}"
    );
    let third = authorize(&mut client, &order("c1", "o-3", 10, "185.00")).json();
    assert_eq!(hash(&second), hash(&third));
    assert_eq!(third["status"], "AUTHORIZED");
}
