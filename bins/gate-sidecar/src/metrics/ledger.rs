//! Metrics of the ledger and its journal, each count next to its limit.

use std::fmt::Write as _;

use gate_state::{CheckpointWork, Health, InDoubt, ThrownSwitch};

use super::durations::histogram;
use super::{head, seconds, single};
use crate::http::Shared;

pub(super) fn render(out: &mut String, shared: &Shared) {
    let health = shared.gate.ledger().health();
    orders(out, shared, &health);
    in_doubt(out, &shared.gate.ledger().in_doubt());
    kills(out, &shared.gate.ledger().kills());
    journal(out, shared, &health);
    commits(out, &health);
    checkpoints(
        out,
        [
            ("bulk", health.checkpoint_bulk),
            ("tail", health.checkpoint_tail),
        ],
    );
}

fn kills(out: &mut String, kills: &[ThrownSwitch]) {
    let name = "gate_kill_switches";
    head(out, name, "gauge", "Kill switches that are thrown.");
    for scope in ["all", "client", "symbol"] {
        let of_it = kills
            .iter()
            .filter(|thrown| thrown.kill.scope.kind() == scope);
        let thrown = of_it.count();
        let _ = writeln!(out, "{name}{{scope=\"{scope}\"}} {thrown}");
    }
}

fn in_doubt(out: &mut String, in_doubt: &InDoubt) {
    let help = "Orders of which nothing was heard before their tokens expired.";
    single(out, "gate_orders_in_doubt", "gauge", help, in_doubt.orders);
    let help = "What they hold, in the account's currency.";
    single(
        out,
        "gate_orders_in_doubt_held",
        "gauge",
        help,
        in_doubt.held,
    );
}

fn orders(out: &mut String, shared: &Shared, health: &Health) {
    let mut gauge = |name, help, value| single(out, name, "gauge", help, value);
    gauge(
        "gate_ready",
        "1 when an order sent now can be decided.",
        u64::from(shared.is_ready()),
    );
    gauge(
        "gate_orders_in_flight",
        "Orders being decided.",
        count(shared.admission.inside()),
    );
    gauge(
        "gate_orders_in_flight_worker_limit",
        "Orders that one worker decides at once.",
        count(shared.admission.limit_per_worker()),
    );
    gauge(
        "gate_orders_remembered",
        "Orders remembered.",
        count(health.remembered),
    );
    gauge(
        "gate_orders_remembered_limit",
        "Orders that may be remembered.",
        count(shared.config.max_orders),
    );
}

fn journal(out: &mut String, shared: &Shared, health: &Health) {
    let mut gauge = |name, help, value| single(out, name, "gauge", help, value);
    gauge(
        "gate_journal_queue",
        "Records waiting for the disk.",
        health.queue_depth,
    );
    gauge(
        "gate_journal_queue_limit",
        "Records that may wait.",
        health.queue_capacity,
    );
    gauge(
        "gate_journal_seq",
        "Last durable record.",
        health.durable_seq.get(),
    );
    gauge(
        "gate_journal_begin_seq",
        "Last pruned record, 0 when none was.",
        health.begin_seq.get(),
    );
    gauge(
        "gate_journal_snapshot_seq",
        "A start replays the records from here on.",
        health.snapshot_seq.get(),
    );
    gauge(
        "gate_journal_retention_seconds",
        "Age from which records are pruned, 0 when never.",
        shared.config.retention_days.saturating_mul(86_400),
    );
    gauge(
        "gate_journal_wal_bytes",
        "Size of the write-ahead log.",
        health.wal_bytes,
    );
    gauge(
        "gate_journal_wal_limit_bytes",
        "Beyond which the journal waits for whoever keeps the log from starting over.",
        health.wal_limit_bytes,
    );
}

fn commits(out: &mut String, health: &Health) {
    for (name, help, total) in [
        (
            "gate_journal_commits_total",
            "Commits, one sync each.",
            health.commits,
        ),
        (
            "gate_journal_bytes_total",
            "Bytes committed.",
            health.commit_bytes,
        ),
    ] {
        single(out, name, "counter", help, total);
    }
    for (name, help, nanos) in [
        (
            "gate_journal_commit_last_seconds",
            "The last commit.",
            health.commit_last_ns,
        ),
        (
            "gate_journal_commit_max_seconds",
            "The longest commit.",
            health.commit_max_ns,
        ),
    ] {
        single(out, name, "gauge", help, seconds(nanos));
    }
    let (name, times) = ("gate_journal_commit_seconds", health.commit_times);
    head(
        out,
        name,
        "histogram",
        "Time of a commit, its sync included.",
    );
    histogram(out, name, "", times.classes(), times.total_ns());
    if let Some(nice) = health.writer_nice {
        let help = "Nice level of the journal's thread, in force.";
        single(out, "gate_journal_writer_nice", "gauge", help, nice);
    }
}

fn checkpoints(out: &mut String, work: [(&str, CheckpointWork); 2]) {
    let mut parts = |name, kind, help, value: fn(CheckpointWork) -> String| {
        head(out, name, kind, help);
        for (part, work) in work {
            let _ = writeln!(out, "{name}{{part=\"{part}\"}} {}", value(work));
        }
    };
    parts(
        "gate_journal_checkpoints_total",
        "counter",
        "Checkpoints: in bulk beside the writer, the tail by it.",
        |work| work.count.to_string(),
    );
    parts(
        "gate_journal_checkpoint_seconds_total",
        "counter",
        "Time spent in checkpoints.",
        |work| seconds(work.total_ns),
    );
    parts(
        "gate_journal_checkpoint_max_seconds",
        "gauge",
        "The longest checkpoint.",
        |work| seconds(work.max_ns),
    );
}

fn count(of: usize) -> u64 {
    u64::try_from(of).unwrap_or(u64::MAX)
}
