//! Several open loops, one after another: a sweep over given rates, and the search for the
//! highest rate that still meets the objective.

use serde::Serialize;

use crate::report::Report;

/// What a rate has to meet.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Objective {
    /// The 99th percentile of the response time stays below this.
    pub p99_ms: f64,
    /// At most this share of requests, in per cent, ends otherwise than with a 200.
    pub errors_percent: f64,
}

impl Objective {
    /// Whether a run met it. A run that is not valid met nothing.
    #[must_use]
    pub fn is_met(&self, report: &Report) -> bool {
        let asked = report.counts.sent + report.counts.unsent;
        let errors_percent = 100.0 * report.counts.errors as f64 / asked.max(1) as f64;
        report.valid
            && report.response_time_ms.p99 < self.p99_ms
            && errors_percent <= self.errors_percent
    }
}

/// A finished sweep or search.
#[derive(Debug, Clone, Serialize)]
pub struct Series {
    /// `gate-bench-series-v1`.
    pub schema: &'static str,
    /// What was to be met.
    pub objective: Objective,
    /// The highest rate that met it; `None` when none did.
    pub best_rate_per_s: Option<f64>,
    /// The runs in the order they were made.
    pub runs: Vec<Step>,
}

/// One rate of a series.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    /// The rate.
    pub rate_per_s: f64,
    /// Whether it met the objective.
    pub met: bool,
    /// The whole report.
    pub report: Report,
}

impl Series {
    fn new(objective: Objective, runs: Vec<Step>) -> Self {
        let met = runs.iter().filter(|step| step.met);
        Self {
            schema: "gate-bench-series-v1",
            objective,
            best_rate_per_s: met.map(|step| step.rate_per_s).reduce(f64::max),
            runs,
        }
    }

    /// Whether a rate met the objective, nothing was interrupted, and every sampled token verified.
    #[must_use]
    pub fn is_good(&self) -> bool {
        let is_whole = |report: &Report| !report.interrupted && report.tokens.failed == 0;
        self.best_rate_per_s.is_some() && self.runs.iter().all(|step| is_whole(&step.report))
    }
}

/// The most runs that decide on a rate.
const MOST_TRIES: usize = 3;

/// Runs every rate in turn, up to the one that is interrupted.
///
/// # Errors
/// Those of `measure`.
pub fn sweep(
    rates: &[f64],
    objective: Objective,
    mut measure: impl FnMut(f64) -> anyhow::Result<Report>,
) -> anyhow::Result<Series> {
    let mut runs = Vec::with_capacity(rates.len());
    for rate in rates {
        let step = step(*rate, objective, &mut measure)?;
        let interrupted = step.report.interrupted;
        runs.push(step);
        if interrupted {
            break;
        }
    }
    Ok(Series::new(objective, runs))
}

/// Doubles the rate from `from` until the objective is missed or `to` is reached, then halves the
/// gap between the highest met and the lowest missed rate until it is within `precision_percent`
/// of the lower. A rate is missed when two valid runs miss it, or any three: one hiccup of the
/// machine must not end the search far below what the server can do, and a run that is not valid says little of
/// the server. An interrupted run ends the search.
///
/// # Errors
/// Those of `measure`.
pub fn saturate(
    range: (f64, f64),
    precision_percent: f64,
    objective: Objective,
    mut measure: impl FnMut(f64) -> anyhow::Result<Report>,
) -> anyhow::Result<Series> {
    let (from, to) = range;
    let mut runs = Vec::new();
    let mut met = None;
    let mut missed = None;
    let mut rate = from;
    loop {
        let (mut tries, mut valid) = (0, 0);
        let is_met = loop {
            let step = self::step(rate, objective, &mut measure)?;
            tries += 1;
            valid += usize::from(step.report.valid);
            let is_met = step.met;
            let interrupted = step.report.interrupted;
            runs.push(step);
            if interrupted {
                return Ok(Series::new(objective, runs));
            }
            if is_met || valid == 2 || tries == MOST_TRIES {
                break is_met;
            }
        };
        if is_met {
            met = Some(rate);
        } else {
            missed = Some(rate);
        }
        rate = match (met, missed) {
            // Not even the first rate is met: there is nothing to search.
            (None, _) => break,
            (Some(low), None) if low >= to => break,
            (Some(low), None) => (low * 2.0).min(to),
            (Some(low), Some(high)) if high - low <= low * precision_percent / 100.0 => break,
            (Some(low), Some(high)) => {
                let middle = f64::midpoint(low, high);
                // Whole rates read better, where there is one in between.
                let whole = middle.round();
                if low < whole && whole < high {
                    whole
                } else {
                    middle
                }
            }
        };
        if met.is_some_and(|low| rate <= low) || missed.is_some_and(|high| rate >= high) {
            break;
        }
    }
    Ok(Series::new(objective, runs))
}

fn step(
    rate_per_s: f64,
    objective: Objective,
    measure: &mut impl FnMut(f64) -> anyhow::Result<Report>,
) -> anyhow::Result<Step> {
    let report = measure(rate_per_s)?;
    Ok(Step {
        rate_per_s,
        met: objective.is_met(&report),
        report,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OBJECTIVE: Objective = Objective {
        p99_ms: 10.0,
        errors_percent: 0.0,
    };

    /// A server that is quick up to `capacity` and slow beyond it.
    fn server(capacity: f64) -> impl FnMut(f64) -> anyhow::Result<Report> {
        move |rate| {
            let mut report = Report::empty();
            report.valid = true;
            report.response_time_ms.p99 = if rate <= capacity { 1.0 } else { 100.0 };
            Ok(report)
        }
    }

    #[track_caller]
    fn found(capacity: f64) -> (Option<f64>, usize) {
        let series = saturate((1000.0, 64_000.0), 5.0, OBJECTIVE, server(capacity)).unwrap();
        (series.best_rate_per_s, series.runs.len())
    }

    #[test]
    fn the_search_closes_in_on_the_capacity() {
        let (best, runs) = found(23_456.0);
        let best = best.unwrap();
        assert!((22_000.0..=23_456.0).contains(&best), "{best}");
        // Five doublings met and the miss, then halvings of the 16,000 between down to 5 %; a
        // miss counts twice.
        assert!(runs <= 5 + 2 + 5 * 2, "{runs}");
    }

    #[test]
    fn the_search_ends_at_any_rate_and_any_precision() {
        for (range, precision, capacity) in [
            ((1.0, 100.0), 5.0, 7.5),
            ((20.0, 40.0), 0.5, 23.9),
            ((1000.0, 64_000.0), 1e-12, 23_456.0),
        ] {
            let series = saturate(range, precision, OBJECTIVE, server(capacity)).unwrap();
            let best = series.best_rate_per_s.unwrap();
            assert!(best <= capacity && best >= capacity * 0.95, "{best}");
            assert!(series.runs.len() < 200, "{}", series.runs.len());
        }
    }

    #[test]
    fn one_hiccup_does_not_end_the_search() {
        let mut quiet = server(23_456.0);
        let mut hiccups = vec![2000.0, 16_000.0];
        let series = saturate((1000.0, 64_000.0), 5.0, OBJECTIVE, |rate| {
            let hiccup = hiccups.iter().position(|at| *at == rate);
            hiccup.map(|at| hiccups.swap_remove(at));
            quiet(if hiccup.is_some() { f64::MAX } else { rate })
        });
        let best = series.unwrap().best_rate_per_s.unwrap();
        assert!((22_000.0..=23_456.0).contains(&best), "{best}");
    }

    #[test]
    fn two_runs_in_which_the_generator_was_late_do_not_end_the_search() {
        let mut quiet = server(23_456.0);
        let mut late = 2;
        let series = saturate((1000.0, 64_000.0), 5.0, OBJECTIVE, |rate| {
            let is_late = rate == 2000.0 && late > 0;
            late -= usize::from(is_late);
            let mut report = quiet(if is_late { f64::MAX } else { rate })?;
            report.valid = !is_late;
            Ok(report)
        });
        let best = series.unwrap().best_rate_per_s.unwrap();
        assert!((22_000.0..=23_456.0).contains(&best), "{best}");
    }

    #[test]
    fn a_search_ends_whose_runs_are_never_valid() {
        let series = saturate((1000.0, 64_000.0), 5.0, OBJECTIVE, |_| Ok(Report::empty()));
        let series = series.unwrap();
        assert_eq!((series.best_rate_per_s, series.runs.len()), (None, 3));
    }

    #[test]
    fn the_search_ends_at_its_bounds() {
        assert_eq!(found(500.0), (None, 2));
        assert_eq!(found(1e9), (Some(64_000.0), 7));
    }

    /// Whoever presses Ctrl-C does not want the next rate to begin.
    #[test]
    fn an_interrupted_run_is_the_last_one() {
        let interrupted_at = |last: f64| {
            move |rate: f64| {
                let mut report = Report::empty();
                report.interrupted = rate >= last;
                report.valid = !report.interrupted;
                Ok(report)
            }
        };
        let rates = [1.0, 2.0, 4.0, 8.0];
        let swept = sweep(&rates, OBJECTIVE, interrupted_at(4.0)).unwrap();
        let searched = saturate((1.0, 8.0), 1.0, OBJECTIVE, interrupted_at(4.0)).unwrap();
        for series in [swept, searched] {
            let ran: Vec<_> = series.runs.iter().map(|step| step.rate_per_s).collect();
            assert_eq!(ran, [1.0, 2.0, 4.0]);
            assert_eq!(series.best_rate_per_s, Some(2.0));
            assert!(!series.is_good());
        }
    }

    #[test]
    fn an_invalid_run_meets_nothing() {
        let mut report = Report::empty();
        report.valid = false;
        assert!(!OBJECTIVE.is_met(&report));
        report.valid = true;
        assert!(OBJECTIVE.is_met(&report));
        report.counts.sent = 1000;
        report.counts.errors = 1;
        assert!(!OBJECTIVE.is_met(&report));
    }

    #[test]
    fn a_sweep_runs_every_rate() {
        let series = sweep(&[1000.0, 5000.0, 3000.0], OBJECTIVE, server(4000.0)).unwrap();
        assert_eq!(series.runs.len(), 3);
        assert_eq!(series.best_rate_per_s, Some(3000.0));
        assert!(series.is_good());
        let mut forged = server(4000.0);
        let forged = sweep(&[1000.0], OBJECTIVE, |rate| {
            let mut report = forged(rate)?;
            report.tokens.failed = 1;
            Ok(report)
        });
        assert!(!forged.unwrap().is_good());
    }
}
