//! What is asked for wrongly is told before any load.

use std::process::{Command, Output};

/// No server is there: whoever tries to reach one says so.
fn gate_bench(args: &str) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gate-bench"));
    let nowhere = ["--url", "http://127.0.0.1:9"];
    let Output { status, stderr, .. } = command
        .args(args.split(' '))
        .args(nowhere)
        .output()
        .unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

#[test]
fn wrong_usage_and_files_that_cannot_be_written_are_told_first() {
    for (args, code, wanted) in [
        ("sweep --rates 10 --hdr x.hlog", 2, "'--hdr'"),
        ("saturate --hdr x.hlog", 2, "'--hdr'"),
        ("saturate --from 800 --to 200", 2, "`--from`"),
        (
            "closed --requests 1 --json /no/such/place.json",
            1,
            "cannot write `/no/such",
        ),
        (
            "closed --requests 1 --hdr /no/such/place.hlog",
            1,
            "cannot write `/no/such",
        ),
        ("closed --requests 1", 1, "127.0.0.1:9"),
    ] {
        let (status, stderr) = gate_bench(args);
        assert_eq!(status, Some(code), "{args}: {stderr}");
        assert!(stderr.contains(wanted), "{args}: {stderr}");
    }
}

#[test]
fn no_report_is_left_where_nothing_was_measured() {
    let dir = tempfile::tempdir().unwrap();
    let json = dir.path().join("run.json");
    let (status, stderr) = gate_bench(&format!("closed --requests 1 --json {}", json.display()));
    assert_eq!(status, Some(1), "{stderr}");
    assert!(!json.exists());
}
