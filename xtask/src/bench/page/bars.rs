//! Horizontal bars.

use std::fmt::Write as _;

use serde_json::Value;

use super::{escape, figure, number};

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
    format!("<h3>{}</h3>{}", escape(title), boxes(bars, class))
}

/// Boxes rather than a drawing, so that the text keeps its size on a narrow screen, where a bar's
/// name goes above it.
fn boxes(bars: &[Bar], class: usize) -> String {
    let highest = bars
        .iter()
        .map(Bar::reach)
        .fold(f64::MIN_POSITIVE, f64::max);
    let percent = |value: f64| 100.0 * (value / highest).clamp(0.0, 1.0);
    let mut out = "<div class=\"bars\">".to_owned();
    for bar in bars {
        let _ = write!(
            out,
            "<span>{}</span><div class=\"track\"><div>\
             <i class=\"bar f{class}\" style=\"width:{:.2}%\"></i>",
            escape(&bar.name),
            percent(bar.value),
        );
        if let Some((min, max)) = bar.range {
            let (from, to) = (percent(min), percent(max));
            let _ = write!(
                out,
                "<i class=\"whisker\" style=\"left:{from:.2}%;width:{:.2}%\"></i>",
                to - from,
            );
        }
        let _ = write!(
            out,
            "<b style=\"left:{:.2}%\">{}</b></div></div>",
            percent(bar.reach()),
            figure(bar.value),
        );
    }
    out.push_str("</div>");
    out
}

impl Bar {
    /// The end of the bar, or of the line across it.
    fn reach(&self) -> f64 {
        self.range
            .map_or(self.value, |(_, max)| max.max(self.value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_and_their_values_are_placed_by_their_share_of_the_width() {
        let bar = |name: &str, value, range| Bar {
            name: name.to_owned(),
            value,
            range,
        };
        let drawn = boxes(
            &[bar("a<b", 50.0, Some((25.0, 100.0))), bar("c", 10.0, None)],
            1,
        );
        for part in [
            "<span>a&lt;b</span>",
            "f1\" style=\"width:50.00%\"",
            "whisker\" style=\"left:25.00%;width:75.00%\"",
            "<b style=\"left:100.00%\">50</b>",
            "<b style=\"left:10.00%\">10</b>",
        ] {
            assert!(drawn.contains(part), "no {part} in {drawn}");
        }
    }
}
