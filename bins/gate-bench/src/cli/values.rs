//! Parses command-line values, and says what is wrong with them.

use std::time::Duration;

use gate_types::Qty;

use crate::recorder::LATENCY_MAX_NS;
use crate::target::Target;

/// A week.
const MAX_SECONDS: f64 = 604_800.0;

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let text = text.strip_suffix('s').unwrap_or(text);
    text.parse::<f64>()
        .ok()
        .filter(|seconds| *seconds <= MAX_SECONDS)
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| format!("not a number of seconds up to {MAX_SECONDS}"))
}

/// Text that goes into requests as it is: nothing that JSON would have to escape.
pub(super) fn plain(text: &str) -> Result<String, String> {
    let is_plain = |c: char| !c.is_control() && !matches!(c, '"' | '\\');
    if text.is_empty() || text.len() > 100 || !text.chars().all(is_plain) {
        return Err(
            "not 1 to 100 bytes of text without a quote, backslash or control character".to_owned(),
        );
    }
    Ok(text.to_owned())
}

pub(super) fn percent(text: &str) -> Result<f64, String> {
    text.parse::<f64>()
        .ok()
        .filter(|value| (0.0..=100.0).contains(value))
        .ok_or_else(|| "not a number from 0 to 100".to_owned())
}

pub(super) fn some_seconds(text: &str) -> Result<Duration, String> {
    let time = seconds(text)?;
    if time.is_zero() {
        return Err("not a time above 0".to_owned());
    }
    Ok(time)
}

/// Until when a request is waited for: as long as a histogram can tell.
pub(super) fn timeout(text: &str) -> Result<Duration, String> {
    let time = some_seconds(text)?;
    let most = Duration::from_nanos(LATENCY_MAX_NS);
    if time > most {
        return Err(format!("more than {} s", most.as_secs()));
    }
    Ok(time)
}

pub(super) fn some(text: &str) -> Result<usize, String> {
    let number = text.parse().map_err(|_| "not a whole number")?;
    if number == 0 {
        return Err("not a number above 0".to_owned());
    }
    Ok(number)
}

pub(super) fn url(text: &str) -> Result<String, String> {
    match Target::host_of(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// A quantity or a price.
pub(super) fn amount(text: &str) -> Result<String, String> {
    match Qty::parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// More than any generator of this kind sends; each request that falls due is recorded.
const MAX_RATE_PER_S: f64 = 10_000_000.0;

pub(super) fn rate(text: &str) -> Result<f64, String> {
    let rate = positive(text)?;
    if rate > MAX_RATE_PER_S {
        return Err(format!("more than {MAX_RATE_PER_S} a second"));
    }
    Ok(rate)
}

pub(super) fn positive(text: &str) -> Result<f64, String> {
    text.parse::<f64>()
        .ok()
        .filter(|value| value.is_finite() && *value > 0.0)
        .ok_or_else(|| "not a number above 0".to_owned())
}
