//! Line charts as inline SVG, the vertical axis logarithmic: latencies span decades.

use std::fmt::Write as _;

use super::figure;

/// Each chart is drawn for a wide screen and for a narrow one, which shows its own: a drawing that is
/// made smaller has text that is smaller, too.
const SIZES: [(&str, f64); 2] = [("wide", 900.0), ("narrow", 440.0)];
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 78.0;
const RIGHT: f64 = 36.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 28.0;
/// From one line's name to the next.
const LEGEND: f64 = 115.0;

/// One named line.
pub(super) struct Line {
    pub(super) name: &'static str,
    pub(super) points: Vec<(f64, f64)>,
}

/// A horizontal axis.
pub(super) struct Scale {
    from: f64,
    to: f64,
    log: bool,
    label: fn(f64) -> String,
}

/// What a chart is drawn on.
struct Area<'a> {
    width: f64,
    y: &'a Scale,
}

/// Lines over a horizontal axis, with a limit they should stay below.
pub(super) struct Chart {
    pub(super) lines: Vec<Line>,
    pub(super) x: Scale,
    pub(super) y_unit: &'static str,
    pub(super) limit: Option<(&'static str, f64)>,
}

impl Scale {
    pub(super) fn linear(from: f64, to: f64, label: fn(f64) -> String) -> Self {
        Self {
            from,
            to,
            log: false,
            label,
        }
    }

    pub(super) fn log(from: f64, to: f64, label: fn(f64) -> String) -> Self {
        Self {
            from,
            to,
            log: true,
            label,
        }
    }

    /// Where a value lies, from 0 to 1.
    fn place(&self, value: f64) -> f64 {
        let map = |v: f64| if self.log { v.max(1e-9).log10() } else { v };
        let (from, to) = (map(self.from), map(self.to));
        ((map(value) - from) / (to - from)).clamp(0.0, 1.0)
    }

    fn ticks(&self) -> Vec<f64> {
        if self.log {
            let (from, to) = (
                self.from.log10().round() as i32,
                self.to.log10().round() as i32,
            );
            (from..=to).map(|exponent| 10_f64.powi(exponent)).collect()
        } else {
            let step = step(self.to - self.from);
            let count = ((self.to - self.from) / step).floor() as u32;
            (0..=count)
                .map(|tick| self.from + step * f64::from(tick))
                .collect()
        }
    }
}

/// 1, 2 or 5 times a power of ten, of which five to ten cover the length.
fn step(length: f64) -> f64 {
    let power = 10_f64.powf((length / 5.0).log10().floor());
    let fits = |step: &f64| length / step <= 8.0;
    let steps = [power, 2.0 * power, 5.0 * power];
    steps.into_iter().find(fits).unwrap_or(10.0 * power)
}

impl Chart {
    /// The chart; nothing when there is nothing to draw.
    pub(super) fn svg(&self) -> String {
        let values = || {
            let points = self.lines.iter().flat_map(|line| &line.points);
            points.map(|(_, y)| *y).filter(|y| *y > 0.0)
        };
        if values().next().is_none() {
            return String::new();
        }
        // The limit is always in sight.
        let limits = || self.limit.iter().map(|(_, value)| *value);
        let low = values().chain(limits()).fold(f64::INFINITY, f64::min);
        let high = values().chain(limits()).fold(0.0, f64::max);
        let y = Scale::log(
            10_f64.powf(low.log10().floor()),
            10_f64.powf((high * 1.05).log10().ceil()),
            figure,
        );
        let mut out = String::new();
        for (class, width) in SIZES {
            let _ = write!(
                out,
                "<svg class=\"{class}\" viewBox=\"0 0 {width} {HEIGHT}\" role=\"img\">"
            );
            let area = Area { width, y: &y };
            self.axes(&mut out, &area);
            for (index, line) in self.lines.iter().enumerate() {
                self.line(&mut out, &area, index, line);
            }
            self.limit(&mut out, &area);
            out.push_str("</svg>");
        }
        out
    }

    fn at(&self, area: &Area<'_>, point: (f64, f64)) -> (f64, f64) {
        let across = area.width - LEFT - RIGHT;
        let down = HEIGHT - TOP - BOTTOM;
        (
            LEFT + across * self.x.place(point.0),
            TOP + down * (1.0 - area.y.place(point.1)),
        )
    }

    fn axes(&self, out: &mut String, area: &Area<'_>) {
        let right = area.width - RIGHT;
        for tick in area.y.ticks() {
            let (_, at) = self.at(area, (self.x.from, tick));
            let label = figure(tick);
            let _ = write!(
                out,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label} {}</text>",
                LEFT - 6.0,
                at + 4.0,
                self.y_unit
            );
        }
        for tick in self.x.ticks() {
            let (at, _) = self.at(area, (tick, area.y.from));
            let label = (self.x.label)(tick);
            let _ = write!(
                out,
                "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{label}</text>",
                HEIGHT - 8.0
            );
        }
    }

    /// Above the lines, so that its name can be read.
    fn limit(&self, out: &mut String, area: &Area<'_>) {
        let right = area.width - RIGHT;
        if let Some((name, value)) = self.limit {
            let (_, at) = self.at(area, (self.x.from, value));
            let _ = write!(
                out,
                "<line class=\"limit\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
                 <text class=\"limit-name\" x=\"{right}\" y=\"{:.1}\" text-anchor=\"end\">{name}</text>",
                at - 5.0
            );
        }
    }

    fn line(&self, out: &mut String, area: &Area<'_>, index: usize, line: &Line) {
        let path: Vec<String> = line
            .points
            .iter()
            .map(|point| {
                let (x, y) = self.at(area, *point);
                format!("{x:.1},{y:.1}")
            })
            .collect();
        let legend = LEFT + LEGEND * index as f64;
        let _ = write!(
            out,
            "<polyline class=\"line s{index}\" points=\"{}\"/>\
             <line class=\"line s{index}\" x1=\"{legend}\" x2=\"{:.1}\" y1=\"12\" y2=\"12\"/>\
             <text x=\"{:.1}\" y=\"16\">{}</text>",
            path.join(" "),
            legend + 20.0,
            legend + 26.0,
            line.name
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_has_round_ticks() {
        let ticks = |to| Scale::linear(0.0, to, |_| String::new()).ticks();
        assert_eq!(ticks(19.0), [0.0, 5.0, 10.0, 15.0]);
        assert_eq!(ticks(30_000.0), [0.0, 5e3, 1e4, 15e3, 2e4, 25e3, 3e4]);
        assert_eq!(ticks(1.0).len(), 6);
    }

    #[test]
    fn a_chart_is_drawn_for_either_screen_within_its_width() {
        let drawn = Chart {
            lines: vec![Line {
                name: "p99",
                points: vec![(0.0, 1.0), (10.0, 2.0)],
            }],
            x: Scale::linear(0.0, 10.0, |value| format!("{value} s")),
            y_unit: "ms",
            limit: None,
        };
        let svg = drawn.svg();
        for (class, end) in [("wide", "864.0"), ("narrow", "404.0")] {
            let begin = format!("<svg class=\"{class}\"");
            let (_, rest) = svg.split_once(&begin).unwrap();
            let (chart, _) = rest.split_once("</svg>").unwrap();
            assert!(chart.contains(&format!(" {end},")), "{chart}");
        }
    }
}
