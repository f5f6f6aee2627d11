//! A bundle that changes on disk comes into force by itself; a broken one changes nothing and shows
//! in the metrics.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::sidecar::{Sidecar, authorize, builtin_bundle, order, rego_bundle, run};

/// How long a change may take to be seen on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks until `shown` contains `wanted`.
#[track_caller]
fn wait_for(what: &str, mut shown: impl FnMut() -> String, wanted: &str) {
    let began = Instant::now();
    loop {
        let now = shown();
        if now.contains(wanted) {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{what}: no `{wanted}` in {now}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn start(data: &Path, bundle: &Path) -> Sidecar {
    Sidecar::start(data, &["--bundle", bundle.to_str().unwrap()])
}

fn revision(sidecar: &Sidecar) -> String {
    let policy = sidecar.client().get("/v1/policy").json();
    policy["revision"].to_string()
}

fn status(sidecar: &Sidecar, id: &str) -> String {
    let reply = authorize(&mut sidecar.client(), &order("c1", id, 10, "185.00"));
    reply.json()["status"].as_str().unwrap().to_owned()
}

#[test]
fn a_swapped_volume_comes_into_force_and_a_broken_one_does_not_until_it_is_mended() {
    let dir = tempfile::tempdir().unwrap();
    let volume = dir.path().join("volume");
    // As a Kubernetes volume: everything is a link through `..data`, which is swapped whole.
    std::fs::create_dir(&volume).unwrap();
    let put = |revision: &str, max_exposure: &str| {
        let made = builtin_bundle(dir.path(), revision, max_exposure);
        let name = format!("..{revision}");
        std::fs::rename(made, volume.join(&name)).unwrap();
        symlink(&name, volume.join("..data_tmp")).unwrap();
        std::fs::rename(volume.join("..data_tmp"), volume.join("..data")).unwrap();
    };
    put("first", "1000");
    for name in ["data.json", ".manifest"] {
        symlink(format!("..data/{name}"), volume.join(name)).unwrap();
    }
    let sidecar = start(&dir.path().join("data"), &volume);
    assert_eq!(status(&sidecar, "o-1"), "BLOCKED");

    put("second", "10000");
    wait_for("the swap", || revision(&sidecar), "second");
    assert_eq!(status(&sidecar, "o-2"), "AUTHORIZED");
    assert!(sidecar.metrics().contains("gate_reload_failing 0\n"));

    put("third", "not a number");
    wait_for(
        "the broken one",
        || sidecar.metrics(),
        "gate_reload_failing 1\n",
    );
    let shown = sidecar.metrics();
    assert!(shown.contains("limits.default.max_exposure"), "{shown}");
    assert!(
        shown.contains("gate_policy_info{revision=\"second\""),
        "{shown}"
    );
    assert_eq!(status(&sidecar, "o-3"), "AUTHORIZED");

    put("fourth", "1000");
    wait_for("the mended one", || revision(&sidecar), "fourth");
    assert!(sidecar.metrics().contains("gate_reload_failing 0\n"));
    assert_eq!(status(&sidecar, "o-4"), "BLOCKED");
}

#[test]
fn an_archive_that_is_replaced_removed_or_half_written_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let pack = |revision: &str| {
        let made = builtin_bundle(dir.path(), revision, "1000");
        let archive = dir.path().join(format!("{revision}.tar.gz"));
        let done = std::process::Command::new("tar")
            .args([
                "-C",
                made.to_str().unwrap(),
                "-czf",
                archive.to_str().unwrap(),
                ".",
            ])
            .status()
            .unwrap();
        assert!(done.success());
        archive
    };
    let live = dir.path().join("live.tar.gz");
    std::fs::rename(pack("one"), &live).unwrap();
    let sidecar = start(&dir.path().join("data"), &live);

    std::fs::rename(pack("two"), &live).unwrap();
    wait_for("replaced", || revision(&sidecar), "two");

    let whole = std::fs::read(pack("three")).unwrap();
    std::fs::write(&live, &whole[..whole.len() / 2]).unwrap();
    wait_for("half", || sidecar.metrics(), "gate_reload_failing 1\n");
    std::fs::write(&live, &whole).unwrap();
    wait_for("whole", || revision(&sidecar), "three");

    std::fs::remove_file(&live).unwrap();
    wait_for("removed", || sidecar.metrics(), "gate_reload_failing 1\n");
    assert_eq!(revision(&sidecar), "\"three\"");
    std::fs::write(&live, &whole).unwrap();
    wait_for("back", || sidecar.metrics(), "gate_reload_failing 0\n");
}

#[test]
fn a_bundle_that_is_not_watched_waits_for_the_signal() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = builtin_bundle(dir.path(), "live", "1000");
    let flags = [
        "--bundle",
        bundle.to_str().unwrap(),
        "--set",
        "bundle_watch_s=0",
    ];
    let sidecar = Sidecar::start(&dir.path().join("data"), &flags);
    let manifest = |revision: &str| {
        let text = format!(r#"{{"revision":"{revision}","roots":[""]}}"#);
        std::fs::write(bundle.join(".manifest"), text).unwrap();
    };
    manifest("signalled");
    sidecar.signal("HUP");
    wait_for("the signal", || revision(&sidecar), "signalled");
    // Only the requested reload was tried.
    assert!(sidecar.metrics().contains("gate_reload_attempts_total 1\n"));
}

#[test]
fn a_changed_bundle_is_no_word_on_the_keys() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = rego_bundle(dir.path(), "first", "1000000");
    let data = dir.path().join("data");
    let sidecar = start(&data, &bundle);
    let kid = |id: &str| {
        let reply = authorize(&mut sidecar.client(), &order("c1", id, 1, "185.00")).json();
        let kid = &reply["decision_token"]["payload"]["kid"];
        kid.as_str().unwrap().to_owned()
    };
    let first = kid("o-1");
    let keys = data.join("keys.json");
    let keys = keys.to_str().unwrap();
    assert!(
        run(&["keys", "rotate", "--keys", keys], b"")
            .status
            .success()
    );
    let revise = |revision: &str| {
        let manifest = format!(r#"{{"revision":"{revision}","roots":[""]}}"#);
        std::fs::write(bundle.join(".manifest"), manifest).unwrap();
        wait_for("the bundle", || self::revision(&sidecar), revision);
    };
    revise("second");
    assert_eq!(kid("o-2"), first);
    // Nor does it clear the error of refused keys.
    let sound = std::fs::read(keys).unwrap();
    std::fs::write(keys, "{}").unwrap();
    assert_eq!(sidecar.admin().post("/v1/reload", "").status, 409);
    revise("third");
    assert!(sidecar.metrics().contains("gate_reload_failing 1\n"));
    std::fs::write(keys, sound).unwrap();
    assert_eq!(sidecar.admin().post("/v1/reload", "").status, 200);
    assert_ne!(kid("o-3"), first);
    assert!(sidecar.metrics().contains("gate_reload_failing 0\n"));
}

/// Besides its own faults, only a failed journal refuses a changed bundle, and the journal
/// recovers.
#[test]
fn a_bundle_that_the_journal_did_not_take_is_no_fault_any_more_once_the_next_is_in_force() {
    let dir = tempfile::tempdir().unwrap();
    let (data, current) = (dir.path().join("data"), dir.path().join("current"));
    let put = |revision: &str| {
        let next = dir.path().join("next");
        symlink(builtin_bundle(dir.path(), revision, "1000"), &next).unwrap();
        std::fs::rename(next, &current).unwrap();
    };
    put("first");
    let sidecar = start(&data, &current);
    let jam = rusqlite::Connection::open(data.join("ledger.db")).unwrap();
    jam.execute_batch("BEGIN IMMEDIATE").unwrap();
    let body = order("c1", "o-1", 1, "185.00");
    assert_eq!(authorize(&mut sidecar.client(), &body).status, 503);
    put("second");
    wait_for("it", || sidecar.metrics(), "gate_reload_failing 1\n");
    jam.execute_batch("ROLLBACK").unwrap();
    wait_for("the journal", || sidecar.metrics(), "gate_ready 1\n");
    put("third");
    wait_for("the next", || revision(&sidecar), "third");
    assert!(sidecar.metrics().contains("gate_reload_failing 0\n"));
}
