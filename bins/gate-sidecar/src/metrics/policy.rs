//! Metrics of the policy and signing key in force, of queries, and of reloads.

use std::fmt::Write as _;

use gate_token::KeyRing;

use super::{head, single};
use crate::http::Shared;
use crate::reload::Status;

/// The longest reason shown in a label.
const MAX_REASON_CHARS: usize = 300;

pub(super) fn render(out: &mut String, shared: &Shared) {
    let policy = shared.gate.policy();
    let identity = policy.identity();
    head(out, "gate_policy_info", "gauge", "The policy in force.");
    let _ = writeln!(
        out,
        "gate_policy_info{{revision=\"{}\",sha256=\"{}\",engine=\"{}\"}} 1",
        escaped(&identity.revision),
        identity.hash,
        identity.engine.as_str()
    );
    let name = "gate_policy_activated_timestamp_seconds";
    let since = shared.gate.active_since().unix_seconds();
    single(out, name, "gauge", "When it came into force.", since);
    keys(out, &shared.gate.keys());
    for (name, help, count) in [
        (
            "gate_queries_in_flight",
            "Questions to the policy that are answered or wait.",
            shared.queries.inside(),
        ),
        (
            "gate_queries_in_flight_limit",
            "How many may be.",
            shared.queries.limit(),
        ),
    ] {
        single(out, name, "gauge", help, count);
    }
    reloads(out, &shared.reloader.status());
}

fn keys(out: &mut String, keys: &KeyRing) {
    let active = keys.active();
    let (name, kid) = ("gate_key_info", escaped(active.kid()));
    head(out, name, "gauge", "The key that tokens are signed with.");
    let _ = writeln!(out, "{name}{{kid=\"{kid}\"}} 1");
    if let Some(end) = active.not_after_s() {
        let name = "gate_key_expires_timestamp_seconds";
        single(
            out,
            name,
            "gauge",
            "When nothing can be signed with it any more.",
            end,
        );
    }
}

fn reloads(out: &mut String, status: &Status) {
    for (name, kind, help, value) in [
        (
            "gate_reload_attempts_total",
            "counter",
            "Reloads that were tried.",
            status.attempts,
        ),
        (
            "gate_reload_failures_total",
            "counter",
            "Reloads that were refused.",
            status.failures,
        ),
        (
            "gate_reload_failing",
            "gauge",
            "1 while what was read last was refused.",
            u64::from(status.last_error().is_some()),
        ),
    ] {
        single(out, name, kind, help, value);
    }
    let name = "gate_reload_error_info";
    head(out, name, "gauge", "Why the last reload was refused.");
    if let Some(reason) = status.last_error() {
        let reason: String = reason.chars().take(MAX_REASON_CHARS).collect();
        let _ = writeln!(out, "{name}{{reason=\"{}\"}} 1", escaped(&reason));
    }
}

/// Escapes a label's value for the text format.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reload::Part;

    #[test]
    fn a_label_is_escaped_and_an_error_shown_while_it_lasts() {
        let mut status = Status::default();
        status.refused(Part::Bundle, "`a\\b`: \"x\"\nline é");
        let mut out = String::new();
        reloads(&mut out, &status);
        let line = r#"gate_reload_error_info{reason="`a\\b`: \"x\"\nline é"} 1"#;
        assert!(out.contains(line), "{out}");
        assert!(out.contains("gate_reload_failing 1\n"), "{out}");
        status.accepted(true);
        out.clear();
        reloads(&mut out, &status);
        assert!(!out.contains("reason="), "{out}");
        assert!(out.contains("gate_reload_failing 0\n"), "{out}");
    }
}
