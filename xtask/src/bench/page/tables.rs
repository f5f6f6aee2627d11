//! The headline, the targets and the environment.

use std::fmt::Write as _;

use serde_json::Value;

use super::figures::beside;
use super::{escape, figure, number, text};

/// What was measured, in a handful of figures.
pub(super) fn headline(artifact: &Value) -> String {
    let at = |pointer: &str| number(artifact, pointer).map_or_else(|| "–".into(), figure);
    let verified = number(artifact, "/results/tokens/verified").unwrap_or(0.0)
        + number(artifact, "/open_loop/tokens/verified").unwrap_or(0.0);
    let tiles = [
        (
            at("/results/requests_per_sec"),
            "requests per second, closed loop".to_owned(),
        ),
        (
            format!("{} ms", at("/results/latency_ms/p99")),
            "p99, closed loop".to_owned(),
        ),
        (
            format!("{} ms", at("/open_loop/latency_ms/p50")),
            format!(
                "p50, open loop at {}/s",
                at("/config/open_loop_rate_per_sec")
            ),
        ),
        (
            format!("{} ms", at("/open_loop/latency_ms/p99")),
            "p99, open loop".to_owned(),
        ),
        (
            at_sum(artifact, ["/results/errors", "/open_loop/errors"]),
            "errors in both".to_owned(),
        ),
        (figure(verified), "sampled tokens verified".to_owned()),
    ];
    let mut out = format!(
        "<h1>Gate sidecar: P0 performance</h1><p class=\"sub\">{} · {} durability · {} policy · {} \
         connections · revision {}{}</p><div class=\"tiles\">",
        text(artifact, "/timestamp"),
        text(artifact, "/config/durability"),
        text(artifact, "/config/policy_engine"),
        text(artifact, "/config/concurrency"),
        text(artifact, "/environment/git_revision")
            .get(..12)
            .unwrap_or("–"),
        if artifact.pointer("/environment/git_dirty") == Some(&Value::Bool(true)) {
            " and changes"
        } else {
            ""
        },
    );
    for (value, name) in tiles {
        let _ = write!(
            out,
            "<div class=\"tile\"><b>{value}</b><span>{name}</span></div>"
        );
    }
    out.push_str("</div>\n");
    for run in ["results", "open_loop"] {
        if artifact.pointer(&format!("/{run}/valid")) == Some(&Value::Bool(false)) {
            let _ = write!(
                out,
                "<p class=\"bad\">{run}: not valid: {}</p>",
                reasons(artifact, run)
            );
        }
    }
    out
}

fn reasons(artifact: &Value, run: &str) -> String {
    let list = artifact.pointer(&format!("/{run}/invalid_reasons"));
    let list = list.and_then(Value::as_array).into_iter().flatten();
    let reasons: Vec<&str> = list.filter_map(Value::as_str).collect();
    escape(&reasons.join("; "))
}

fn at_sum(artifact: &Value, pointers: [&str; 2]) -> String {
    let sum: Option<f64> = pointers.iter().map(|at| number(artifact, at)).sum();
    sum.map_or_else(|| "–".into(), |sum| format!("{sum:.0}"))
}

/// The servers that did not stop as they should have.
pub(super) fn ended_badly(artifact: &Value) -> String {
    let list = artifact.pointer("/ended_badly").and_then(Value::as_array);
    let problems: Vec<&str> = list
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if problems.is_empty() {
        return String::new();
    }
    format!("After the measurements: {}.", problems.join("; "))
}

/// Every target and what became of it.
pub(super) fn targets(artifact: &Value) -> String {
    let list = artifact.pointer("/targets").and_then(Value::as_array);
    let mut rows = String::new();
    for target in list.into_iter().flatten() {
        let met = target.pointer("/met") == Some(&Value::Bool(true));
        let required = target.pointer("/required") == Some(&Value::Bool(true));
        let (class, word) = match (met, required) {
            (true, _) => ("good", "met"),
            (false, true) => ("bad", "missed"),
            (false, false) => ("bad", "not met"),
        };
        let aim = number(target, "/target");
        let actual = number(target, "/actual").map(|actual| match aim {
            Some(aim) => beside(actual, aim),
            None => figure(actual),
        });
        let or_dash = |shown: Option<String>| shown.unwrap_or_else(|| "–".into());
        let _ = write!(
            rows,
            "<tr><td class=\"{class}\">{word}</td><td>{}</td><td class=\"n\">{} {}</td>\
             <td class=\"n\">{} {}</td><td>{}</td></tr>",
            text(target, "/name"),
            or_dash(actual),
            text(target, "/unit"),
            text(target, "/relation"),
            or_dash(aim.map(figure)),
            if required { "required" } else { "reported" },
        );
    }
    if rows.is_empty() {
        return rows;
    }
    format!(
        "<table><tr><th></th><th>target</th><th>measured</th><th>aim</th><th></th></tr>{rows}</table>"
    )
}

/// The machine and the build, as recorded; nested members are named by their path.
pub(super) fn environment(artifact: &Value) -> String {
    let mut rows = String::new();
    if let Some(members) = artifact.pointer("/environment") {
        add_rows(&mut rows, "", members);
    }
    if rows.is_empty() {
        return rows;
    }
    format!("<table>{rows}</table>")
}

/// Recursion is safe: the artifact is our own, and no deeper than its types.
fn add_rows(rows: &mut String, name: &str, value: &Value) {
    let shown = match value {
        Value::Object(members) => {
            for (member, value) in members {
                add_rows(rows, format!("{name} {member}").trim_start(), value);
            }
            return;
        }
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64() {
            Some(value) if number.is_f64() => figure(value),
            _ => number.to_string(),
        },
        other => other.to_string(),
    };
    let class = if shown.len() > 100 { "wide" } else { "" };
    let _ = write!(
        rows,
        "<tr><th>{}</th><td class=\"{class}\">{}</td></tr>",
        escape(&name.replace('_', " ")),
        escape(&shown)
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::html;

    #[test]
    fn a_value_that_misses_its_limit_by_little_is_not_shown_as_the_limit() {
        let target = json!({"name": "x", "relation": ">=", "target": 20.0, "actual": 19.995, "met": false, "unit": ""});
        let page = html(&json!({"targets": [target]}));
        let cells = "<td class=\"n\">19.995 </td><td class=\"n\">&gt;= 20</td>";
        assert!(page.contains(cells), "{page}");
    }

    #[test]
    fn servers_that_ended_badly_are_named_at_the_targets() {
        let target = json!({"name": "x", "met": true, "required": true, "actual": 1.0});
        let page = html(&json!({
            "targets": [target],
            "ended_badly": ["sidecar (rego) ended with exit status: 3"],
        }));
        assert!(
            page.contains("measurements: sidecar (rego) ended"),
            "{page}"
        );
        assert!(!html(&json!({"targets": [target]})).contains("measurements:"));
    }
}
