//! Prints a run for people: a few lines of text.

use std::fmt::{self, Write as _};

use crate::report::{Latency, Report};

/// The report as text.
#[must_use]
pub fn text(report: &Report) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut out, report);
    out
}

/// The report in one line.
#[must_use]
pub(crate) fn line(report: &Report) -> String {
    let Latency {
        p50, p99, p99_9, ..
    } = report.response_time_ms;
    let errors = report.counts.errors;
    let invalid = if report.valid {
        String::new()
    } else {
        format!("  INVALID: {}", report.invalid_reasons.join("; "))
    };
    format!("p50 {p50:.3}  p99 {p99:.3}  p99.9 {p99_9:.3} ms, {errors} errors{invalid}")
}

fn write(out: &mut String, report: &Report) -> fmt::Result {
    let config = &report.config;
    let counts = &report.counts;
    match (config.rate_per_s, &config.arrivals) {
        (Some(rate), Some(arrivals)) => write!(out, "open loop, {rate} req/s ({arrivals})")?,
        _ => write!(out, "closed loop")?,
    }
    writeln!(
        out,
        ", {} connections, {} threads, {} over {}",
        config.connections, config.threads, config.target, config.transport
    )?;
    if !report.valid {
        writeln!(out, "INVALID: {}", report.invalid_reasons.join("; "))?;
    }
    writeln!(
        out,
        "{:>12.0} responses/s   {} in all, the last after {:.2} s, {} errors",
        report.responses_per_s, counts.completed, report.duration_s, counts.errors
    )?;
    verdicts(out, report)?;
    writeln!(
        out,
        "{:<14}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}",
        "ms", "p50", "p95", "p99", "p99.9", "p99.99", "max"
    )?;
    row(out, "response time", &report.response_time_ms)?;
    if report.mode == "open" {
        row(out, "service time", &report.service_time_ms)?;
        row(out, "send lag", &report.send_lag_ms)?;
        row(out, "wake lag", &report.wake_lag_ms)?;
    }
    if report.refused_time_ms.count > 0 {
        row(out, "refused", &report.refused_time_ms)?;
        if report.mode == "open" {
            row(out, "· from sending", &report.refused_service_time_ms)?;
        }
    }
    for (name, latency) in &report.segments_ms {
        row(out, &format!("· {name}"), latency)?;
    }
    if report.tokens.sampled > 0 {
        writeln!(out, "tokens: {}", report.tokens)?;
    }
    Ok(())
}

fn verdicts(out: &mut String, report: &Report) -> fmt::Result {
    let counts = &report.counts;
    let statuses = counts
        .by_status
        .iter()
        .map(|(status, count)| (format!("status {status}"), *count));
    let named = [
        ("AUTHORIZED", counts.authorized),
        ("BLOCKED", counts.blocked),
        ("done", counts.done),
        ("replayed", counts.replayed),
        ("other than expected", counts.unexpected),
        ("without verdict", counts.unreadable),
        ("timeouts", counts.timeouts),
        ("connection errors", counts.connection_errors),
        ("not HTTP", counts.malformed),
        ("never sent", counts.unsent),
        ("connections opened again", counts.reconnects),
    ];
    let parts: Vec<String> = statuses
        .chain(named.map(|(name, count)| (name.to_owned(), count)))
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    writeln!(out, "{:>12} {}", "", parts.join(", "))
}

fn row(out: &mut String, name: &str, latency: &Latency) -> fmt::Result {
    let Latency {
        p50,
        p95,
        p99,
        p99_9,
        p99_99,
        max,
        ..
    } = latency;
    writeln!(
        out,
        "{name:<14}{p50:>10.3}{p95:>10.3}{p99:>10.3}{p99_9:>10.3}{p99_99:>10.3}{max:>10.3}"
    )
}
