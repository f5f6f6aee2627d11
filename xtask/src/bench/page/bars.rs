//! Horizontal bars as inline SVG.

use std::fmt::Write as _;

use serde_json::Value;

use super::{escape, figure, number};

const WIDTH: f64 = 900.0;
const LEFT: f64 = 190.0;
const RIGHT: f64 = 90.0;
const ROW: f64 = 30.0;

/// One bar, with the range that its rounds cover.
struct Bar {
    name: String,
    value: f64,
    range: Option<(f64, f64)>,
}

/// Median and tail of each segment of a decision.
pub(super) fn segments(artifact: &Value) -> String {
    let segments = ["parse", "policy", "state", "sign", "total"]
        .map(|name| (name, format!("/segment_percentiles_ms/{name}")));
    let segments = segments.each_ref().map(|(name, at)| (*name, at.as_str()));
    grouped(
        artifact,
        &[("p50, ms", "p50", 0), ("p99, ms", "p99", 1)],
        &segments,
    )
}

/// A chart for each percentile (title, member, colour), with a bar for each group (name, JSON
/// pointer).
pub(super) fn grouped(
    artifact: &Value,
    percentiles: &[(&str, &str, usize)],
    groups: &[(&str, &str)],
) -> String {
    let chart = |(title, percentile, class): &(&str, &str, usize)| {
        let bar = |(name, at): &(&str, &str)| {
            Some(Bar {
                name: (*name).to_owned(),
                value: number(artifact, &format!("{at}/{percentile}"))?,
                range: None,
            })
        };
        let bars: Vec<Bar> = groups.iter().filter_map(bar).collect();
        titled(title, &bars, *class)
    };
    percentiles.iter().map(chart).collect()
}

/// A bar for each contender that was measured in rounds (name, beginning of its JSON pointer).
pub(super) fn of_rounds(
    artifact: &Value,
    title: &str,
    member: &str,
    contenders: &[(&str, &str)],
    class: usize,
) -> String {
    let bar = |(name, at): &(&str, &str)| {
        let rounds = artifact.pointer(&format!("{at}{member}"))?;
        Some(Bar {
            name: (*name).to_owned(),
            value: number(rounds, "/median")?,
            range: number(rounds, "/min").zip(number(rounds, "/max")),
        })
    };
    let bars: Vec<Bar> = contenders.iter().filter_map(bar).collect();
    titled(title, &bars, class)
}

/// Throughput and tail of all servers of the comparison.
pub(super) fn comparison(artifact: &Value) -> String {
    let contenders = [
        ("bare actix-web", "/comparison/bare_actix/"),
        ("sidecar, built-in rules", "/comparison/builtin/"),
        ("sidecar, Rego", "/comparison/rego/"),
        ("cloud path", "/comparison/cloud/"),
        ("bare actix-web, by wrk", "/comparison/wrk/"),
    ];
    let chart =
        |title: &str, member: &str, class| of_rounds(artifact, title, member, &contenders, class);
    let rate = number(artifact, "/comparison/open_rate_per_sec").map_or_else(String::new, figure);
    [
        chart(
            "closed loop, requests per second",
            "closed_requests_per_sec",
            0,
        ),
        chart("the same over the Unix socket", "unix_requests_per_sec", 0),
        chart("closed loop, p99 ms", "closed_p99_ms", 1),
        chart(&format!("open loop at {rate}/s, p50 ms"), "open_p50_ms", 2),
        chart(&format!("open loop at {rate}/s, p99 ms"), "open_p99_ms", 2),
        chart(
            &format!("open loop at {rate}/s, p99.9 ms"),
            "open_p99.9_ms",
            2,
        ),
        chart(
            &format!("open loop at {rate}/s, how late gate-bench sent, p99 ms"),
            "open_send_lag_p99_ms",
            2,
        ),
        equal_load(artifact),
    ]
    .concat()
}

/// The cloud path and the sidecar at a rate that both carry.
fn equal_load(artifact: &Value) -> String {
    let both = [
        ("sidecar, Rego", "/comparison/cloud/equal_load/sidecar_"),
        ("cloud path", "/comparison/cloud/equal_load/cloud_"),
    ];
    let rate = number(artifact, "/comparison/cloud/equal_load/rate_per_sec/median");
    let rate = rate.map_or_else(String::new, figure);
    let chart = |percentile: &str| {
        let title = format!(
            "open loop at {rate}/s, half of what the cloud path gets through, {percentile} ms"
        );
        of_rounds(artifact, &title, &format!("{percentile}_ms"), &both, 2)
    };
    chart("p50") + &chart("p99")
}

fn titled(title: &str, bars: &[Bar], class: usize) -> String {
    if bars.is_empty() {
        return String::new();
    }
    format!("<h3>{}</h3>{}", escape(title), svg(bars, class))
}

fn svg(bars: &[Bar], class: usize) -> String {
    let highest = bars
        .iter()
        .map(|bar| bar.range.map_or(bar.value, |(_, max)| max.max(bar.value)))
        .fold(f64::MIN_POSITIVE, f64::max);
    let place = |value: f64| (WIDTH - LEFT - RIGHT) * (value / highest).clamp(0.0, 1.0);
    let height = ROW * bars.len() as f64 + 6.0;
    let mut out = format!("<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">");
    for (index, bar) in bars.iter().enumerate() {
        let top = ROW * index as f64 + 5.0;
        let middle = top + 10.0;
        let reach = bar.range.map_or(bar.value, |(_, max)| max.max(bar.value));
        let _ = write!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
             <rect class=\"f{class}\" x=\"{LEFT}\" y=\"{top}\" width=\"{:.1}\" height=\"20\" rx=\"2\"/>\
             <text class=\"value\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            LEFT - 10.0,
            middle + 4.0,
            escape(&bar.name),
            place(bar.value).max(1.0),
            LEFT + place(reach) + 8.0,
            middle + 4.0,
            figure(bar.value),
        );
        if let Some((min, max)) = bar.range {
            let _ = write!(
                out,
                "<line class=\"whisker\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{middle}\" y2=\"{middle}\"/>",
                LEFT + place(min),
                LEFT + place(max),
            );
        }
    }
    out.push_str("</svg>");
    out
}
