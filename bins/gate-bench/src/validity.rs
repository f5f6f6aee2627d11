//! Tells when a run says more about the generator than about the server.

use crate::run::{Mode, Run};
use crate::verify::Tokens;

/// The generator may notice one request in a hundred this late, no later.
pub const WAKE_LAG_P99_MAX_MS: f64 = 1.0;

/// The loop is woken every 50 ms; a generator that comes back this late was not running, nor
/// perhaps was the machine.
pub(crate) const AWAY_MAX_MS: u64 = 250;

/// The most requests, in per cent, that may be lost without a response whose time could count.
const LOST_MAX_PERCENT: f64 = 1.0;

/// Why the run's figures must not be used; empty when they may.
#[must_use]
pub(crate) fn reasons(run: &Run, tokens: &Tokens) -> Vec<String> {
    let recorder = &run.recorder;
    let mut reasons = Vec::new();
    let counts = &recorder.counts;
    if counts.completed == 0 {
        reasons.push("not one response was measured".to_owned());
    } else if counts.successes() == 0 {
        let statuses: Vec<_> = counts.by_status.keys().map(u16::to_string).collect();
        reasons.push(format!(
            "not one response of {} was a success: status {}",
            counts.completed,
            statuses.join(", ")
        ));
    }
    if run.interrupted {
        reasons.push(format!(
            "it was interrupted after {:.3} s of measuring",
            run.duration.as_secs_f64()
        ));
    }
    if let Some(silence) = recorder.gave_up_after {
        reasons.push(format!(
            "nothing was heard of the server for {} s: the run was ended",
            silence.as_secs_f64()
        ));
    }
    let lost = counts.connection_errors + counts.malformed;
    if lost as f64 > LOST_MAX_PERCENT / 100.0 * counts.sent as f64 {
        reasons.push(format!(
            "{lost} of {} requests were lost with their connection or answered with what is not HTTP: the \
             times are of the others alone, {LOST_MAX_PERCENT} % allowed",
            counts.sent
        ));
    }
    if tokens.checked && tokens.failed > 0 {
        reasons.push(format!("tokens did not verify: {tokens}"));
    }
    if tokens.checked && tokens.sampled == 0 && counts.successes() > 0 {
        reasons.push("keys were given, and not one token was sampled".to_owned());
    }
    // Some may be: an order can be blocked for its client's rate.
    for (kind, unexpected) in &counts.unexpected_by_kind {
        if counts.by_kind.get(kind) == Some(unexpected) {
            reasons.push(format!(
                "not one of {unexpected} responses to `{kind}` had the verdict that this load is made for"
            ));
        }
    }
    let away_ms = recorder.away_max_ns / 1_000_000;
    if away_ms > AWAY_MAX_MS {
        reasons.push(format!(
            "the generator stood still for {away_ms} ms, {AWAY_MAX_MS} ms allowed"
        ));
    }
    // In an open loop what is due waits for a connection, and the wait is in its response time.
    let cut_off_ms = recorder.cut_off_max_ns / 1_000_000;
    if matches!(run.config.mode, Mode::Closed(_)) && cut_off_ms > AWAY_MAX_MS {
        reasons.push(format!(
            "there was no connection to the server for {cut_off_ms} ms, and a closed loop's times are of the \
             others alone: {AWAY_MAX_MS} ms allowed"
        ));
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
        if !run.interrupted && noticed < due * 0.99 - 3.0 * due.sqrt() {
            reasons.push(format!(
                "only {noticed} of {due:.0} scheduled requests came due before the run ended"
            ));
        }
    }
    reasons
}
