//! `--check OLD.json`: did a ratio to bare actix-web get worse by more than the runs' own noise?
//!
//! Absolute figures of two runs are not compared: the machine may have been another one.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::stats::Rounds;

/// Two runs always differ by this much.
const NOISE_MIN: f64 = 0.02;
/// Beyond this nothing can be told.
const NOISE_MAX: f64 = 0.5;

/// The ratios that are checked, and whether more is better.
const RATIOS: [(&str, bool); 2] = [("throughput", true), ("open_p99", false)];

/// Compares two artifacts; an error names what got worse.
pub(super) fn against(old: &Path, new: &Path) -> Result<()> {
    println!("\n== against {}", old.display());
    let (old, new) = (read(old)?, read(new)?);
    alike(&old, &new)?;
    for member in ["/environment/cpu", "/environment/kernel"] {
        let (before, after) = (old.pointer(member), new.pointer(member));
        if before != after {
            println!("note: {member} differs: ratios are another machine's, too");
        }
    }
    let mut worse = Vec::new();
    for name in ["rego", "builtin"] {
        for (ratio, more_is_better) in RATIOS {
            let before = rounds(&old, name, ratio).context("the old artifact has no comparison")?;
            let after = rounds(&new, name, ratio).context("this run made no comparison")?;
            let verdict = Verdict::of(&before, &after, more_is_better)
                .with_context(|| format!("{name}: {ratio}"))?;
            let mark = if verdict.worse { "WORSE " } else { "held  " };
            println!(
                "{mark}  {name}: {ratio} {:.3} -> {:.3}, noise {:.3}",
                before.median, after.median, verdict.noise
            );
            if verdict.worse {
                worse.push(format!("{name}: {ratio}"));
            }
        }
    }
    if !worse.is_empty() {
        bail!("worse than before: {}", worse.join(", "));
    }
    Ok(())
}

/// The settings that change the ratios of the same code.
const SETTINGS: [&str; 5] = [
    "/config/durability",
    "/config/concurrency",
    "/comparison/open_rate_per_sec",
    "/comparison/open_duration_sec",
    "/comparison/closed_duration_sec",
];

/// Fails unless both were measured with the same settings, and cores slept in both or in neither:
/// sleep changes the latencies of both servers.
fn alike(old: &Value, new: &Value) -> Result<()> {
    for member in SETTINGS {
        let (before, after) = (old.pointer(member), new.pointer(member));
        // Earlier artifacts do not say all of it.
        if before.is_some() && before != after {
            let shown = |value: Option<&Value>| value.map_or_else(String::new, Value::to_string);
            bail!(
                "{member} was {} in the old run and is {} in this one",
                shown(before),
                shown(after)
            );
        }
    }
    answered(old, "the old run")?;
    answered(new, "this run")?;
    for name in CONTENDERS {
        let invalid = new.pointer(&format!("/comparison/{name}/invalid_runs"));
        if invalid.and_then(Value::as_u64).is_some_and(|runs| runs > 0) {
            bail!("{name}: runs of this comparison are not valid");
        }
    }
    let latency = |artifact: &Value| {
        let found = artifact.pointer("/environment/wake_latency_us").cloned();
        found.unwrap_or_default()
    };
    let (before, after) = (latency(old), latency(new));
    if before != after {
        bail!(
            "cores might take {before} us to wake in the old run and {after} in this one \
             (null: as long as they do): see --let-cores-sleep"
        );
    }
    Ok(())
}

const CONTENDERS: [&str; 3] = ["bare_actix", "rego", "builtin"];

/// Fails unless every request of the comparison was answered, and as expected: a server that
/// refuses or blocks is quick. Earlier artifacts do not say what was unexpected.
fn answered(artifact: &Value, run: &str) -> Result<()> {
    for name in CONTENDERS {
        for (member, what) in [("errors", "errors"), ("unexpected", "unexpected answers")] {
            let count = artifact.pointer(&format!("/comparison/{name}/{member}"));
            if let Some(count) = count.and_then(Value::as_u64).filter(|count| *count > 0) {
                bail!("{name}: {count} {what} in the comparison of {run}");
            }
        }
    }
    Ok(())
}

#[derive(Debug, PartialEq)]
struct Verdict {
    noise: f64,
    worse: bool,
}

impl Verdict {
    /// Noise is how far the rounds of either run lie from the middle between them, relative to their median.
    fn of(before: &Rounds, after: &Rounds, more_is_better: bool) -> Result<Self> {
        if before.values.len() < 2 || after.values.len() < 2 {
            bail!("one round has no noise: measure more");
        }
        let half = |rounds: &Rounds| rounds.spread() / 2.0;
        let noise = half(before).max(half(after)).max(NOISE_MIN);
        if noise > NOISE_MAX {
            bail!(
                "rounds differ by {:.0} % either way: nothing can be told",
                100.0 * noise
            );
        }
        let change = after.median / before.median;
        let worse = if more_is_better {
            change < 1.0 / (1.0 + noise)
        } else {
            change > 1.0 + noise
        };
        // A change that is not a number counts as worse.
        Ok(Self {
            noise,
            worse: worse || !change.is_finite(),
        })
    }
}

fn rounds(artifact: &Value, name: &str, ratio: &str) -> Option<Rounds> {
    let ratios = artifact.get("comparison")?.get("ratios")?.as_array()?;
    let of_name = ratios
        .iter()
        .find(|entry| entry.get("name").and_then(Value::as_str) == Some(name))?;
    serde_json::from_value(of_name.get(ratio)?.clone()).ok()
}

fn read(path: &Path) -> Result<Value> {
    let text = std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("`{}` is no artifact", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(before: &[f64], after: &[f64], more_is_better: bool, worse: bool) {
        let before = Rounds::of(before.to_vec());
        let after = Rounds::of(after.to_vec());
        let verdict = Verdict::of(&before, &after, more_is_better).unwrap();
        assert_eq!(verdict.worse, worse, "{verdict:?}");
    }

    #[test]
    fn what_lies_within_the_noise_is_held() {
        check(&[0.60, 0.62, 0.58], &[0.58, 0.60, 0.59], true, false);
        check(&[2.0, 2.1, 1.9], &[2.05, 2.1, 2.0], false, false);
    }

    #[test]
    fn what_got_worse_is_seen() {
        check(&[0.60, 0.61, 0.59], &[0.50, 0.51, 0.49], true, true);
        check(&[2.0, 2.1, 1.9], &[3.0, 3.1, 2.9], false, true);
        check(&[0.60, 0.60], &[f64::NAN, f64::NAN], true, true);
        // Rounds that lie apart are no excuse for as much again.
        check(&[2.0, 2.0, 2.0], &[2.2, 2.8, 3.4], false, true);
    }

    #[test]
    fn where_nothing_can_be_told_nothing_is_held() {
        let of = |before: &[f64], after: &[f64]| {
            Verdict::of(&Rounds::of(before.into()), &Rounds::of(after.into()), true)
        };
        assert!(of(&[0.6], &[0.6]).is_err());
        assert!(of(&[0.6, 0.6, 0.6], &[0.2, 0.6, 1.0]).is_err());
    }

    #[test]
    fn runs_that_were_made_otherwise_or_are_not_valid_are_not_compared() {
        let run = |durability: &str, invalid: u32| {
            serde_json::json!({
                "config": {"durability": durability},
                "comparison": {"rego": {"invalid_runs": invalid}},
            })
        };
        assert!(alike(&run("strict", 0), &run("strict", 0)).is_ok());
        assert!(alike(&run("strict", 0), &run("relaxed", 0)).is_err());
        assert!(alike(&run("strict", 0), &run("strict", 1)).is_err());
    }

    #[test]
    fn a_run_whose_servers_refused_or_answered_otherwise_is_not_compared() {
        let run =
            |member: &str, count: u32| serde_json::json!({"comparison": {"rego": {member: count}}});
        let early = serde_json::json!({"comparison": {"rego": {"errors": 0}}});
        let clean = run("unexpected", 0);
        assert!(alike(&early, &clean).is_ok());
        for member in ["errors", "unexpected"] {
            let faulty = run(member, 5);
            for (old, new, which) in [(&faulty, &clean, "old"), (&early, &faulty, "this")] {
                let error = alike(old, new).unwrap_err().to_string();
                assert!(
                    error.starts_with("rego: 5 ") && error.contains(which),
                    "{error}"
                );
            }
        }
    }

    #[test]
    fn what_got_better_is_not_worse() {
        check(&[0.50, 0.51, 0.49], &[0.60, 0.61, 0.59], true, false);
        check(&[3.0, 3.1, 2.9], &[2.0, 2.1, 1.9], false, false);
    }

    #[test]
    fn a_run_with_sleeping_cores_is_not_compared_with_one_without() {
        let run = |latency: Value| serde_json::json!({"environment": {"wake_latency_us": latency}});
        let before_it_was_told = serde_json::json!({"environment": {}});
        assert!(alike(&before_it_was_told, &run(Value::Null)).is_ok());
        assert!(alike(&run(0.into()), &run(0.into())).is_ok());
        assert!(alike(&before_it_was_told, &run(0.into())).is_err());
        assert!(alike(&run(0.into()), &run(Value::Null)).is_err());
    }
}
