//! The charts of the rate sweep and of the comparison, and which of their runs are invalid.

use std::fmt::Write as _;

use serde_json::Value;

use super::lines::{Chart, Line, Scale};
use super::{SLO_MS, bars, figure, number, points, section, text};

/// Latency by rate.
pub(super) fn rates(artifact: &Value) -> String {
    let line = |name: &'static str, member: &'static str| Line {
        name,
        points: points(artifact, "/rate_sweep", |step| {
            Some((number(step, "/rate_per_s")?, number(step, member)?))
        }),
    };
    let lines = vec![
        line("p50", "/p50_ms"),
        line("p99", "/p99_ms"),
        line("p99.9", "/p99.9_ms"),
    ];
    let highest = lines
        .iter()
        .flat_map(|line| &line.points)
        .map(|(rate, _)| *rate)
        .fold(0.0, f64::max);
    if highest == 0.0 {
        return String::new();
    }
    let chart = Chart {
        lines,
        x: Scale::linear(0.0, highest, |value| format!("{:.0}k/s", value / 1e3)),
        y_unit: "ms",
        limit: Some(("10 ms", SLO_MS)),
    };
    let steps = artifact.pointer("/rate_sweep").and_then(Value::as_array);
    let is_invalid = |step: &&Value| step.pointer("/valid") == Some(&Value::Bool(false));
    let invalid: Vec<String> = steps
        .into_iter()
        .flatten()
        .filter(is_invalid)
        .filter_map(|step| number(step, "/rate_per_s").map(figure))
        .collect();
    let mut note = "Open loops, one rate after another.".to_owned();
    if !invalid.is_empty() {
        note += &format!(
            " Not valid, since the generator was late: those at {}/s.",
            invalid.join(", ")
        );
    }
    section("Latency by rate", &note, &chart.svg())
}

/// Bars of the compared servers.
pub(super) fn in_turns(artifact: &Value) -> String {
    let mut note = "Rounds taken in turns on the same machine. A bar is the median, the thin line \
                    reaches from the lowest to the highest round."
        .to_owned();
    let server = artifact.pointer("/comparison/cloud/policy_server");
    if let Some(server) = server.and_then(Value::as_str) {
        note += &format!(" The cloud path's policy server: {server}.");
    }
    let file_system = artifact.pointer("/comparison/cloud/file_system");
    if let Some(name) = file_system.and_then(Value::as_str) {
        note += &format!(" Its PostgreSQL writes to {name}.");
    }
    let record = number(artifact, "/comparison/cloud/recorded_p99_ms");
    if let Some(recorded) = record {
        note += &format!(
            " The decision record had a p99 of {recorded} ms for that path ({}).",
            text(artifact, "/comparison/cloud/recorded_in")
        );
    }
    for (name, member) in [
        ("bare actix-web", "bare_actix"),
        ("built-in rules", "builtin"),
        ("Rego", "rego"),
    ] {
        let count = |what: &str| number(artifact, &format!("/comparison/{member}/{what}"));
        if let Some(invalid) = count("invalid_runs").filter(|runs| *runs > 0.0) {
            note += &format!(" Of {name} {invalid} runs are not valid.");
        }
    }
    section(
        "In turns with others",
        &note,
        &(bars::comparison(artifact) + &answers(artifact)),
    )
}

/// How the compared servers answered: what is quick because it refuses is seen here.
fn answers(artifact: &Value) -> String {
    let mut rows = String::new();
    for (name, member) in [
        ("bare actix-web", "bare_actix"),
        ("sidecar, built-in rules", "builtin"),
        ("sidecar, Rego", "rego"),
        ("cloud path", "cloud"),
        ("bare actix-web, by wrk", "wrk"),
    ] {
        let at = format!("/comparison/{member}");
        if number(artifact, &format!("{at}/errors")).is_none() {
            continue;
        }
        let _ = write!(rows, "<tr><td>{name}</td>");
        for what in ["errors", "unexpected", "invalid_runs", "repeated_runs"] {
            let count = number(artifact, &format!("{at}/{what}"));
            // What is quick must be right as well.
            let class = match count {
                Some(count) if count > 0.0 && what != "repeated_runs" => "n bad",
                _ => "n",
            };
            let shown = count.map_or_else(|| "–".to_owned(), figure);
            let _ = write!(rows, "<td class=\"{class}\">{shown}</td>");
        }
        rows.push_str("</tr>");
    }
    if rows.is_empty() {
        return rows;
    }
    format!(
        "<h3>answers and runs</h3><table><tr><th></th><th class=\"n\">errors</th>\
         <th class=\"n\">not as expected</th><th class=\"n\">runs not valid</th>\
         <th class=\"n\">runs made again</th></tr>{rows}</table>"
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::html;

    #[test]
    fn errors_and_unexpected_answers_stand_beside_the_bars() {
        let page = html(&json!({"comparison": {
            "bare_actix": {"errors": 0, "invalid_runs": 0},
            "rego": {"errors": 12, "unexpected": 34, "invalid_runs": 0, "repeated_runs": 1},
        }}));
        for shown in [
            "<td>bare actix-web</td><td class=\"n\">0</td><td class=\"n\">–</td>",
            "<td class=\"n bad\">12</td><td class=\"n bad\">34</td>",
            "<td class=\"n\">1</td></tr>",
        ] {
            assert!(page.contains(shown), "no {shown} in {page}");
        }
        assert!(!page.contains("by wrk"), "{page}");
    }

    #[test]
    fn the_cloud_path_at_equal_load_has_bars_of_its_own() {
        let rounds = |median: f64| json!({"median": median, "min": median, "max": median});
        let page = html(&json!({"comparison": {"cloud": {"equal_load": {
            "rate_per_sec": rounds(1600.0),
            "cloud_p50_ms": rounds(7.25), "cloud_p99_ms": rounds(31.5),
            "sidecar_p50_ms": rounds(0.25), "sidecar_p99_ms": rounds(1.25),
        }}}}));
        for shown in [
            "open loop at 1,600/s, half of what the cloud path gets through, p99 ms",
            ">7.25<",
            ">31.5<",
            ">0.250<",
            ">1.25<",
        ] {
            assert!(page.contains(shown), "no {shown} in {page}");
        }
        assert!(!html(&json!({"comparison": {}})).contains("gets through"));
    }

    #[test]
    fn runs_that_are_not_valid_are_named() {
        let step =
            |rate: f64, valid: bool| json!({"rate_per_s": rate, "p50_ms": 1.0, "valid": valid});
        let page = html(&json!({
            "rate_sweep": [step(1000.0, true), step(20_000.0, false)],
            "comparison": {
                "rego": {"invalid_runs": 2, "open_p99_ms": {"median": 1.0}},
                "builtin": {"invalid_runs": 0},
                "cloud": {"file_system": "tmpfs", "recorded_p99_ms": 252.45, "recorded_in": "P0-PERF-v2.json"},
            },
        }));
        assert!(page.contains("those at 20,000/s"), "{page}");
        assert!(page.contains("Of Rego 2 runs are not valid"), "{page}");
        assert!(page.contains("PostgreSQL writes to tmpfs"), "{page}");
        assert!(!page.contains("Of built-in rules"), "{page}");
        assert!(
            page.contains("252.45 ms for that path (P0-PERF-v2.json)"),
            "{page}"
        );
    }
}
