//! What the sidecar counts, in Prometheus' text format. Every limit is shown: beside its
//! use where that is counted, the others in `limits`.

mod decisions;
mod limits;
mod policy;

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use gate_api::Code;
use gate_state::{CheckpointWork, SqliteInfo};
use parking_lot::RwLock;

use crate::http::Shared;
use crate::schedule;
pub(crate) use decisions::Decisions;

/// Nanoseconds as seconds, exactly.
fn seconds(nanos: u64) -> String {
    format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000)
}

/// The counters of one sidecar.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    workers: RwLock<Vec<Arc<Decisions>>>,
    problems: [AtomicU64; Code::ALL.len()],
}

impl Metrics {
    /// The counters of one more worker thread.
    pub(crate) fn worker(&self) -> Arc<Decisions> {
        let decisions = Arc::new(Decisions::default());
        self.workers.write().push(Arc::clone(&decisions));
        decisions
    }

    /// Counts an error that was answered.
    pub(crate) fn problem(&self, code: Code) {
        let index = Code::ALL.iter().position(|known| *known == code);
        if let Some(counter) = index.and_then(|index| self.problems.get(index)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The text of `/metrics`.
    pub(crate) fn render(&self, shared: &Shared) -> String {
        let mut out = String::with_capacity(16_384);
        build(&mut out, shared);
        decisions::render(&mut out, &self.workers.read());
        self.problems(&mut out);
        policy::render(&mut out, shared);
        ledger(&mut out, shared);
        limits::render(&mut out, shared);
        out
    }

    fn problems(&self, out: &mut String) {
        head(
            out,
            "gate_problems_total",
            "counter",
            "Requests answered with a problem.",
        );
        for (code, counter) in Code::ALL.iter().zip(&self.problems) {
            let (code, count) = (code.as_str(), counter.load(Ordering::Relaxed));
            let _ = writeln!(out, "gate_problems_total{{code=\"{code}\"}} {count}");
        }
    }
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

/// What runs: constants that a dashboard joins on, and a report of a measurement names.
fn build(out: &mut String, shared: &Shared) {
    head(out, "gate_build_info", "gauge", "This build.");
    let version = env!("CARGO_PKG_VERSION");
    let _ = writeln!(out, "gate_build_info{{version=\"{version}\"}} 1");
    let name = "gate_sqlite_info";
    head(
        out,
        name,
        "gauge",
        "SQLite as the journal's writer uses it.",
    );
    let SqliteInfo {
        version,
        journal_mode,
        synchronous,
        page_size,
        wal_autocheckpoint,
    } = shared.gate.ledger().sqlite();
    let _ = writeln!(
        out,
        "{name}{{version=\"{version}\",journal_mode=\"{journal_mode}\",\
         synchronous=\"{synchronous}\",page_size=\"{page_size}\",\
         wal_autocheckpoint=\"{wal_autocheckpoint}\"}} 1"
    );
    if let Some(slice) = schedule::time_slice_ns() {
        let name = "gate_time_slice_seconds";
        head(out, name, "gauge", "Time slice of a thread, in force.");
        let _ = writeln!(out, "{name} {}", seconds(slice));
    }
    if let Some(asked) = &shared.wake_latency {
        let name = "gate_wake_latency_seconds";
        let help = "How long a core may take to wake, as asked of the kernel.";
        head(out, name, "gauge", help);
        let nanos = asked.micros().saturating_mul(1_000);
        let _ = writeln!(out, "{name} {}", seconds(nanos));
    }
}

fn ledger(out: &mut String, shared: &Shared) {
    let health = shared.gate.ledger().health();
    let ready = u64::from(shared.is_ready());
    let remembered = u64::try_from(health.remembered).unwrap_or(u64::MAX);
    for (name, kind, help, value) in [
        (
            "gate_ready",
            "gauge",
            "1 when an order sent now can be decided.",
            ready,
        ),
        (
            "gate_journal_queue",
            "gauge",
            "Records waiting for the disk.",
            health.queue_depth,
        ),
        (
            "gate_journal_queue_limit",
            "gauge",
            "Records that may wait.",
            health.queue_capacity,
        ),
        (
            "gate_journal_seq",
            "gauge",
            "Last durable record.",
            health.durable_seq.get(),
        ),
        (
            "gate_journal_commits_total",
            "counter",
            "Commits, one sync each.",
            health.commits,
        ),
        (
            "gate_journal_bytes_total",
            "counter",
            "Bytes committed.",
            health.commit_bytes,
        ),
        (
            "gate_journal_wal_bytes",
            "gauge",
            "Size of the write-ahead log.",
            health.wal_bytes,
        ),
        (
            "gate_journal_wal_limit_bytes",
            "gauge",
            "Beyond which the journal waits for whoever keeps the log from starting over.",
            health.wal_limit_bytes,
        ),
        (
            "gate_orders_in_flight",
            "gauge",
            "Orders being decided.",
            u64::try_from(shared.admission.inside()).unwrap_or(u64::MAX),
        ),
        (
            "gate_orders_in_flight_worker_limit",
            "gauge",
            "Orders that one worker decides at once.",
            u64::try_from(shared.admission.limit_per_worker()).unwrap_or(u64::MAX),
        ),
        (
            "gate_orders_remembered",
            "gauge",
            "Orders remembered.",
            remembered,
        ),
        (
            "gate_journal_begin_seq",
            "gauge",
            "Last pruned record, 0 when none was.",
            health.begin_seq.get(),
        ),
        (
            "gate_journal_snapshot_seq",
            "gauge",
            "A start replays the records from here on.",
            health.snapshot_seq.get(),
        ),
        (
            "gate_journal_retention_seconds",
            "gauge",
            "Age from which records are pruned, 0 when never.",
            shared.retention_days.saturating_mul(86_400),
        ),
        (
            "gate_orders_remembered_limit",
            "gauge",
            "Orders that may be remembered.",
            shared.max_orders,
        ),
    ] {
        head(out, name, kind, help);
        let _ = writeln!(out, "{name} {value}");
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
        head(out, name, "gauge", help);
        let _ = writeln!(out, "{name} {}", seconds(nanos));
    }
    if let Some(nice) = health.writer_nice {
        let name = "gate_journal_writer_nice";
        head(
            out,
            name,
            "gauge",
            "Nice level of the journal's thread, in force.",
        );
        let _ = writeln!(out, "{name} {nice}");
    }
    checkpoints(
        out,
        [
            ("bulk", health.checkpoint_bulk),
            ("tail", health.checkpoint_tail),
        ],
    );
}

fn checkpoints(out: &mut String, work: [(&str, CheckpointWork); 2]) {
    let name = "gate_journal_checkpoints_total";
    head(
        out,
        name,
        "counter",
        "Checkpoints: in bulk beside the writer, the tail by it.",
    );
    for (part, work) in work {
        let _ = writeln!(out, "{name}{{part=\"{part}\"}} {}", work.count);
    }
    let name = "gate_journal_checkpoint_seconds_total";
    head(out, name, "counter", "Time spent in checkpoints.");
    for (part, work) in work {
        let _ = writeln!(out, "{name}{{part=\"{part}\"}} {}", seconds(work.total_ns));
    }
    let name = "gate_journal_checkpoint_max_seconds";
    head(out, name, "gauge", "The longest checkpoint.");
    for (part, work) in work {
        let _ = writeln!(out, "{name}{{part=\"{part}\"}} {}", seconds(work.max_ns));
    }
}
