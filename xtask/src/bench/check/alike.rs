//! Whether two runs were made alike, and each so that its ratios say something.

use serde_json::{Value, json};

use super::CONTENDERS;
use crate::bench::Args;

/// The settings that change the ratios of the same code, as the command line gives them.
const CHOSEN: [&str; 5] = [
    "/config/durability",
    "/config/concurrency",
    "/comparison/open_rate_per_sec",
    "/comparison/open_duration_sec",
    "/comparison/closed_duration_sec",
];

/// The same, as gate-bench chooses them: it shares the cores with the server.
const FOUND: [&str; 3] = [
    "/config/generator/scheduling",
    "/config/generator/threads",
    "/config/generator/connections",
];

/// What may change a ratio, and is no reason not to compare it.
///
/// The size of a response is among them: bare actix-web answers with as many bytes in the same run,
/// so that they count on both sides, and whoever adds a word to an answer wants to know what it
/// costs.
pub(super) const NOTED: [&str; 3] = [
    "/environment/cpu",
    "/environment/kernel",
    "/config/response_body_bytes",
];

/// The settings that differ between two runs.
pub(super) fn settings(old: &Value, new: &Value) -> Vec<String> {
    [&CHOSEN[..], &FOUND]
        .concat()
        .into_iter()
        .filter_map(|member| differs(old, new, member))
        .collect()
}

/// The settings of `old` that a run with these arguments will not have.
pub(super) fn by_arguments(old: &Value, args: &Args) -> Vec<String> {
    let planned = json!({
        "config": {"durability": args.durability, "concurrency": args.connections},
        "comparison": {
            "open_rate_per_sec": args.compare_rate,
            "open_duration_sec": args.compare_open_seconds,
            "closed_duration_sec": args.round_seconds,
        },
    });
    CHOSEN
        .into_iter()
        .filter_map(|member| differs(old, &planned, member))
        .collect()
}

fn differs(old: &Value, new: &Value, member: &str) -> Option<String> {
    // Earlier artifacts do not say all of it.
    let before = old.pointer(member)?;
    let after = new.pointer(member);
    (Some(before) != after).then(|| {
        let after = after.map_or_else(|| "not told".to_owned(), Value::to_string);
        format!("{member} was {before} in the old run and is {after} in this one")
    })
}

/// Why the ratios of a run say nothing: its requests were not all answered, or not as expected (a
/// server that refuses or blocks is quick), or its generator lost the cores.
///
/// Earlier artifacts do not say what was unexpected.
pub(super) fn unanswered(artifact: &Value, run: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for name in CONTENDERS {
        for (member, what) in [
            ("errors", "errors"),
            ("unexpected", "unexpected answers"),
            ("invalid_runs", "invalid runs"),
        ] {
            let count = artifact.pointer(&format!("/comparison/{name}/{member}"));
            if let Some(count) = count.and_then(Value::as_u64).filter(|count| *count > 0) {
                faults.push(format!("{name}: {count} {what} in the comparison of {run}"));
            }
        }
    }
    faults
}

/// Says so unless cores slept in both runs or in neither: sleep changes the latencies of both
/// servers.
pub(super) fn in_sleep(old: &Value, new: &Value) -> Option<String> {
    let latency = |artifact: &Value| {
        let found = artifact.pointer("/environment/wake_latency_us").cloned();
        found.unwrap_or_default()
    };
    let (before, after) = (latency(old), latency(new));
    (before != after).then(|| {
        format!(
            "cores might take {before} us to wake in the old run and {after} in this one \
             (null: as long as they do): see --let-cores-sleep"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_that_were_made_otherwise_are_not_compared() {
        let run = |durability: &str| json!({"config": {"durability": durability}});
        assert_eq!(settings(&run("strict"), &run("strict")), [""; 0]);
        assert_eq!(settings(&run("strict"), &run("relaxed")).len(), 1);
    }

    #[test]
    fn a_generator_that_shares_the_cores_otherwise_is_a_setting_where_it_is_told() {
        let run = |generator: Value| json!({"config": {"generator": generator}});
        let now = run(json!({"scheduling": "batch", "threads": 1, "connections": 100}));
        assert_eq!(settings(&now, &now), [""; 0]);
        let early = run(json!({"threads": 1}));
        assert_eq!(settings(&early, &now), [""; 0]);
        for other in [
            json!({"scheduling": "other", "threads": 1, "connections": 100}),
            json!({"scheduling": "batch", "threads": 2, "connections": 100}),
            json!({"scheduling": "batch", "threads": 1, "connections": 50}),
        ] {
            assert_eq!(settings(&run(other), &now).len(), 1);
        }
    }

    #[test]
    fn a_longer_answer_is_noted_and_compared() {
        let run = |bytes: u32| json!({"config": {"response_body_bytes": bytes}});
        assert_eq!(settings(&run(773), &run(800)), [""; 0]);
    }

    #[test]
    fn a_run_whose_servers_refused_or_answered_otherwise_says_nothing() {
        let run = |member: &str, count: u32| json!({"comparison": {"rego": {member: count}}});
        for member in ["errors", "unexpected", "invalid_runs"] {
            assert_eq!(unanswered(&run(member, 0), "this run"), [""; 0]);
            let faults = unanswered(&run(member, 5), "this run");
            assert_eq!(faults.len(), 1, "{faults:?}");
            let named = faults[0].starts_with("rego: 5 ") && faults[0].ends_with("of this run");
            assert!(named, "{faults:?}");
        }
        assert_eq!(unanswered(&json!({}), "the old run"), [""; 0]);
    }

    #[test]
    fn a_run_with_sleeping_cores_is_not_compared_with_one_without() {
        let run = |latency: Value| json!({"environment": {"wake_latency_us": latency}});
        let before_it_was_told = json!({"environment": {}});
        let alike = |old: &Value, new: &Value| in_sleep(old, new).is_none();
        assert!(alike(&before_it_was_told, &run(Value::Null)));
        assert!(alike(&run(0.into()), &run(0.into())));
        assert!(!alike(&before_it_was_told, &run(0.into())));
        assert!(!alike(&run(0.into()), &run(Value::Null)));
    }
}
