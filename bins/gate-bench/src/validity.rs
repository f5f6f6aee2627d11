//! When a run says more about the generator than about the server.

use crate::run::{Mode, Run};

/// The generator may notice one request in a hundred this late, no later.
pub const WAKE_LAG_P99_MAX_MS: f64 = 1.0;

/// Why the run's figures must not be used; empty when they may.
#[must_use]
pub(crate) fn reasons(run: &Run) -> Vec<String> {
    let recorder = &run.recorder;
    let mut reasons = Vec::new();
    if recorder.counts.completed == 0 {
        reasons.push("not one response was measured".to_owned());
    }
    if let Mode::Open(rate) = run.config.mode {
        let lag_ms = recorder.wake_lag.value_at_quantile(0.99) as f64 / 1e6;
        if lag_ms > WAKE_LAG_P99_MAX_MS {
            reasons.push(format!(
                "the generator fell behind its own schedule: p99 {lag_ms:.3} ms late, \
                 {WAKE_LAG_P99_MAX_MS} ms allowed"
            ));
        }
        let due = rate.per_s * rate.duration.as_secs_f64();
        let noticed = recorder.wake_lag.len() as f64;
        // Poisson counts vary; three deviations are the schedule's own doing.
        if noticed < due * 0.99 - 3.0 * due.sqrt() {
            reasons.push(format!(
                "only {noticed} of {due:.0} scheduled requests came due before the run ended"
            ));
        }
    }
    reasons
}
