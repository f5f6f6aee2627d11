//! The targets of the comparison in turns.

use super::List;
use crate::bench::compare::{CloudPath, Comparison};

/// Adds all of them.
pub(super) fn judge(list: &mut List, comparison: &Comparison) {
    answered(list, comparison);
    compared(list, comparison);
    generator(list, comparison);
    if let Some(cloud) = &comparison.cloud {
        against_cloud(list, cloud);
    }
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
    for (name, count) in [
        ("cloud path: errors", cloud.errors),
        ("cloud path: not as expected", cloud.unexpected),
        ("cloud path: invalid runs", u64::from(cloud.invalid_runs)),
    ] {
        list.reported(name, count as f64, ("=", 0.0), "");
    }
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
    // The record has no such figure; the aim is that of a policy server without OPA's own cost.
    list.reported(
        "cloud path: its p99 over the sidecar's, at equal load",
        cloud.equal_load.p99_over_sidecar.median,
        (">=", 20.0),
        "",
    );
}

#[cfg(test)]
mod tests {
    use super::super::tests::missed;
    use super::*;
    use crate::bench::compare::Contender;

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
            ended_badly: Vec::new(),
        }
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
    fn the_cloud_path_is_judged_at_equal_load_as_well_and_nothing_of_it_is_required() {
        let cloud = CloudPath {
            errors: 1,
            unexpected: 2,
            invalid_runs: 3,
            ..CloudPath::example()
        };
        let mut list = List::default();
        against_cloud(&mut list, &cloud);
        let missed = missed(list);
        for name in [
            "cloud path: errors",
            "cloud path: not as expected",
            "cloud path: invalid runs",
            "cloud path: its p99 over the sidecar's, at equal load",
        ] {
            assert!(missed.contains(&(name.to_owned(), false)), "{missed:?}");
        }
    }
}
