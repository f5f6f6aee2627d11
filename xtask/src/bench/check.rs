//! `--check OLD.json`: did a ratio of the comparison get worse by more than the runs' own noise?
//!
//! Absolute figures of two runs are not compared: the machine may have been another one.

mod alike;
mod verdict;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::Args;
use super::stats::Rounds;
use verdict::Verdict;

/// The ratios that are checked, and whether more is better.
const RATIOS: [(&str, bool); 3] = [
    ("throughput", true),
    ("open_p99", false),
    ("unix_over_tcp", true),
];

const CONTENDERS: [&str; 3] = ["bare_actix", "rego", "builtin"];

/// The artifact that a run is to be compared with.
#[derive(Debug)]
pub(super) struct Old {
    path: PathBuf,
    artifact: Value,
}

impl Old {
    /// Reads it, before the half hour of load, and fails when no run with these arguments could be
    /// compared with it.
    pub(super) fn read(path: &Path, args: &Args) -> Result<Self> {
        let artifact = read(path)?;
        let faults = faults(&artifact, args);
        if !faults.is_empty() {
            bail!("`{}`: {}", path.display(), faults.join("; "));
        }
        Ok(Self {
            path: path.to_owned(),
            artifact,
        })
    }

    /// Fails when cores slept otherwise than they will now.
    pub(super) fn slept(&self, wake_latency_us: Option<i32>) -> Result<()> {
        let planned = serde_json::json!({"environment": {"wake_latency_us": wake_latency_us}});
        match alike::in_sleep(&self.artifact, &planned) {
            Some(fault) => bail!("`{}`: {fault}", self.path.display()),
            None => Ok(()),
        }
    }

    /// Compares the new artifact with it: prints every ratio, then fails when one got worse or
    /// cannot be told.
    pub(super) fn against(&self, new: &Path) -> Result<()> {
        println!("\n== against {}", self.path.display());
        let faults = compare(&self.artifact, &read(new)?);
        if !faults.is_empty() {
            bail!("{}", faults.join("; "));
        }
        Ok(())
    }
}

/// Why no run with these arguments could be compared with `old`.
fn faults(old: &Value, args: &Args) -> Vec<String> {
    let mut faults = Vec::new();
    if args.rounds < 2 {
        faults.push(format!("{}: see --rounds", verdict::TOO_FEW));
    }
    if old.pointer("/comparison/ratios").is_none() {
        faults.push("no comparison with bare actix-web in it".to_owned());
        return faults;
    }
    faults.extend(alike::by_arguments(old, args));
    faults.extend(alike::unanswered(old, "the old run"));
    for (name, ratio, _) in ratios() {
        let told = match rounds(old, name, ratio) {
            None => Err(anyhow::anyhow!("the old run has no such ratio")),
            Some(rounds) => verdict::half_spread(&rounds),
        };
        if let Err(error) = told {
            faults.push(format!("{name}: {ratio}: {error:#}"));
        }
    }
    faults
}

/// Prints every ratio; returns why `new` does not hold against `old`.
fn compare(old: &Value, new: &Value) -> Vec<String> {
    for member in alike::NOTED {
        if old.pointer(member) != new.pointer(member) {
            println!("note: {member} differs: ratios may differ for that alone");
        }
    }
    let mut faults = alike::settings(old, new);
    faults.extend(alike::unanswered(old, "the old run"));
    faults.extend(alike::unanswered(new, "this run"));
    faults.extend(alike::in_sleep(old, new));
    for (name, ratio, more_is_better) in ratios() {
        let title = format!("{name}: {ratio}");
        match judge(old, new, name, ratio, more_is_better) {
            Ok((line, worse)) => {
                let mark = if worse { "WORSE " } else { "held  " };
                println!("{mark}  {title} {line}");
                if worse {
                    faults.push(format!("{title} is worse than before"));
                }
            }
            Err(error) => {
                println!("?       {title}: {error:#}");
                faults.push(format!("{title}: {error:#}"));
            }
        }
    }
    faults
}

/// Each server's each ratio, and whether more is better.
fn ratios() -> impl Iterator<Item = (&'static str, &'static str, bool)> {
    let of = |name| RATIOS.map(|(ratio, more_is_better)| (name, ratio, more_is_better));
    ["rego", "builtin"].into_iter().flat_map(of)
}

/// The two medians in words, and whether the new one is worse.
fn judge(
    old: &Value,
    new: &Value,
    name: &str,
    ratio: &str,
    more_is_better: bool,
) -> Result<(String, bool)> {
    let before = rounds(old, name, ratio).context("the old run has no such ratio")?;
    let after = rounds(new, name, ratio).context("this run has no such ratio")?;
    let verdict = Verdict::of(&before, &after, more_is_better)?;
    let line = format!(
        "{:.3} -> {:.3}, noise {:.3}",
        before.median, after.median, verdict.noise
    );
    Ok((line, verdict.worse))
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
    use serde_json::json;

    use super::*;

    /// What the command line's defaults make, with these rounds of each ratio.
    fn artifact(throughput: &[f64], open_p99: &[f64], unix_over_tcp: &[f64]) -> Value {
        let of = |values: &[f64]| serde_json::to_value(Rounds::of(values.into())).unwrap();
        let ratios = |name: &str| {
            json!({
                "name": name,
                "throughput": of(throughput),
                "open_p99": of(open_p99),
                "unix_over_tcp": of(unix_over_tcp),
            })
        };
        json!({
            "config": {"durability": "strict", "concurrency": 100},
            "comparison": {
                "open_rate_per_sec": 10_000,
                "open_duration_sec": 20,
                "closed_duration_sec": 5,
                "rego": {"invalid_runs": 0, "errors": 0},
                "ratios": [ratios("rego"), ratios("builtin")],
            },
        })
    }

    fn usual() -> Value {
        artifact(&[0.6, 0.61], &[2.0, 2.1], &[1.2, 1.25])
    }

    #[track_caller]
    fn refused(old: &Value, line: &str, why: &str) {
        let faults = faults(old, &Args::of(line));
        assert!(faults.iter().any(|fault| fault.contains(why)), "{faults:?}");
    }

    #[test]
    fn an_old_run_that_can_be_compared_with_has_no_fault() {
        assert_eq!(faults(&usual(), &Args::of("")), [""; 0]);
        assert_eq!(compare(&usual(), &usual()), [""; 0]);
    }

    #[test]
    fn an_old_run_that_nothing_can_be_compared_with_is_refused_before_the_load() {
        refused(&json!({"comparison": null}), "", "no comparison");
        let empty = json!({"comparison": {"ratios": []}});
        refused(&empty, "", "rego: throughput: the old run has no such");
        let single = artifact(&[0.6], &[2.0], &[1.2]);
        refused(&single, "", "builtin: open_p99: one round has no noise");
        let apart = artifact(&[0.6, 0.6], &[1.0, 2.0, 9.0], &[1.2, 1.2]);
        refused(&apart, "", "rego: open_p99: rounds differ by 200 %");
        let nothing = artifact(&[0.0, 0.0], &[2.0, 2.0], &[1.2, 1.2]);
        refused(&nothing, "", "rego: throughput: no ratio");
        let mut invalid = usual();
        invalid["comparison"]["rego"]["invalid_runs"] = 1.into();
        refused(&invalid, "", "rego: 1 invalid runs");
        let mut errors = usual();
        errors["comparison"]["rego"]["errors"] = 7.into();
        refused(&errors, "", "rego: 7 errors");
    }

    #[test]
    fn a_command_line_that_measures_otherwise_is_refused_before_the_load() {
        for (line, why) in [
            ("--rounds 1", "--rounds"),
            ("--rounds 0", "--rounds"),
            ("--durability relaxed", "/config/durability"),
            ("--connections 50", "/config/concurrency"),
            ("--compare-rate 5000", "/comparison/open_rate_per_sec"),
            ("--compare-open-seconds 60", "/comparison/open_duration_sec"),
            ("--round-seconds 3", "/comparison/closed_duration_sec"),
        ] {
            refused(&usual(), line, why);
        }
    }

    #[test]
    fn a_missing_file_is_refused_before_the_load_and_so_are_sleeping_cores() {
        assert!(Old::read(Path::new("no-such-artifact.json"), &Args::of("")).is_err());
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("old.json");
        std::fs::write(&path, usual().to_string()).unwrap();
        let old = Old::read(&path, &Args::of("")).unwrap();
        assert!(old.slept(None).is_ok());
        assert!(old.slept(Some(0)).is_err());
        assert!(old.against(&path).is_ok());
        assert!(Old::read(&path, &Args::of("--rounds 1")).is_err());
    }

    #[test]
    fn every_ratio_is_judged_though_one_cannot_be_told() {
        let new = artifact(&[0.2, 0.6, 1.0], &[5.0, 5.1], &[0.9, 0.91]);
        let told = "rounds differ by 67 % either way: nothing can be told";
        let expected: Vec<String> = ["rego", "builtin"]
            .into_iter()
            .flat_map(|name| {
                [
                    format!("{name}: throughput: {told}"),
                    format!("{name}: open_p99 is worse than before"),
                    format!("{name}: unix_over_tcp is worse than before"),
                ]
            })
            .collect();
        assert_eq!(compare(&usual(), &new), expected);
    }

    #[test]
    fn a_ratio_that_one_of_the_two_has_not_is_named() {
        let mut new = usual();
        new["comparison"]["ratios"][0]["open_p99"] = Value::Null;
        let expected = ["rego: open_p99: this run has no such ratio"];
        assert_eq!(compare(&usual(), &new), expected);
    }
}
