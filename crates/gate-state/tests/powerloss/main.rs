//! Power loss, seeded and repeatable: a ledger under load on a disk that forgets what was not
//! synced (`xtask/powerloss/shim.c`), then a check of what is left.
//!
//! Without arguments a short run, as one of the tests; `cargo xtask powerloss` for a long one. A
//! seed is up to three lives of one store, each ended by a power failure, some while the store is
//! being opened.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a harness fails by panicking and reports on its output"
)]

#[path = "../../benches/support/clock.rs"]
mod clock;
mod inspect;
mod life;
mod load;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use inspect::Outcome;
use load::QUEUE;

/// What to run.
#[derive(Debug, Clone, Default)]
struct Plan {
    first: u64,
    seeds: u64,
    relaxed: bool,
    /// A disk that lies about syncs, so that losses must be found: `all`, `wal` (the log's only, as
    /// with `synchronous=OFF` for commits), `some` (one in eight).
    plant: Option<String>,
    /// The disk's trouble for a while before the power fails: `sync` (syncs fail) or `full`.
    trouble: Option<String>,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["load", rest @ ..] => {
            load::run(rest);
            ExitCode::SUCCESS
        }
        [] => short(),
        // Arguments for other test binaries: a filter or a flag.
        [word, ..] if *word != "--seeds" => ExitCode::SUCCESS,
        _ => long(&words),
    }
}

/// A few seeds of each kind.
fn short() -> ExitCode {
    let Some((work, shim)) = prepare() else {
        return ExitCode::SUCCESS;
    };
    let plan = Plan {
        first: 1,
        seeds: 20,
        ..Plan::default()
    };
    let some = |text: &str| Some(text.to_owned());
    let trouble = |text| Plan {
        trouble: some(text),
        ..plan.clone()
    };
    for plan in [
        plan.clone(),
        trouble("sync"),
        trouble("full"),
        Plan {
            relaxed: true,
            ..plan.clone()
        },
    ] {
        assert!(seeds(work.path(), &shim, &plan), "{plan:?}");
    }
    // The next honest sync mends a lie about one in eight: whether something is lost depends on
    // when the power fails, so seeds are tried until something is.
    for lie in ["all", "wal", "some"] {
        println!("what follows must lose:");
        let lost = (0..20).any(|turn| {
            let plan = Plan {
                first: plan.first + turn * plan.seeds,
                plant: some(lie),
                ..plan.clone()
            };
            !seeds(work.path(), &shim, &plan)
        });
        assert!(lost, "a disk that lies ({lie}) was not found out");
    }
    ExitCode::SUCCESS
}

fn long(words: &[&str]) -> ExitCode {
    let mut plan = Plan {
        first: 1,
        ..Plan::default()
    };
    for pair in words.chunks(2) {
        match pair {
            ["--seeds", n] => plan.seeds = n.parse().unwrap(),
            ["--first", n] => plan.first = n.parse().unwrap(),
            ["--durability", mode] => plan.relaxed = *mode == "relaxed",
            ["--plant", lie] => plan.plant = Some((*lie).to_owned()),
            ["--trouble", kind] => plan.trouble = Some((*kind).to_owned()),
            _ => panic!("{pair:?} is not known here"),
        }
    }
    match prepare() {
        Some((work, shim)) if seeds(work.path(), &shim, &plan) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// A working directory with the shim in it. `None`, with a loud message, where that is impossible.
fn prepare() -> Option<(tempfile::TempDir, PathBuf)> {
    let work = tempfile::tempdir().unwrap();
    let shim = work.path().join("shim.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../xtask/powerloss/shim.c");
    let built = Command::new("cc")
        .args(["-O2", "-fPIC", "-shared", "-o"])
        .arg(&shim)
        .arg(source)
        .args(["-ldl", "-lpthread"])
        .status();
    match built {
        Ok(status) if cfg!(target_os = "linux") => {
            assert!(status.success(), "the shim does not compile");
            Some((work, shim))
        }
        _ => {
            eprintln!("\nSKIPPED, NOTHING WAS CHECKED: power loss needs Linux and a C compiler\n");
            None
        }
    }
}

/// Runs every seed of the plan; whether all passed.
fn seeds(work: &Path, shim: &Path, plan: &Plan) -> bool {
    let window = if plan.relaxed { QUEUE } else { 0 };
    let mut total = Outcome::default();
    for n in 0..plan.seeds {
        let seed = plan.first + n;
        let outcome = life::seed(work, shim, seed, plan);
        // With a lying disk only the sum must show losses.
        if plan.plant.is_none() && !outcome.is_good(window) {
            println!("seed {seed}: {outcome:?}");
            outcome
                .faults
                .iter()
                .for_each(|fault| println!("  {fault}"));
        }
        total.add(outcome);
        if (n + 1) % 500 == 0 && n + 1 < plan.seeds {
            println!("{} seeds: {total}", n + 1);
        }
    }
    let mode = if plan.relaxed { "relaxed" } else { "strict" };
    let plant = plan.plant.as_ref().map(|lie| format!(", lies: {lie}"));
    let trouble = plan
        .trouble
        .as_ref()
        .map(|kind| format!(", trouble: {kind}"));
    println!(
        "{} seeds, {mode}{}{}: {total}",
        plan.seeds,
        plant.unwrap_or_default(),
        trouble.unwrap_or_default()
    );
    total.is_good(window)
}
