//! The admin listener: probes and metrics, also when something is wrong.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::sidecar::{Sidecar, authorize, eventually, fresh, order, rego_bundle};

/// Every such order is blocked; the metrics show it.
#[test]
fn orders_that_the_policy_fails_to_judge_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = rego_bundle(dir.path(), "r", "1000000");
    let rego = "package gate\ndecision := {\"allow\": true, \"reasons\": []} if input.order.x\n";
    std::fs::write(bundle.join("policy.rego"), rego).unwrap();
    let data = dir.path().join("data");
    let sidecar = Sidecar::start(&data, &["--bundle", bundle.to_str().unwrap()]);
    let mut client = sidecar.client();
    // A replay of the second order is not another fault.
    for name in ["o-1", "o-2", "o-2"] {
        let reply = authorize(&mut client, &order("c1", name, 1, "185.00")).json();
        assert_eq!(reply["reasons"][0], "policy_undefined", "{reply}");
    }
    let metrics = sidecar.metrics();
    for (reason, count) in [("policy_undefined", 2), ("policy_error", 0)] {
        let line = format!("\ngate_policy_faults_total{{reason=\"{reason}\"}} {count}\n");
        assert!(metrics.contains(&line), "{line}: {metrics}");
    }
}

/// A refused fill is a trade that no exposure accounts for.
#[test]
fn fills_that_are_refused_are_counted() {
    let (sidecar, _dir) = fresh(&[]);
    let mut client = sidecar.client();
    let blocked = authorize(&mut client, &order("bad1", "o-1", 1, "185.00")).json();
    assert_eq!(blocked["status"], "BLOCKED");
    for (client_id, id, status) in [("bad1", "o-1", 409), ("c1", "o-9", 404), ("c1", "o-9", 404)] {
        let fill = format!(
            r#"{{"client_id":"{client_id}","client_order_id":"{id}","exec_id":"e","qty":1,"price":1}}"#
        );
        assert_eq!(client.post("/v1/fill", &fill).status, status);
    }
    // A malformed request is not a lost fill.
    assert_eq!(client.post("/v1/fill", "{}").status, 422);
    let metrics = sidecar.metrics();
    for (code, count) in [("order_conflict", 1), ("unknown_order", 2)] {
        let line = format!("\ngate_fills_refused_total{{code=\"{code}\"}} {count}\n");
        assert!(metrics.contains(&line), "{line}: {metrics}");
    }
}

/// Money stays locked while the venue says nothing; the metrics show that, and its release.
#[test]
fn holds_in_doubt_are_counted_until_they_are_given_back() {
    let flags = ["--set", "token_ttl_s=1", "--set", "in_doubt_release_s=20"];
    let (sidecar, _dir) = fresh(&flags);
    authorize(&mut sidecar.client(), &order("c1", "o-1", 2, "185.00"));
    let says = |line: &str| sidecar.metrics().contains(&format!("\n{line}\n"));
    assert!(says("gate_orders_in_doubt 0"));
    eventually("in doubt", || says("gate_orders_in_doubt 1"));
    assert!(says("gate_orders_in_doubt_held 370"));
    assert!(says("gate_changes_total{what=\"expire\"} 0"));
    eventually("given back", || {
        says("gate_changes_total{what=\"expire\"} 1")
    });
    assert!(says("gate_orders_in_doubt 0"));
}

/// Ready means that the next order can be decided.
#[test]
fn a_sidecar_that_has_no_room_for_another_order_is_not_ready() {
    let (sidecar, _dir) = fresh(&["--set", "max_orders=1"]);
    assert_eq!(sidecar.admin().get("/ready").status, 200);
    authorize(&mut sidecar.client(), &order("c1", "o-1", 1, "185.50"));
    let refused = authorize(&mut sidecar.client(), &order("c1", "o-2", 1, "185.50"));
    assert_eq!(refused.status, 503);
    let ready = sidecar.admin().get("/ready");
    assert_eq!(ready.status, 503);
    assert_eq!(ready.json()["reason"], refused.json()["detail"]);
}

/// Without access to the device, the sidecar serves all the same.
#[test]
fn what_is_asked_of_the_cores_is_in_the_metrics_if_the_kernel_was_asked() {
    let device = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/cpu_dma_latency");
    let driver = std::fs::read_to_string("/sys/devices/system/cpu/cpuidle/current_driver");
    let heeded = driver.is_ok_and(|driver| driver.trim() != "none");
    let metrics = |flags: &[&str]| {
        let (sidecar, _dir) = fresh(flags);
        sidecar.metrics()
    };
    let asked = metrics(&["--set", "wake_latency_us=7"]);
    let told = asked.contains("\ngate_wake_latency_seconds 0.000007000\n");
    assert_eq!(told, device.is_ok() && heeded, "{asked}");
    assert!(!metrics(&[]).contains("gate_wake_latency_seconds"));
}

#[test]
fn the_admin_listener_answers_probes_and_metrics_and_the_public_one_does_not() {
    let (sidecar, _dir) = fresh(&[]);
    authorize(&mut sidecar.client(), &order("c1", "o-1", 1, "185.50"));
    let mut admin = sidecar.admin();
    assert_eq!(admin.get("/live").status, 200);
    assert_eq!(admin.get("/ready").status, 200);
    let metrics = String::from_utf8(admin.get("/metrics").body).unwrap();
    assert!(
        metrics.contains("gate_decisions_total{status=\"AUTHORIZED\"} 1\n"),
        "{metrics}"
    );
    // Read from the writer's connection: the pragmas that durability depends on.
    let sqlite = "journal_mode=\"wal\",synchronous=\"full\",page_size=\"4096\",wal_autocheckpoint=\"0\"} 1\n";
    assert!(metrics.contains(sqlite), "{metrics}");
    assert!(metrics.contains("\ngate_build_info{version="), "{metrics}");
    for limit in [
        "gate_limit{of=\"policy_instructions\"} 25000",
        "gate_limit_bytes{of=\"policy_call_answer\"} 1048576",
        "gate_limit_bytes{of=\"policy_patterns_per_thread\"} 67108864",
        "gate_limit{of=\"policy_pattern_steps\"} 8000000",
        "gate_limit_seconds{of=\"policy_evaluation\"} 0.020000000",
    ] {
        assert!(
            metrics.contains(&format!("\n{limit}\n")),
            "{limit}: {metrics}"
        );
    }
    // Fewer where the limit of open files is lower.
    let (_, connections) = metrics
        .split_once("\ngate_limit{of=\"connections_per_worker\"} ")
        .unwrap();
    let connections: usize = connections.lines().next().unwrap().parse().unwrap();
    assert!((1..=10_000).contains(&connections), "{connections}");
    assert_eq!(admin.get("/openapi.json").json()["openapi"], "3.1.0");
    assert_eq!(admin.post("/v1/authorize", "{}").status, 404);
    assert_eq!(sidecar.client().get("/metrics").status, 404);
}

#[test]
fn ready_says_why_not_while_the_journal_cannot_be_written_and_is_ready_again_after() {
    let (sidecar, dir) = fresh(&[]);
    let foreign = rusqlite::Connection::open(dir.path().join("data/ledger.db")).unwrap();
    foreign.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = authorize(&mut sidecar.client(), &order("c1", "o-1", 1, "185.50"));
    assert_eq!(refused.status, 503);
    let ready = sidecar.admin().get("/ready");
    assert_eq!(ready.status, 503);
    assert_eq!(ready.json()["reason"], "the journal cannot be written");
    assert_eq!(sidecar.client().get("/health").json()["status"], "degraded");

    foreign.execute_batch("ROLLBACK").unwrap();
    eventually("ready", || sidecar.admin().get("/ready").status == 200);
    let taken = authorize(&mut sidecar.client(), &order("c1", "o-2", 1, "185.50"));
    assert_eq!(taken.status, 200);
}

#[test]
fn open_connections_are_counted_while_they_are_open() {
    let (sidecar, _dir) = fresh(&[]);
    let connected = || {
        let mut client = sidecar.client();
        assert_eq!(client.get("/health").status, 200);
        client
    };
    let counted = |expected: usize| {
        let line = format!("\ngate_connections {expected}\n");
        let what = format!("{expected} connections");
        eventually(&what, || sidecar.metrics().contains(&line));
    };
    counted(0);
    let (first, second) = (connected(), connected());
    counted(2);
    drop(first);
    counted(1);
    drop(second);
    counted(0);
}

#[test]
#[cfg(target_os = "linux")]
fn the_process_is_in_the_metrics() {
    let (sidecar, _dir) = fresh(&[]);
    let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let metrics = sidecar.metrics();
    let value = |name: &str| -> f64 {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name}"))
            .trim()
            .parse()
            .unwrap()
    };
    let started = value("process_start_time_seconds ");
    assert!((before.as_secs_f64() - 60.0..=before.as_secs_f64()).contains(&started));
    assert!(value("process_cpu_seconds_total ") > 0.0);
    assert!(value("process_resident_memory_bytes ") > 1e6);
    // The three standard streams, two listeners and this connection, at least.
    let (open, most) = (value("process_open_fds "), value("process_max_fds "));
    assert!((6.0..most).contains(&open), "{open} of {most}");
}

#[test]
fn every_metric_is_in_the_docs_and_every_one_of_the_docs_is_served() {
    /// Exported only under some conditions.
    const ELSEWHERE: [&str; 5] = [
        "gate_key_expires_timestamp_seconds",
        "gate_tls_certificate_expires_timestamp_seconds",
        "gate_tls_clients_refused_total",
        "gate_time_slice_seconds",
        "gate_wake_latency_seconds",
    ];
    let (sidecar, _dir) = fresh(&[]);
    let metrics = sidecar.metrics();
    let families = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "));
    let served: BTreeSet<&str> = families
        .filter_map(|family| family.split(' ').next())
        .collect();
    let docs = include_str!("../../../../docs/metrics.md");
    let (_, tables) = docs.split_once("## Decisions").unwrap();
    let documented: BTreeSet<&str> = tables
        .split('`')
        .filter(|quoted| quoted.starts_with("gate_") || quoted.starts_with("process_"))
        .map(|quoted| quoted.split('{').next().unwrap())
        .collect();
    let undocumented: Vec<_> = served.difference(&documented).collect();
    assert!(undocumented.is_empty(), "not in the docs: {undocumented:?}");
    let not_served: Vec<_> = documented
        .difference(&served)
        .filter(|name| !ELSEWHERE.contains(name))
        .collect();
    assert!(not_served.is_empty(), "not served: {not_served:?}");
    for limit in metrics.split("{of=\"").skip(1) {
        let of = limit.split('"').next().unwrap();
        assert!(tables.contains(&format!("`{of}`")), "not in the docs: {of}");
    }
}
