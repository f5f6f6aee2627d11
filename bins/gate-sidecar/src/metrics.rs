//! The metrics, in Prometheus' text format. Every limit is exported: next to its use where that is
//! counted, the others in `limits`.

mod decisions;
mod durations;
mod ledger;
mod limits;
mod policy;
mod process;
mod runtime;

use std::fmt::{Display, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use gate_api::{Change, Code};
use parking_lot::RwLock;

use crate::http::Shared;
use crate::tls::Ends;
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
    expired: AtomicU64,
    refused_fills: [AtomicU64; REFUSED_FILLS.len()],
}

/// Changes by the venue or an operator, with their names in the metrics.
const CHANGES: [(Change, &str); 5] = [
    (Change::Release, "release"),
    (Change::Fill, "fill"),
    (Change::LateFill, "late_fill"),
    (Change::OverFill, "over_fill"),
    (Change::Position, "position"),
];

/// The codes of refused fills: trades that no exposure accounts for.
const REFUSED_FILLS: [Code; 3] = [
    Code::UnknownOrder,
    Code::OrderConflict,
    Code::TooManyReports,
];

impl Metrics {
    /// Adds and returns the counters of one more worker thread.
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

    /// Counts holds in doubt that were released.
    pub(crate) fn expired(&self, holds: usize) {
        let holds = u64::try_from(holds).unwrap_or(u64::MAX);
        self.expired.fetch_add(holds, Ordering::Relaxed);
    }

    /// Counts a refused fill, if its code is one of [`REFUSED_FILLS`].
    pub(crate) fn refused_fill(&self, code: Code) {
        let known = REFUSED_FILLS.iter().position(|known| *known == code);
        if let Some(counter) = known.and_then(|index| self.refused_fills.get(index)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The text of `/metrics`.
    pub(crate) fn render(&self, shared: &Shared) -> String {
        let mut out = String::with_capacity(16_384);
        runtime::render(&mut out, shared);
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
        let expired = self.expired.load(Ordering::Relaxed);
        let _ = writeln!(out, "{name}{{what=\"expire\"}} {expired}");
        let name = "gate_fills_refused_total";
        head(out, name, "counter", "Fills that count nowhere.");
        for (code, counter) in REFUSED_FILLS.iter().zip(&self.refused_fills) {
            let (code, count) = (code.as_str(), counter.load(Ordering::Relaxed));
            let _ = writeln!(out, "{name}{{code=\"{code}\"}} {count}");
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

/// Writes a family of one value without labels.
fn single(out: &mut String, name: &str, kind: &str, help: &str, value: impl Display) {
    head(out, name, kind, help);
    let _ = writeln!(out, "{name} {value}");
}

/// Open connections, expiry of certificates, and refused client certificates where they are
/// requested.
fn connections(out: &mut String, shared: &Shared) {
    let open = shared.connections.open();
    let help = "Connections that are open on the public listener.";
    single(out, "gate_connections", "gauge", help, open);
    let Some(tls) = &shared.tls else {
        return;
    };
    let Ends { server, client_ca } = tls.ends();
    let name = "gate_tls_certificate_expires_timestamp_seconds";
    let help = "When the first certificate of a file is not valid any more.";
    head(out, name, "gauge", help);
    for (of, end) in [("server", server), ("client_ca", client_ca)] {
        if let Some(end) = end {
            let _ = writeln!(out, "{name}{{of=\"{of}\"}} {end}");
        }
    }
    if let Some(refused) = tls.refused() {
        let name = "gate_tls_clients_refused_total";
        let help = "Certificates of clients that were refused.";
        single(out, name, "counter", help, refused);
    }
}
