//! What became of decisions, and how long they took. Every worker thread counts for itself: a
//! counter that two cores write costs each of them more than all the rest of the counting.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use gate_api::Outcome;
use gate_policy::reason::FAULTS;
use parking_lot::Mutex;

use super::{head, seconds};

/// The least between two lines of the log about a policy that fails.
const BETWEEN_WARNINGS: Duration = Duration::from_secs(60);

/// Upper bounds of the latency buckets, in nanoseconds; the last bucket has none.
const BOUNDS_NS: [u64; 14] = [
    1_000,
    2_000,
    5_000,
    10_000,
    20_000,
    50_000,
    100_000,
    200_000,
    500_000,
    1_000_000,
    2_000_000,
    5_000_000,
    10_000_000,
    100_000_000,
];

/// A histogram with fixed bounds: adding to it takes no lock.
#[derive(Debug, Default)]
struct Histogram {
    buckets: [AtomicU64; BOUNDS_NS.len() + 1],
    sum_ns: AtomicU64,
}

impl Histogram {
    fn add(&self, nanos: u64) {
        let bucket = BOUNDS_NS.partition_point(|bound| *bound < nanos);
        if let Some(bucket) = self.buckets.get(bucket) {
            add(bucket, 1);
        }
        add(&self.sum_ns, nanos);
    }

    /// Several, as one.
    fn render(all: &[&Self], out: &mut String, name: &str, label: &str) {
        let sum = |counter: fn(&Self, usize) -> u64, index| {
            all.iter().map(|one| counter(one, index)).sum::<u64>()
        };
        let bucket = |one: &Self, index: usize| one.buckets.get(index).map_or(0, value);
        let mut count = 0;
        for index in 0..=BOUNDS_NS.len() {
            count += sum(bucket, index);
            let bound = BOUNDS_NS
                .get(index)
                .map_or("+Inf".to_owned(), |bound| seconds(*bound));
            let _ = writeln!(out, "{name}_bucket{{{label},le=\"{bound}\"}} {count}");
        }
        let total = seconds(sum(|one, _| value(&one.sum_ns), 0));
        let _ = writeln!(
            out,
            "{name}_sum{{{label}}} {total}\n{name}_count{{{label}}} {count}"
        );
    }
}

/// One worker's counters. Only that worker's thread adds to them; others read.
#[derive(Debug, Default)]
pub(crate) struct Decisions {
    authorized: AtomicU64,
    blocked: AtomicU64,
    replayed: AtomicU64,
    faults: [AtomicU64; FAULTS.len()],
    segments: [Histogram; 5],
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
    /// Counts an order that the policy failed to judge, and says so once in a while: every such order is blocked, and
    /// nobody else may notice.
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

/// Adds, on the only thread that does.
fn add(counter: &AtomicU64, value: u64) {
    let before = counter.load(Ordering::Relaxed);
    counter.store(before.wrapping_add(value), Ordering::Relaxed);
}

fn value(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

/// All workers' counters, added up.
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
        Histogram::render(&all, out, name, &format!("segment=\"{segment}\""));
    }
}

fn sum_of(workers: &[Arc<Decisions>], counter: impl Fn(&Decisions) -> u64) -> u64 {
    workers.iter().map(|worker| counter(worker)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_on_a_bound_counts_below_it_and_all_are_counted() {
        let histogram = Histogram::default();
        for nanos in [0, 1_000, 1_001, u64::MAX / 4] {
            histogram.add(nanos);
        }
        let mut out = String::new();
        Histogram::render(
            &[&histogram, &Histogram::default()],
            &mut out,
            "x",
            "a=\"b\"",
        );
        assert!(
            out.contains("x_bucket{a=\"b\",le=\"0.000001000\"} 2\n"),
            "{out}"
        );
        assert!(
            out.contains("x_bucket{a=\"b\",le=\"0.000002000\"} 3\n"),
            "{out}"
        );
        assert!(out.contains("x_bucket{a=\"b\",le=\"+Inf\"} 4\n"), "{out}");
        assert!(out.contains("x_count{a=\"b\"} 4\n"), "{out}");
    }
}
