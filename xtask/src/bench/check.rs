//! `--check OLD.json`: did a ratio to bare actix-web get worse by more than the runs' own noise?
//!
//! Absolute figures of two runs are not compared: the machine may have been another one.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::stats::Rounds;

/// Two runs always differ by this much.
const NOISE_MIN: f64 = 0.02;

/// The ratios that are held, and whether more is better.
const RATIOS: [(&str, bool); 2] = [("throughput", true), ("open_p99", false)];

/// Compares two artifacts; an error names what got worse.
pub(super) fn against(old: &Path, new: &Path) -> Result<()> {
    println!("\n== against {}", old.display());
    let (old, new) = (read(old)?, read(new)?);
    alike(&old, &new)?;
    let mut worse = Vec::new();
    for name in ["rego", "builtin"] {
        for (ratio, more_is_better) in RATIOS {
            let before = rounds(&old, name, ratio).context("the old artifact has no comparison")?;
            let after = rounds(&new, name, ratio).context("this run made no comparison")?;
            let verdict = Verdict::of(&before, &after, more_is_better);
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

/// Whether cores slept in both or in none: with it the latencies of both servers are others.
fn alike(old: &Value, new: &Value) -> Result<()> {
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

#[derive(Debug, PartialEq)]
struct Verdict {
    noise: f64,
    worse: bool,
}

impl Verdict {
    /// Noise is what the rounds of either run differ by, relative to their median.
    fn of(before: &Rounds, after: &Rounds, more_is_better: bool) -> Self {
        let noise = before.spread().max(after.spread()).max(NOISE_MIN);
        let change = after.median / before.median;
        let worse = if more_is_better {
            change < 1.0 / (1.0 + noise)
        } else {
            change > 1.0 + noise
        };
        // What is not a number has not been held.
        Self {
            noise,
            worse: worse || !change.is_finite(),
        }
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
        let verdict = Verdict::of(&before, &after, more_is_better);
        assert_eq!(verdict.worse, worse, "{verdict:?}");
    }

    #[test]
    fn what_lies_within_the_noise_is_held() {
        check(&[0.60, 0.62, 0.58], &[0.57, 0.59, 0.58], true, false);
        check(&[2.0, 2.1, 1.9], &[2.15, 2.1, 2.2], false, false);
    }

    #[test]
    fn what_got_worse_is_seen() {
        check(&[0.60, 0.61, 0.59], &[0.50, 0.51, 0.49], true, true);
        check(&[2.0, 2.1, 1.9], &[3.0, 3.1, 2.9], false, true);
        check(&[0.60], &[f64::NAN], true, true);
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
