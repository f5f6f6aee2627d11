//! A histogram as the report has it: percentiles in milliseconds.

use hdrhistogram::{Counter, Histogram};
use serde::Serialize;

/// A distribution of times in milliseconds.
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[expect(missing_docs, reason = "the names are the percentiles")]
pub struct Latency {
    pub count: u64,
    pub min: f64,
    pub mean: f64,
    pub p50: f64,
    pub p75: f64,
    pub p90: f64,
    pub p95: f64,
    pub p99: f64,
    #[serde(rename = "p99.9")]
    pub p99_9: f64,
    #[serde(rename = "p99.99")]
    pub p99_99: f64,
    pub max: f64,
}

/// `percent` of the responses took at most `ms`.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct PercentilePoint {
    pub percent: f64,
    pub ms: f64,
}

impl Latency {
    /// Of a histogram in nanoseconds.
    #[must_use]
    pub fn of<C: Counter>(histogram: &Histogram<C>) -> Self {
        if histogram.is_empty() {
            return Self::default();
        }
        let at = |quantile| ms(histogram.value_at_quantile(quantile));
        Self {
            count: histogram.len(),
            min: ms(histogram.min()),
            mean: round(histogram.mean() / 1e6),
            p50: at(0.50),
            p75: at(0.75),
            p90: at(0.90),
            p95: at(0.95),
            p99: at(0.99),
            p99_9: at(0.999),
            p99_99: at(0.9999),
            max: ms(histogram.max()),
        }
    }
}

/// Percentiles for a plot, denser towards the tail.
pub(super) fn percentiles(histogram: &Histogram<u64>) -> Vec<PercentilePoint> {
    let mut points: Vec<PercentilePoint> = Vec::new();
    if histogram.is_empty() {
        return points;
    }
    for value in histogram.iter_quantiles(4) {
        let percent = value.quantile_iterated_to() * 100.0;
        let ms = ms(value.value_iterated_to());
        points.push(PercentilePoint { percent, ms });
    }
    points
}

pub(super) fn ms(nanos: u64) -> f64 {
    round(nanos as f64 / 1e6)
}

/// Six decimals: whole nanoseconds of a millisecond, and nothing that only looks exact.
pub(super) fn round(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}
