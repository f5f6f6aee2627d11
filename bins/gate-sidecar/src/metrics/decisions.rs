//! Counts decisions and how long they took. Each worker thread has its own counters: one that two
//! cores write would cost each of them more than all other counting.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use gate_api::Outcome;
use gate_policy::reason::FAULTS;
use parking_lot::Mutex;

use super::durations::{self, Durations, add};
use super::head;

/// The least time between two warnings about a failing policy.
const BETWEEN_WARNINGS: Duration = Duration::from_secs(60);

/// One worker's counters. Only that worker's thread adds to them; others read.
#[derive(Debug, Default)]
pub(crate) struct Decisions {
    authorized: AtomicU64,
    blocked: AtomicU64,
    replayed: AtomicU64,
    faults: [AtomicU64; FAULTS.len()],
    segments: [Durations; 5],
}

impl Decisions {
    /// Counts a decision that was answered.
    pub(crate) fn add(&self, outcome: &Outcome) {
        let counter = if outcome.replayed {
            &self.replayed
        } else if outcome.authorized {
            &self.authorized
        } else {
            &self.blocked
        };
        add(counter, 1);
        if let (Some(fault), false) = (outcome.fault, outcome.replayed) {
            self.add_fault(fault);
        }
        for (histogram, (_, nanos)) in self.segments.iter().zip(outcome.timing.segments()) {
            histogram.add(nanos);
        }
    }
}

impl Decisions {
    /// Counts an order that the policy failed to judge, and warns once in a while: such orders are
    /// blocked, and nobody else may notice.
    fn add_fault(&self, fault: &'static str) {
        static TOLD: Mutex<Option<Instant>> = Mutex::new(None);
        let counters = FAULTS.iter().zip(&self.faults);
        for (_, counter) in counters.filter(|(name, _)| **name == fault) {
            add(counter, 1);
        }
        let mut told = TOLD.lock();
        if told.is_none_or(|told| told.elapsed() > BETWEEN_WARNINGS) {
            *told = Some(Instant::now());
            tracing::warn!(
                reason = fault,
                "the policy fails to judge orders, which are blocked; `gate-sidecar policy eval` says why"
            );
        }
    }
}

fn value(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

/// Writes the sums over all workers.
pub(super) fn render(out: &mut String, workers: &[Arc<Decisions>]) {
    let sum = |counter: fn(&Decisions) -> u64| sum_of(workers, counter);
    let name = "gate_decisions_total";
    head(out, name, "counter", "Decisions answered.");
    let (authorized, blocked) = (
        sum(|worker| value(&worker.authorized)),
        sum(|worker| value(&worker.blocked)),
    );
    let _ = writeln!(out, "{name}{{status=\"AUTHORIZED\"}} {authorized}");
    let _ = writeln!(out, "{name}{{status=\"BLOCKED\"}} {blocked}");
    let name = "gate_policy_faults_total";
    head(
        out,
        name,
        "counter",
        "Orders blocked because the policy failed to judge them.",
    );
    for (index, reason) in FAULTS.into_iter().enumerate() {
        let count = sum_of(workers, |worker| worker.faults.get(index).map_or(0, value));
        let _ = writeln!(out, "{name}{{reason=\"{reason}\"}} {count}");
    }
    let name = "gate_replays_total";
    head(
        out,
        name,
        "counter",
        "Decisions answered again from the journal.",
    );
    let _ = writeln!(out, "{name} {}", sum(|worker| value(&worker.replayed)));
    let name = "gate_decision_seconds";
    head(out, name, "histogram", "Time of a decision by segment.");
    let names = gate_api::Timing::default().segments();
    for (index, (segment, _)) in names.into_iter().enumerate() {
        let all: Vec<_> = workers
            .iter()
            .filter_map(|worker| worker.segments.get(index))
            .collect();
        durations::render(&all, out, name, &format!("segment=\"{segment}\""));
    }
}

fn sum_of(workers: &[Arc<Decisions>], counter: impl Fn(&Decisions) -> u64) -> u64 {
    workers.iter().map(|worker| counter(worker)).sum()
}
