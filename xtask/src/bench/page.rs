//! Renders the artifact as a page: one HTML file beside the JSON, which loads nothing from
//! elsewhere. A pure function of the artifact.

mod bars;
mod contest;
mod figures;
mod lines;
mod stress;
mod style;
mod tables;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::Value;

pub(super) use self::figures::decimals;
use self::figures::figure;
use self::lines::{Chart, Line, Scale};

/// Writes the page of the artifact at `path` beside it; returns the page's path.
pub(super) fn write(path: &Path) -> Result<PathBuf> {
    let text = std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let artifact: Value = serde_json::from_slice(&text)
        .with_context(|| format!("`{}` is no artifact", path.display()))?;
    let page = path.with_extension("html");
    std::fs::write(&page, html(&artifact))
        .with_context(|| format!("cannot write `{}`", page.display()))?;
    Ok(page)
}

/// The whole page.
fn html(artifact: &Value) -> String {
    let title = format!("Gate sidecar, {}", text(artifact, "/timestamp"));
    let sections = [
        tables::headline(artifact),
        section(
            "Latency by percentile",
            "Response time of the canonical loads, from the intended start. The record asks for p99 below 10 ms.",
            &by_percentile(artifact),
        ),
        section(
            "Open loop over time",
            "Response time of each second.",
            &over_time(artifact),
        ),
        contest::rates(artifact),
        section(
            "Where the sidecar's time goes",
            "Segments of a decision in the closed loop, from sampled responses. State includes the wait for the fsync that the decision shares.",
            &bars::segments(artifact),
        ),
        contest::in_turns(artifact),
        stress::overload(artifact),
        stress::reload(artifact),
        section(
            "Targets",
            &tables::ended_badly(artifact),
            &tables::targets(artifact),
        ),
        section(
            "Environment",
            format!("{} {}", disk_note(artifact), cores_note(artifact)).trim(),
            &tables::environment(artifact),
        ),
    ];
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title}</title><style>{}</style></head>\n<body><main>\n{}\n</main></body></html>\n",
        style::CSS,
        sections.concat()
    )
}

fn section(title: &str, note: &str, content: &str) -> String {
    if content.is_empty() {
        return String::new();
    }
    let note = match note {
        "" => String::new(),
        note => format!("<p class=\"note\">{}</p>", escape(note)),
    };
    format!(
        "<section><h2>{}</h2>{note}{content}</section>\n",
        escape(title)
    )
}

/// What the disk alone does to every percentile above.
fn disk_note(artifact: &Value) -> String {
    let disk = |member: &str| number(artifact, &format!("/environment/fdatasync_ms/{member}"));
    let members = ["stalled_percent", "stalls_per_second", "p50", "max"].map(disk);
    let [Some(percent), Some(often), Some(p50), Some(max)] = members else {
        return String::new();
    };
    format!(
        "The disk alone, before any load: a sync takes {} ms; {} a second take longer than 1 ms, \
         the longest {} ms, and {} % of the time is spent in those. That share of a steady load \
         meets one, whatever the software does: it bounds the percentiles beyond it.",
        figure(p50),
        figure(often),
        figure(max),
        figure(percent),
    )
}

/// What the machine does to every percentile above, whatever runs on it.
fn cores_note(artifact: &Value) -> String {
    let cores = |member: &str| number(artifact, &format!("/environment/cores/{member}"));
    let members = [
        "late_percent",
        "late_percent_beside_syncs",
        "syncs_per_second",
        "longest_ms",
    ];
    let [Some(alone), Some(beside), Some(syncs), Some(longest)] = members.map(cores) else {
        return String::new();
    };
    format!(
        "The cores alone: in {} % of the time one that napped was not there again for more than 1 ms, in \
         {} % beside {} syncs a second, the longest time {} ms. That share of a steady load meets it, too.",
        figure(alone),
        figure(beside),
        figure(syncs),
        figure(longest),
    )
}

const SLO_MS: f64 = 10.0;

fn by_percentile(artifact: &Value) -> String {
    let line = |name: &'static str, pointer: &str| Line {
        name,
        points: points(artifact, pointer, |point| {
            let percent = number(point, "/percent")?;
            // 100 per cent has no place on a scale of nines.
            (percent < 100.0).then_some(())?;
            Some((100.0 / (100.0 - percent), number(point, "/ms")?))
        }),
    };
    Chart {
        lines: vec![
            line("closed loop", "/results/percentiles"),
            line("open loop", "/open_loop/percentiles"),
        ],
        x: Scale::log(1.0, 1e5, |value| {
            let percent = 100.0 - 100.0 / value;
            if value <= 1.0 {
                "0 %".into()
            } else {
                format!("{percent} %")
            }
        }),
        y_unit: "ms",
        limit: Some(("10 ms", SLO_MS)),
    }
    .svg()
}

fn over_time(artifact: &Value) -> String {
    let line = |name: &'static str, member: &'static str| Line {
        name,
        points: points(artifact, "/open_loop/per_second", |second| {
            Some((number(second, "/second")?, number(second, member)?))
        }),
    };
    let mut lines = vec![
        line("p50", "/p50_ms"),
        line("p99", "/p99_ms"),
        line("max", "/max_ms"),
    ];
    // What was in flight at the end makes no second of its own.
    let length = number(artifact, "/config/open_loop_duration_sec").unwrap_or(f64::MAX);
    for line in &mut lines {
        line.points.retain(|(second, _)| *second < length);
    }
    let end = lines.first().and_then(|line| line.points.last());
    let end = end.map_or(1.0, |(second, _)| second.max(1.0));
    Chart {
        lines,
        x: Scale::linear(0.0, end, |value| format!("{value} s")),
        y_unit: "ms",
        limit: Some(("10 ms", SLO_MS)),
    }
    .svg()
}

fn points(
    artifact: &Value,
    pointer: &str,
    point: impl Fn(&Value) -> Option<(f64, f64)>,
) -> Vec<(f64, f64)> {
    let list = artifact.pointer(pointer).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(point).collect()
}

fn number(value: &Value, pointer: &str) -> Option<f64> {
    value.pointer(pointer)?.as_f64()
}

/// A member as text, whatever its type; a dash when it is not there.
fn text(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        None | Some(Value::Null) => "–".to_owned(),
        Some(Value::String(text)) => escape(text),
        Some(other) => escape(&other.to_string()),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_page_stands_alone_and_escapes_what_it_shows() {
        let artifact = json!({
            "timestamp": "2026-01-01T00:00:00Z",
            "environment": {"cpu": "<script>alert(1)</script>"},
            "results": {"percentiles": [{"percent": 50.0, "ms": 1.0}, {"percent": 99.0, "ms": 5.0}]},
        });
        let page = html(&artifact);
        assert!(page.contains("&lt;script&gt;"));
        for outside in ["<script", "http://", "https://", "src=", "<link", "@import"] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert!(page.contains("<svg"));
    }

    /// What changed on the page since would else be told of the new artifacts alone.
    #[test]
    fn the_pages_here_are_what_is_made_of_their_artifacts() {
        let mut pages = 0;
        for entry in std::fs::read_dir(crate::run::workspace_root().join("test-results")).unwrap() {
            let path = entry.unwrap().path();
            if path
                .extension()
                .is_some_and(|extension| extension == "html")
            {
                let artifact = std::fs::read(path.with_extension("json")).unwrap();
                let made = html(&serde_json::from_slice(&artifact).unwrap());
                let is_same = std::fs::read_to_string(&path).unwrap() == made;
                let artifact = path.with_extension("json");
                assert!(is_same, "cargo xtask page {}", artifact.display());
                pages += 1;
            }
        }
        assert!(pages > 0);
    }

    #[test]
    fn the_environment_names_what_the_disk_alone_does() {
        let disk =
            json!({"p50": 0.08, "max": 7.5, "stalled_percent": 1.25, "stalls_per_second": 4.0});
        let page = html(&json!({"environment": {"fdatasync_ms": disk}}));
        assert!(page.contains("1.25 % of the time"), "{page}");
        assert!(page.contains("<th>fdatasync ms max</th>"), "{page}");
    }

    #[test]
    fn the_environment_names_what_the_cores_alone_do() {
        let cores = json!({
            "late_percent": 0.25, "late_percent_beside_syncs": 5.5, "syncs_per_second": 1200.0, "longest_ms": 15.25,
        });
        let page = html(&json!({"environment": {"cores": cores}}));
        assert!(
            page.contains("5.50 % beside 1,200 syncs a second"),
            "{page}"
        );
    }

    #[test]
    fn an_artifact_without_anything_is_still_a_page() {
        assert!(html(&json!({})).contains("</html>"));
    }
}
