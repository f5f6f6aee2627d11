//! Ctrl-C ends a run early, and what was measured is kept.

use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::loops::AUTHORIZED;
use crate::server::{respond, serve};

#[test]
fn an_interrupted_run_reports_what_it_measured_and_is_not_valid() {
    for mode in ["closed --duration 60", "open --rate 200 --duration 60"] {
        let dir = tempfile::tempdir().unwrap();
        let json = dir.path().join("run.json");
        let (measuring, began) = std::sync::mpsc::channel();
        let server = serve(Box::new(move |number, _, out| {
            if number == 50 {
                let _ = measuring.send(());
            }
            respond(out, 200, AUTHORIZED)
        }));
        let run = Command::new(env!("CARGO_BIN_EXE_gate-bench"))
            .args(mode.split(' '))
            .args(["--url", &format!("http://{server}"), "--warmup", "0"])
            .args(["--connections", "2", "--json"])
            .arg(&json)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        began.recv().unwrap();
        kill_process(Pid::from_child(&run), Signal::INT).unwrap();
        let output = run.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{mode}: {output:?}");
        let report = std::fs::read(&json).unwrap();
        let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
        assert_eq!(report["interrupted"], true, "{mode}");
        let reasons = report["invalid_reasons"].to_string();
        assert!(reasons.contains("interrupted after"), "{mode}: {reasons}");
        // All that was sent was answered and counted: nothing is left in flight.
        let counts = &report["counts"];
        assert!(counts["completed"].as_u64() > Some(50), "{mode}: {counts}");
        assert_eq!(counts["completed"], counts["sent"], "{mode}");
        // What was due and found no connection free was not sent; nothing else went wrong.
        assert_eq!(counts["errors"], counts["unsent"], "{mode}: {counts}");
        // Throughput is of the time that was measured, not of the minute asked for.
        let window_s = report["window_s"].as_f64().unwrap();
        assert!(window_s > 0.0 && window_s < 60.0, "{mode}: {window_s}");
    }
}
