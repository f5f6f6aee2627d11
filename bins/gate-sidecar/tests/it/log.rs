//! A log whose reader is gone stops nothing.

use std::io::Read as _;
use std::os::unix::fs::symlink;
use std::process::Stdio;

use crate::sidecar::{Sidecar, authorize, eventually, order, rego_bundle};

/// Anybody can connect, and each such line costs a disk.
#[test]
fn what_is_no_http_writes_no_line() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Sidecar::command(&dir.path().join("data"), &[]);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut log = child.stderr.take().unwrap();
    let sidecar = Sidecar::of(child, "http");
    for _ in 0..10 {
        let mut client = sidecar.client();
        client.write(b"x\r\n\r\n");
        // Refused, with or without an answer.
        let _ = client.read_reply();
    }
    sidecar.signal("TERM");
    assert!(sidecar.wait().success());
    let mut lines = String::new();
    log.read_to_string(&mut lines).unwrap();
    assert!(lines.contains("the embedded sample"), "{lines}");
    assert!(!lines.contains("actix"), "{lines}");
}

#[test]
fn a_log_that_nobody_reads_any_more_stops_no_thread() {
    let dir = tempfile::tempdir().unwrap();
    let current = dir.path().join("current");
    let put = |revision: &str| {
        let next = dir.path().join("next");
        symlink(rego_bundle(dir.path(), revision, "1000000"), &next).unwrap();
        std::fs::rename(next, &current).unwrap();
    };
    put("r1");
    let flags = ["--bundle", current.to_str().unwrap(), "--set", "log=info"];
    let mut command = Sidecar::command(&dir.path().join("data"), &flags);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let log = child.stderr.take().unwrap();
    let sidecar = Sidecar::of(child, "http");
    drop(log);
    let revision = || sidecar.client().get("/v1/policy").json()["revision"].clone();
    // The watch logs each change: had the first one ended its thread, it would not see the second.
    for next in ["r2", "r3"] {
        put(next);
        eventually(next, || revision() == next);
    }
    let reloaded = sidecar.admin().post("/v1/reload", "{}");
    assert_eq!(reloaded.status, 200, "{:?}", reloaded.json());
    let kill = r#"{"on":true,"actor":"ops","reason":"drill","client_id":"c9"}"#;
    assert_eq!(sidecar.admin().post("/v1/kill", kill).status, 200);
    let decided = authorize(&mut sidecar.client(), &order("c1", "o-1", 1, "185.00"));
    assert_eq!(decided.json()["status"], "AUTHORIZED");
    let metrics = sidecar.metrics();
    assert!(
        metrics.contains("\ngate_kill_switches{scope=\"client\"} 1\n"),
        "{metrics}"
    );
    let lost = metrics
        .lines()
        .find_map(|line| line.strip_prefix("gate_log_lines_lost_total "));
    let lost: u64 = lost.unwrap().parse().unwrap();
    assert!(lost >= 4, "{lost}");
    sidecar.signal("TERM");
    assert!(sidecar.wait().success());
}
