//! Histograms of durations.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use super::seconds;

/// Upper bounds of the buckets, in nanoseconds; the last bucket has none.
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

/// A histogram of durations. Only one thread adds to it, so adding takes no lock; others read.
#[derive(Debug, Default)]
pub(super) struct Durations {
    classes: [AtomicU64; BOUNDS_NS.len() + 1],
    sum_ns: AtomicU64,
}

impl Durations {
    pub(super) fn add(&self, nanos: u64) {
        let class = BOUNDS_NS.partition_point(|bound| *bound < nanos);
        if let Some(class) = self.classes.get(class) {
            add(class, 1);
        }
        add(&self.sum_ns, nanos);
    }
}

/// Adds to a counter that no other thread writes.
pub(super) fn add(counter: &AtomicU64, value: u64) {
    let before = counter.load(Ordering::Relaxed);
    counter.store(before.wrapping_add(value), Ordering::Relaxed);
}

/// Writes the sum of several histograms.
pub(super) fn render(all: &[&Durations], out: &mut String, name: &str, label: &str) {
    let bounds = BOUNDS_NS.into_iter().map(Some).chain([None]);
    let classes = bounds.enumerate().map(|(index, bound)| {
        let of = |one: &&Durations| {
            let class = one.classes.get(index);
            class.map_or(0, |class| class.load(Ordering::Relaxed))
        };
        (bound, all.iter().map(of).sum())
    });
    let sums = all.iter().map(|one| one.sum_ns.load(Ordering::Relaxed));
    histogram(out, name, label, classes, sums.sum());
}

/// Writes a histogram. `classes` are the buckets: the upper bound in nanoseconds (`None`:
/// unbounded), and the count in that bucket alone.
pub(super) fn histogram(
    out: &mut String,
    name: &str,
    label: &str,
    classes: impl IntoIterator<Item = (Option<u64>, u64)>,
    sum_ns: u64,
) {
    let comma = if label.is_empty() { "" } else { "," };
    let mut count = 0;
    for (bound, in_class) in classes {
        count += in_class;
        let bound = bound.map_or("+Inf".to_owned(), seconds);
        let _ = writeln!(out, "{name}_bucket{{{label}{comma}le=\"{bound}\"}} {count}");
    }
    let braces = if label.is_empty() {
        String::new()
    } else {
        format!("{{{label}}}")
    };
    let sum = seconds(sum_ns);
    let _ = writeln!(
        out,
        "{name}_sum{braces} {sum}\n{name}_count{braces} {count}"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_on_a_bound_counts_below_it_and_all_are_counted() {
        let durations = Durations::default();
        for nanos in [0, 1_000, 1_001, u64::MAX / 4] {
            durations.add(nanos);
        }
        let mut out = String::new();
        render(
            &[&durations, &Durations::default()],
            &mut out,
            "x",
            "a=\"b\"",
        );
        for line in [
            "x_bucket{a=\"b\",le=\"0.000001000\"} 2\n",
            "x_bucket{a=\"b\",le=\"0.000002000\"} 3\n",
            "x_bucket{a=\"b\",le=\"+Inf\"} 4\n",
            "x_count{a=\"b\"} 4\n",
        ] {
            assert!(out.contains(line), "{line} is not in\n{out}");
        }
    }

    #[test]
    fn a_histogram_without_labels_has_no_empty_ones() {
        let mut out = String::new();
        histogram(&mut out, "x", "", [(Some(1_000), 2), (None, 1)], 5_000);
        let expected = "x_bucket{le=\"0.000001000\"} 2\nx_bucket{le=\"+Inf\"} 3\n\
                        x_sum 0.000005000\nx_count 3\n";
        assert_eq!(out, expected);
    }
}
