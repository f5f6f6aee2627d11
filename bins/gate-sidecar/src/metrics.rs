//! What the sidecar counts, in Prometheus' text format. Every limit is shown: beside its
//! use where that is counted, the others in `limits`.

mod build;
mod decisions;
mod durations;
mod ledger;
mod limits;
mod policy;
mod process;

use std::fmt::{Display, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use gate_api::{Change, Code};
use parking_lot::RwLock;

use crate::http::Shared;
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
    changes: [AtomicU64; CHANGES.len()],
}

/// What the venue's word or an operator's changed, by the name it has in the metrics.
const CHANGES: [(Change, &str); 5] = [
    (Change::Release, "release"),
    (Change::Fill, "fill"),
    (Change::LateFill, "late_fill"),
    (Change::OverFill, "over_fill"),
    (Change::Position, "position"),
];

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

    /// Counts what an event changed, once it was answered.
    pub(crate) fn change(&self, change: Change) {
        let known = CHANGES.iter().position(|(known, _)| *known == change);
        if let Some(counter) = known.and_then(|index| self.changes.get(index)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The text of `/metrics`.
    pub(crate) fn render(&self, shared: &Shared) -> String {
        let mut out = String::with_capacity(16_384);
        build::render(&mut out, shared);
        decisions::render(&mut out, &self.workers.read());
        self.changes(&mut out);
        self.problems(&mut out);
        policy::render(&mut out, shared);
        ledger::render(&mut out, shared);
        connections(&mut out, shared);
        limits::render(&mut out, shared);
        process::render(&mut out, shared.started);
        out
    }

    fn changes(&self, out: &mut String) {
        let name = "gate_changes_total";
        head(out, name, "counter", "What was changed, but for decisions.");
        for ((_, what), counter) in CHANGES.iter().zip(&self.changes) {
            let count = counter.load(Ordering::Relaxed);
            let _ = writeln!(out, "{name}{{what=\"{what}\"}} {count}");
        }
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

/// A family of one value without labels.
fn single(out: &mut String, name: &str, kind: &str, help: &str, value: impl Display) {
    head(out, name, kind, help);
    let _ = writeln!(out, "{name} {value}");
}

/// Connections, and clients that were turned away: nothing of those where none is asked for a certificate.
fn connections(out: &mut String, shared: &Shared) {
    let open = shared.connections.open();
    let help = "Connections that are open on the public listener.";
    single(out, "gate_connections", "gauge", help, open);
    if let Some(refused) = shared.tls.as_ref().and_then(|tls| tls.refused()) {
        let name = "gate_tls_clients_refused_total";
        let help = "Certificates of clients that were refused.";
        single(out, name, "counter", help, refused);
    }
}
