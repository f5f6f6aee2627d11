//! `cargo xtask profile`: instructions of a decision by segment, counted by callgrind.
//!
//! Times differ from run to run on a busy machine; counts do not. They tell nothing of waiting,
//! of caches, nor of the kernel, which valgrind does not see into. Its processor has no SHA
//! instructions: where the real one has them, digest and signature cost fewer than counted.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::run;

/// The arguments of `cargo xtask profile`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Decisions to count, of each engine
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(30..=1000))]
    decisions: u32,
    /// Cargo profile: that of the sidecar, or `dev`, which `cargo test` has built anyway
    #[arg(long, default_value = "release")]
    profile: Profile,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Profile {
    Dev,
    Release,
}

/// The marks of `crates/gate-api/examples/decisions.rs`, in their order, with the segment that
/// ends there. The first has none.
const MARKS: [(&str, &str); 9] = [
    ("mark_begun", ""),
    ("mark_parsed", "parse"),
    ("mark_asked", "state, before"),
    ("mark_judged", "policy"),
    ("mark_held", "state, after"),
    ("mark_signed", "sign"),
    ("mark_waiting", "return"),
    ("mark_durable", "wait"),
    ("mark_answered", "response"),
];

/// The first decisions fill tables and caches.
const WARM_UP: usize = 10;

/// Counts both engines and prints a table.
///
/// # Errors
/// When valgrind is not there, or what it reports is not understood.
pub(crate) fn run(args: &Args) -> Result<()> {
    let root = run::workspace_root();
    let mut build = vec![
        "build",
        "--locked",
        "-p",
        "gate-api",
        "--example",
        "decisions",
    ];
    let sub = match args.profile {
        Profile::Dev => "debug",
        Profile::Release => {
            build.push("--release");
            "release"
        }
    };
    run::cargo(&build, &[])?;
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into);
    let program = target.join(sub).join("examples/decisions");
    let scratch = tempfile::tempdir()?;
    let mut columns = Vec::new();
    for engine in ["rego", "builtin"] {
        let report = scratch.path().join(engine);
        count(&program, engine, args.decisions, &report)?;
        let text = std::fs::read_to_string(&report).context("callgrind wrote no report")?;
        columns.push(segments(&text).context("callgrind's report is not understood")?);
    }
    println!("\ninstructions of a decision, the median of those after the first {WARM_UP}");
    println!("{:<16} {:>10} {:>10}", "segment", "rego", "builtin");
    let of = |column: usize, name: &str| columns.get(column).and_then(|c| c.get(name)).copied();
    for (_, name) in MARKS.iter().skip(1) {
        row(name, of(0, name), of(1, name));
    }
    let total = |column: usize| {
        let decided = |name: &&str| !["", "wait"].contains(name);
        let names = MARKS.iter().map(|(_, name)| *name).filter(decided);
        names.map(|name| of(column, name)).sum()
    };
    row("all but wait", total(0), total(1));
    Ok(())
}

fn row(name: &str, rego: Option<u64>, builtin: Option<u64>) {
    let shown = |count: Option<u64>| count.map_or_else(|| "–".into(), |count| count.to_string());
    println!("{name:<16} {:>10} {:>10}", shown(rego), shown(builtin));
}

fn count(program: &Path, engine: &str, decisions: u32, report: &Path) -> Result<()> {
    let mut command = Command::new("valgrind");
    command
        .args(["--quiet", "--tool=callgrind", "--separate-threads=yes"])
        .args([
            "--combine-dumps=yes",
            "--dump-line=no",
            "--dump-before=*mark_*",
        ])
        .arg(format!("--callgrind-out-file={}", report.display()))
        .arg(program)
        .args([engine, &decisions.to_string()]);
    println!("\n$ valgrind --tool=callgrind decisions {engine} {decisions}");
    let status = command.status().context("cannot run valgrind")?;
    ensure!(status.success(), "valgrind failed ({status})");
    Ok(())
}

/// The median count of each segment on the thread that decides, the first of the process. A part
/// of the report ends at a mark, which its trigger names.
fn segments(report: &str) -> Option<BTreeMap<&'static str, u64>> {
    let mut counts: BTreeMap<&'static str, Vec<u64>> = BTreeMap::new();
    let (mut thread, mut segment) = (0_u32, None);
    for line in report.lines() {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        match name {
            "part" => segment = None,
            "thread" => thread = value.trim().parse().ok()?,
            "desc" => {
                if let Some(trigger) = value.trim().strip_prefix("Trigger:") {
                    let ends = |(mark, _): &&(&str, &str)| trigger.contains(mark);
                    segment = MARKS.iter().find(ends).map(|(_, segment)| *segment);
                }
            }
            "totals" | "summary" if thread == 1 => {
                // Both lines close a part; the second finds `segment` taken.
                if let Some(segment) = segment.take() {
                    counts
                        .entry(segment)
                        .or_default()
                        .push(value.trim().parse().ok()?);
                }
            }
            _ => {}
        }
    }
    let mut medians = BTreeMap::new();
    for (_, segment) in MARKS.iter().skip(1) {
        let of_segment = counts.remove(segment)?.into_iter();
        let mut of_decisions: Vec<u64> = of_segment.skip(WARM_UP).collect();
        of_decisions.sort_unstable();
        medians.insert(*segment, *of_decisions.get(of_decisions.len() / 2)?);
    }
    Some(medians)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(thread: u32, mark: &str, count: u64) -> String {
        format!(
            "part: 1\nthread: {thread}\ndesc: Trigger: --dump-before=decisions::{mark}\n\
             summary: {count}\nfn=(1) x::y\n0 {count}\ntotals: {count}\n"
        )
    }

    fn report(decisions: u64) -> String {
        let decision = |number: u64| {
            MARKS.map(|(mark, _)| {
                // The journal's thread is not counted, and the first decisions are not either.
                let count = if number < WARM_UP as u64 {
                    9_999
                } else {
                    100 + number
                };
                part(1, mark, count) + &part(3, mark, 1)
            })
        };
        (0..decisions).flat_map(decision).collect()
    }

    #[test]
    fn a_segment_is_the_median_on_the_deciding_thread_after_the_warm_up() {
        let counts = segments(&report(WARM_UP as u64 + 3)).unwrap();
        assert_eq!(counts.len(), MARKS.len() - 1);
        assert!(counts.values().all(|count| *count == 111), "{counts:?}");
    }

    #[test]
    fn a_report_without_the_marks_is_not_understood() {
        assert_eq!(segments("part: 1\nthread: 1\ntotals: 5\n"), None);
        assert_eq!(segments(&report(WARM_UP as u64)), None);
    }
}
