//! The targets, and whether they were met.

mod comparison;

use serde::Serialize;

use super::canonical::Canonical;
use super::compare::Comparison;
use super::load::Measured;
use super::overload::Overload;
use super::page;
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
    ended_badly: &[String],
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
        comparison::judge(&mut list, comparison);
    }
    if let Some(overload) = overload {
        overloaded(&mut list, overload);
    }
    if let Some(reload) = reload {
        reloaded(&mut list, reload);
    }
    let bad = ended_badly.len() as f64;
    list.reported("servers that ended badly", bad, ("=", 0.0), "");
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

fn overloaded(list: &mut List, overload: &Overload) {
    let over = overload.answered_over_saturation;
    list.reported("overload: answered over saturation", over, (">=", 1.9), "");
    let valid = f64::from(u8::from(overload.valid));
    list.reported("overload: valid runs", valid, ("=", 1.0), "");
    for (when, errors) in [
        ("in the closed loop", overload.saturation_errors),
        ("before", overload.before_errors),
        ("afterwards", overload.after_errors),
    ] {
        let name = format!("overload: errors {when}");
        list.reported(&name, errors as f64, ("=", 0.0), "");
    }
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
            let decimals = page::decimals(*actual, *aim, 3);
            println!("{mark}  {name:<52} {actual:>12.decimals$} {unit:<6} {relation} {aim}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_number_meets_nothing() {
        let mut list = List::default();
        for relation in ["<", "<=", ">", ">=", "="] {
            list.required("x", f64::NAN, (relation, 1.0), "");
        }
        assert!(list.0.iter().all(|target| !target.met));
    }

    /// Their names, and whether each is required.
    pub(super) fn missed(targets: List) -> Vec<(String, bool)> {
        let missed = targets.0.into_iter().filter(|target| !target.met);
        missed
            .map(|target| (target.name, target.required))
            .collect()
    }

    #[test]
    fn overload_is_judged_by_all_four_of_its_runs() {
        let mut list = List::default();
        let overload = Overload {
            valid: false,
            saturation_errors: 1,
            before_errors: 1,
            after_errors: 1,
            ..Overload::example()
        };
        overloaded(&mut list, &overload);
        let names: Vec<String> = missed(list).into_iter().map(|(name, _)| name).collect();
        for name in [
            "overload: valid runs",
            "overload: errors in the closed loop",
            "overload: errors before",
            "overload: errors afterwards",
        ] {
            assert!(names.iter().any(|missed| missed == name), "{names:?}");
        }
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
