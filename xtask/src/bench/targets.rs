//! The targets, and whether they were met.

use serde::Serialize;

use super::canonical::Canonical;
use super::compare::{CloudPath, Comparison};
use super::load::Measured;
use super::overload::Overload;
use super::reload::Reload;

/// One target.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Target {
    pub(super) name: String,
    /// `<`, `<=`, `>`, `>=` or `=`.
    pub(super) relation: &'static str,
    pub(super) target: f64,
    pub(super) actual: f64,
    pub(super) unit: &'static str,
    pub(super) met: bool,
    /// Whether missing it fails the benchmark; the others are reported.
    pub(super) required: bool,
}

#[derive(Debug, Default)]
struct List(Vec<Target>);

impl List {
    fn add(
        &mut self,
        required: bool,
        name: &str,
        actual: f64,
        aim: (&'static str, f64),
        unit: &'static str,
    ) {
        let (relation, target) = aim;
        // A figure that is not a number meets nothing.
        let met = match relation {
            "<" => actual < target,
            "<=" => actual <= target,
            ">" => actual > target,
            ">=" => actual >= target,
            _ => actual == target,
        };
        self.0.push(Target {
            name: name.to_owned(),
            relation,
            target,
            actual,
            unit,
            met,
            required,
        });
    }

    fn required(&mut self, name: &str, actual: f64, aim: (&'static str, f64), unit: &'static str) {
        self.add(true, name, actual, aim, unit);
    }

    fn reported(&mut self, name: &str, actual: f64, aim: (&'static str, f64), unit: &'static str) {
        self.add(false, name, actual, aim, unit);
    }
}

/// Every target with what was measured.
pub(super) fn evaluate(
    canonical: &Canonical,
    comparison: Option<&Comparison>,
    overload: Option<&Overload>,
    reload: Option<&Reload>,
) -> Vec<Target> {
    let mut list = List::default();
    let closed = &canonical.closed;
    list.required(
        "closed: throughput",
        closed.responses_per_s,
        (">", 10_000.0),
        "req/s",
    );
    common(&mut list, "closed", closed);
    list.reported("closed: p50", closed.response_time_ms.p50, ("<", 2.0), "ms");
    list.reported("closed: p95", closed.response_time_ms.p95, ("<", 5.0), "ms");
    let open = &canonical.open;
    common(&mut list, "open", open);
    list.required("open: p50", open.response_time_ms.p50, ("<", 2.0), "ms");
    list.required("open: p95", open.response_time_ms.p95, ("<", 5.0), "ms");
    if let Some(comparison) = comparison {
        answered(&mut list, comparison);
        compared(&mut list, comparison);
        generator(&mut list, comparison);
        if let Some(cloud) = &comparison.cloud {
            against_cloud(&mut list, cloud);
        }
    }
    if let Some(overload) = overload {
        overloaded(&mut list, overload);
    }
    if let Some(reload) = reload {
        reloaded(&mut list, reload);
    }
    list.0
}

fn common(list: &mut List, mode: &str, run: &Measured) {
    let name = |what: &str| format!("{mode}: {what}");
    let p99 = run.response_time_ms.p99;
    list.required(&name("p99"), p99, ("<", 10.0), "ms");
    list.required(&name("errors"), run.counts.errors as f64, ("=", 0.0), "");
    list.required(
        &name("tokens verified"),
        verified_percent(run),
        ("=", 100.0),
        "%",
    );
    list.required(
        &name("not as expected"),
        run.counts.unexpected as f64,
        ("=", 0.0),
        "",
    );
    list.required(
        &name("valid runs"),
        f64::from(u8::from(run.valid)),
        ("=", 1.0),
        "",
    );
}

/// The per cent of sampled tokens that verified. Without samples NaN, which meets no target.
fn verified_percent(run: &Measured) -> f64 {
    100.0 * run.tokens.verified as f64 / run.tokens.sampled as f64
}

/// What the compared servers answered: ratios of servers that refuse or block say nothing.
fn answered(list: &mut List, comparison: &Comparison) {
    let Comparison {
        bare_actix,
        rego,
        builtin,
        ..
    } = comparison;
    for contender in [bare_actix, rego, builtin] {
        let name = |what: &str| format!("in turns, {}: {what}", contender.name);
        let errors = contender.errors as f64;
        list.required(&name("errors"), errors, ("=", 0.0), "");
        // A plain server has no verdicts.
        if contender.name != "bare_actix" {
            let unexpected = contender.unexpected as f64;
            list.required(&name("not as expected"), unexpected, ("=", 0.0), "");
        }
        let invalid = f64::from(contender.invalid_runs);
        list.reported(&name("invalid runs"), invalid, ("=", 0.0), "");
    }
}

fn compared(list: &mut List, comparison: &Comparison) {
    let goals = [
        ("rego", &comparison.rego, 0.45, 0.60),
        ("builtin", &comparison.builtin, 0.50, 0.65),
    ];
    for (name, contender, floor, goal) in goals {
        let Some(ratios) = comparison.ratio(name) else {
            continue;
        };
        let title = |what: &str| format!("{name}: {what}");
        let throughput = ratios.throughput.median;
        let of_bare = title("throughput over bare actix-web");
        list.reported(&of_bare, throughput, (">=", floor), "");
        list.reported(&of_bare, throughput, (">=", goal), "");
        let rate = comparison.open_rate_per_sec;
        let at_rate = |what: &str| title(&format!("open loop at {rate}/s, {what}"));
        let p99 = contender.open_p99_ms.median;
        list.reported(
            &at_rate("p50"),
            contender.open_p50_ms.median,
            ("<", 0.5),
            "ms",
        );
        list.reported(&at_rate("p99"), p99, ("<", 2.0), "ms");
        list.reported(&at_rate("p99"), p99, ("<", 1.5), "ms");
        let over_bare = ratios.open_p99.median;
        list.reported(
            &at_rate("p99 over bare actix-web"),
            over_bare,
            ("<=", 3.0),
            "",
        );
        let p99_9 = contender.open_p99_9_ms.median;
        list.reported(&at_rate("p99.9"), p99_9, ("<", 10.0), "ms");
        let unix = ratios.unix_over_tcp.median;
        list.reported(&title("Unix socket over TCP"), unix, (">", 1.0), "");
    }
}

/// gate-bench itself, against a server that answers at once.
fn generator(list: &mut List, comparison: &Comparison) {
    if let Some(wrk) = &comparison.wrk {
        let ratio = wrk.throughput_of_gate_bench.median;
        list.reported("gate-bench: throughput over wrk's", ratio, (">=", 0.8), "");
        list.reported("wrk: errors", wrk.errors as f64, ("=", 0.0), "");
    }
    let rate = comparison.open_rate_per_sec;
    list.reported(
        &format!("gate-bench: send lag p99 at {rate}/s"),
        1e3 * comparison.bare_actix.open_send_lag_p99_ms.median,
        ("<", 100.0),
        "us",
    );
}

/// Against the cloud path; with a real OPA the aim is the record's own factor of 59.
fn against_cloud(list: &mut List, cloud: &CloudPath) {
    let throughput = cloud.throughput_of_sidecar.median;
    let p99 = cloud.p99_over_sidecar.median;
    let aim = if cloud.policy_server == "opa" {
        59.0
    } else {
        20.0
    };
    let errors = cloud.errors as f64;
    list.reported("cloud path: errors", errors, ("=", 0.0), "");
    list.reported(
        "cloud path: sidecar's throughput over its",
        throughput,
        (">=", 10.0),
        "",
    );
    list.reported(
        "cloud path: its p99 over the sidecar's",
        p99,
        (">=", aim),
        "",
    );
}

fn overloaded(list: &mut List, overload: &Overload) {
    let over = overload.answered_over_saturation;
    list.reported("overload: answered over saturation", over, (">=", 1.9), "");
    let valid = f64::from(u8::from(overload.valid));
    list.reported("overload: valid run", valid, ("=", 1.0), "");
    let refused = overload.refused as f64;
    list.reported("overload: refused orders", refused, (">", 0.0), "");
    for (whose, from_sending, from_intended_start) in [
        (
            "accepted",
            &overload.accepted_time_ms,
            &overload.accepted_response_time_ms,
        ),
        (
            "refused",
            &overload.refused_time_ms,
            &overload.refused_response_time_ms,
        ),
    ] {
        let p99 = format!("overload: p99 of {whose} orders");
        let late = format!("{p99}, from the intended start");
        list.reported(&late, from_intended_start.p99, ("<", 10.0), "ms");
        let quick = format!("{p99}, from the sending");
        list.reported(&quick, from_sending.p99, ("<", 10.0), "ms");
    }
    let silent = overload.refused_without_retry_after as f64;
    list.reported("overload: 503 without Retry-After", silent, ("=", 0.0), "");
    let other = overload.other_errors as f64;
    list.reported("overload: errors but 503", other, ("=", 0.0), "");
    let after = overload.after_errors as f64;
    list.reported("overload: errors afterwards", after, ("=", 0.0), "");
}

fn reloaded(list: &mut List, reload: &Reload) {
    let zero = [
        ("reload: errors", reload.errors),
        ("reload: reloads refused", reload.reloads_refused),
        (
            "reload: decisions that name the wrong bundle",
            reload.wrong_bundle,
        ),
        ("reload: invalid runs", u64::from(reload.invalid_runs)),
    ];
    for (name, count) in zero {
        list.required(name, count as f64, ("=", 0.0), "");
    }
    let often = reload.reloads as f64 / reload.reload_seconds;
    list.required("reload: reloads per second", often, (">=", 0.9), "");
    let ratio = reload.p99_ratio.median;
    list.required("reload: p99 over without", ratio, ("<=", 1.5), "");
}

/// Prints a table, the required ones first.
pub(super) fn print(targets: &[Target]) {
    for (required, title) in [(true, "required"), (false, "reported")] {
        println!("\n== {title}");
        for target in targets.iter().filter(|target| target.required == required) {
            let Target {
                name,
                relation,
                target: aim,
                actual,
                unit,
                met,
                ..
            } = target;
            let mark = if *met { "met   " } else { "MISSED" };
            println!("{mark}  {name:<52} {actual:>12.3} {unit:<6} {relation} {aim}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::compare::Contender;

    #[test]
    fn what_is_not_a_number_meets_nothing() {
        let mut list = List::default();
        for relation in ["<", "<=", ">", ">=", "="] {
            list.required("x", f64::NAN, (relation, 1.0), "");
        }
        assert!(list.0.iter().all(|target| !target.met));
    }

    /// A comparison of two rounds, of which these are the contenders' errors, unexpected verdicts
    /// and invalid runs.
    fn comparison(of: impl Fn(&str) -> (u64, u64, u32)) -> Comparison {
        let contender = |name| {
            let (errors, unexpected, invalid_runs) = of(name);
            Contender {
                errors,
                unexpected,
                invalid_runs,
                ..Contender::example(name)
            }
        };
        Comparison {
            rounds: 2,
            response_body_bytes: 773,
            open_rate_per_sec: 10_000,
            open_duration_sec: 20,
            closed_duration_sec: 5,
            bare_actix: contender("bare_actix"),
            rego: contender("rego"),
            builtin: contender("builtin"),
            ratios: Vec::new(),
            cloud: None,
            wrk: None,
        }
    }

    fn missed(targets: List) -> Vec<(String, bool)> {
        let missed = targets.0.into_iter().filter(|target| !target.met);
        missed
            .map(|target| (target.name, target.required))
            .collect()
    }

    #[test]
    fn compared_servers_must_answer_every_request_and_as_expected() {
        let mut list = List::default();
        answered(&mut list, &comparison(|_| (0, 0, 0)));
        assert_eq!(missed(list), []);
        let mut list = List::default();
        let of = |name: &str| match name {
            "bare_actix" => (1, 7, 0),
            "rego" => (0, 1, 0),
            _ => (0, 0, 1),
        };
        answered(&mut list, &comparison(of));
        assert_eq!(
            missed(list),
            [
                ("in turns, bare_actix: errors".to_owned(), true),
                ("in turns, rego: not as expected".to_owned(), true),
                ("in turns, builtin: invalid runs".to_owned(), false),
            ]
        );
    }

    #[test]
    fn an_aim_is_met_on_its_own_side_alone() {
        let mut list = List::default();
        list.required("below", 1.0, ("<", 1.0), "");
        list.required("at most", 1.0, ("<=", 1.0), "");
        list.required("above", 1.5, (">", 1.0), "");
        let met: Vec<bool> = list.0.iter().map(|target| target.met).collect();
        assert_eq!(met, [false, true, true]);
    }
}
