//! The sections on overload and on reloads.

use serde_json::Value;

use super::{bars, figure, number, section};

/// What happened under more than the sidecar can take; nothing when it was not measured.
pub(super) fn overload(artifact: &Value) -> String {
    let count = |member: &str| number(artifact, &format!("/overload/{member}")).map(figure);
    let members = [
        "offered_per_s",
        "saturation_per_s",
        "connections",
        "accepted_per_s",
        "refused",
        "before_p99_ms",
        "after_p99_ms",
    ];
    let [
        Some(offered),
        Some(saturation),
        Some(connections),
        Some(accepted),
        Some(refused),
        Some(before),
        Some(after),
    ] = members.map(count)
    else {
        return String::new();
    };
    let mut note = format!(
        "{offered} orders a second offered to a sidecar that gets through {saturation}, over {connections} \
         connections: {accepted} a second accepted, {refused} in all refused (503)."
    );
    // Earlier artifacts do not say how much of the offer really came: the generator had half a core.
    if let Some(over) = count("answered_over_saturation") {
        note += &format!(" {over} times as much was answered as it gets through.");
    }
    if artifact.pointer("/overload/valid") == Some(&Value::Bool(false)) {
        note += &not_valid(artifact);
    }
    note +=
        &format!(" Light load has a p99 of {before} ms right before and {after} ms right after.");
    section(
        "Overload",
        &note,
        &bars::grouped(
            artifact,
            &[("p50, ms", "p50", 0), ("p99, ms", "p99", 1)],
            &[
                (
                    "accepted, from intended start",
                    "/overload/accepted_response_time_ms",
                ),
                ("accepted, from sending", "/overload/accepted_time_ms"),
                (
                    "refused, from intended start",
                    "/overload/refused_response_time_ms",
                ),
                ("refused, from sending", "/overload/refused_time_ms"),
            ],
        ),
    )
}

fn not_valid(artifact: &Value) -> String {
    let list = artifact.pointer("/overload/invalid_reasons");
    let list = list.and_then(Value::as_array).into_iter().flatten();
    let reasons: Vec<&str> = list.filter_map(Value::as_str).collect();
    if reasons.is_empty() {
        return " This run is not valid.".to_owned();
    }
    format!(" This run is not valid ({}).", reasons.join("; "))
}

/// What reloads did to orders; nothing when it was not measured.
pub(super) fn reload(artifact: &Value) -> String {
    let count = |member: &str| number(artifact, &format!("/reload/{member}")).map(figure);
    let members = [
        "rate_per_s",
        "reloads",
        "decisions",
        "wrong_bundle",
        "errors",
    ];
    let [
        Some(rate),
        Some(reloads),
        Some(decisions),
        Some(wrong),
        Some(errors),
    ] = members.map(count)
    else {
        return String::new();
    };
    let note = format!(
        "Open loops of {rate}/s with a reload of the policy each second and without: {reloads} reloads, {decisions} \
         decisions, {wrong} of the wrong bundle, {errors} errors."
    );
    let bars = [
        ("with reloads", "/reload/with"),
        ("without", "/reload/without"),
    ];
    section(
        "Reloads under load",
        &note,
        &(bars::of_rounds(artifact, "p99, ms", "_p99_ms", &bars, 1)
            + &bars::of_rounds(artifact, "p99.9, ms", "_p99.9_ms", &bars, 2)),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::html;

    #[test]
    fn overload_and_reloads_are_shown_when_they_were_measured() {
        let times = json!({"p50": 1.5, "p99": 9.25});
        let rounds = json!({"median": 3.5, "min": 3.0, "max": 4.0});
        let page = html(&json!({
            "overload": {
                "offered_per_s": 80_000, "saturation_per_s": 40_000.0, "connections": 100,
                "answered_over_saturation": 1.95, "valid": false,
                "invalid_reasons": ["closed loop: the generator was late"], "accepted_per_s": 36_000.0, "refused": 113_243,
                "before_p99_ms": 0.5, "after_p99_ms": 1.5,
                "accepted_time_ms": times, "refused_time_ms": times,
            },
            "reload": {
                "rate_per_s": 16_500, "reloads": 186, "decisions": 6_138_186, "wrong_bundle": 0,
                "errors": 0, "with_p99_ms": rounds, "without_p99_ms": rounds,
            },
        }));
        for shown in [
            "80,000 orders a second",
            "1.95 times as much",
            "This run is not valid (closed loop: the generator was late)",
            ">9.25<",
            "6,138,186",
            ">3.50<",
        ] {
            assert!(page.contains(shown), "no {shown} in {page}");
        }
        let without = html(&json!({"overload": null, "reload": null}));
        assert!(!without.contains("Overload") && !without.contains("Reloads"));
    }
}
