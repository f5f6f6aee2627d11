//! `wrk` against bare actix-web, beside gate-bench: does our generator take so much of the
//! machine that it hides what a server can do?
//!
//! Both send POSTs of about the same size over as many connections, from as many threads. `wrk`
//! sends one and the same request again and again and records one histogram; gate-bench makes
//! each request, so it has more to do.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;

use super::load::Measured;
use super::server::Server;
use super::stats::Rounds;

/// The measurements of `wrk`, round by round.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Wrk {
    pub(super) version: String,
    /// Its threads, as many as gate-bench's.
    pub(super) threads: u32,
    pub(super) closed_requests_per_sec: Rounds,
    /// Answers that were no success, and lost connections.
    pub(super) errors: u64,
    /// gate-bench's throughput divided by that of `wrk`, against the same server in the same round.
    pub(super) throughput_of_gate_bench: Rounds,
}

/// One run of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct WrkRun {
    pub(super) requests_per_s: f64,
    pub(super) errors: u64,
}

/// Sends requests like gate-bench's orders.
const SCRIPT: &str = r#"wrk.method = "POST"
wrk.path = "/v1/authorize"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"order":{"client_order_id":"bench-0000000000-000000","symbol":"AAPL","side":"BUY","qty":1,"price":"185.50"},"context":{"client_id":"client-0000"}}'
"#;

/// The version of the `wrk` on PATH, if there is one.
pub(super) fn version() -> Option<String> {
    let output = Command::new("wrk").arg("--version").output().ok()?;
    // It prints its version with its usage, and ends with a status of 1.
    let text = String::from_utf8_lossy(&output.stdout);
    let first = text.lines().next()?;
    let version = first.split(" [").next()?.trim();
    version.starts_with("wrk").then(|| version.to_owned())
}

/// A closed loop against `server` with the connections and threads that gate-bench had in `beside`.
pub(super) fn closed(
    server: &Server,
    beside: &Measured,
    seconds: u32,
    scratch: &Path,
) -> Result<WrkRun> {
    let script = scratch.join("wrk.lua");
    std::fs::write(&script, SCRIPT)?;
    let config = &beside.config;
    let output = Command::new("wrk")
        .args(["--threads", &config.threads.to_string()])
        .args(["--connections", &config.connections.to_string()])
        .args(["--duration", &format!("{seconds}s")])
        .arg("--script")
        .arg(&script)
        .arg(&server.url)
        .output()
        .context("cannot run wrk")?;
    ensure!(output.status.success(), "wrk failed ({})", output.status);
    let text = String::from_utf8_lossy(&output.stdout);
    read(&text).with_context(|| format!("wrk reported something else:\n{text}"))
}

/// Reads its report; without a throughput there is none.
fn read(report: &str) -> Option<WrkRun> {
    let mut requests_per_s = None;
    let mut errors = 0;
    for line in report.lines() {
        let Some((name, value)) = line.trim().split_once(':') else {
            continue;
        };
        match name {
            "Requests/sec" => requests_per_s = value.trim().parse().ok(),
            "Non-2xx or 3xx responses" => errors += value.trim().parse::<u64>().ok()?,
            // `connect 0, read 0, write 0, timeout 0`
            "Socket errors" => errors += counts(value),
            _ => {}
        }
    }
    Some(WrkRun {
        requests_per_s: requests_per_s?,
        errors,
    })
}

fn counts(list: &str) -> u64 {
    let words = list.split([',', ' ']);
    words.filter_map(|word| word.parse::<u64>().ok()).sum()
}

impl Wrk {
    /// `closed` are gate-bench's runs in the same rounds.
    pub(super) fn new(version: String, runs: &[WrkRun], closed: &[Measured]) -> Self {
        let own: Vec<f64> = runs.iter().map(|run| run.requests_per_s).collect();
        let ours: Vec<f64> = closed.iter().map(|run| run.responses_per_s).collect();
        Self {
            version,
            threads: closed.first().map_or(0, |run| run.config.threads),
            throughput_of_gate_bench: Rounds::ratios(&ours, &own),
            closed_requests_per_sec: Rounds::of(own),
            errors: runs.iter().map(|run| run.errors).sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "Running 5s test @ http://127.0.0.1:8080
  2 threads and 100 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.02ms    1.00ms  20.47ms   91.07%
  500000 requests in 5.00s, 560.00MB read
Requests/sec: 100000.25
Transfer/sec:    112.00MB
";

    #[test]
    fn a_report_is_its_throughput() {
        let expected = WrkRun {
            requests_per_s: 100_000.25,
            errors: 0,
        };
        assert_eq!(read(REPORT), Some(expected));
        assert_eq!(read("unable to connect to 127.0.0.1:1"), None);
    }

    #[test]
    fn errors_of_both_kinds_are_counted() {
        let faults = "  Socket errors: connect 1, read 2, write 3, timeout 4\n  \
                      Non-2xx or 3xx responses: 32\n";
        let run = read(&format!("{faults}{REPORT}")).unwrap();
        assert_eq!(run.errors, 42);
    }
}
