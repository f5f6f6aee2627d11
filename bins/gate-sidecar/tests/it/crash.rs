//! SIGKILL under load: what a caller was told is there after the restart, exactly once.
//!
//! The tests run a few rounds; `cargo xtask crash` runs as many as it is asked for. The seed fixes
//! the requests and how far a round gets before the kill, but not where each thread is at that
//! moment.

#![allow(
    clippy::print_stdout,
    reason = "a long run says how far it is, on `--nocapture`"
)]

mod book;
mod check;
mod load;
mod record;

use std::path::Path;
use std::time::Duration;

use crate::sidecar::{Sidecar, builtin_bundle, kill, run};
use check::Findings;

/// The rounds to run, and how.
struct Plan {
    rounds: u64,
    seed: u64,
    durability: String,
    /// Plants a fault that must be noticed: puts the store back to its state before each load.
    rollback: bool,
}

impl Plan {
    /// Reads the variables that `cargo xtask crash` sets; without them, a few rounds.
    fn from_environment() -> Self {
        let text = |name: &str| std::env::var(name).ok();
        let number = |name: &str| text(name).map(|text| text.parse().unwrap());
        Self {
            rounds: number("CRASH_ROUNDS").unwrap_or(4),
            seed: number("CRASH_SEED").unwrap_or(1),
            durability: text("CRASH_DURABILITY").unwrap_or_else(|| "strict".to_owned()),
            rollback: text("CRASH_PLANT").is_some_and(|plant| plant == "rollback"),
        }
    }
}

#[test]
fn what_was_told_is_there_after_a_kill_and_once() {
    let plan = Plan::from_environment();
    let found = rounds(&plan);
    for line in found.faults.iter().take(20) {
        println!("{line}");
    }
    let Plan {
        rounds,
        seed,
        durability,
        ..
    } = plan;
    println!("{rounds} rounds, seed {seed}, {durability}: {found}");
    assert!(found.faults.is_empty(), "{found}");
}

#[test]
fn a_store_that_lost_what_was_told_is_noticed() {
    let found = rounds(&Plan {
        rounds: 1,
        seed: 2,
        durability: "strict".to_owned(),
        rollback: true,
    });
    assert!(found.lost > 0, "{found}");
}

fn rounds(plan: &Plan) -> Findings {
    let dir = tempfile::tempdir().unwrap();
    let (data, backup) = (dir.path().join("data"), dir.path().join("backup"));
    let bundle = builtin_bundle(dir.path(), "crash", load::MAX_EXPOSURE);
    let flags = [
        "--durability",
        &plan.durability,
        "--bundle",
        bundle.to_str().unwrap(),
    ];
    let mut total = Findings::default();
    // A point of the chain that every later check must still find.
    let mut known: Option<String> = None;
    if plan.rollback {
        Sidecar::start(&data, &flags).kill();
    }
    for round in 0..plan.rounds {
        if plan.rollback {
            copy_files(&data, &backup);
        }
        let mut dice = load::Dice::new(plan.seed, round);
        let sidecar = Sidecar::start(&data, &flags);
        let records = dir.path().join(format!("told-{round}"));
        load::run_and_kill(sidecar, &records, round, &mut dice);
        if plan.rollback {
            copy_files(&backup, &data);
        }
        if round % 4 == 3 {
            // Killed again while it recovers.
            let mut start = Sidecar::spawn(&data, &flags);
            std::thread::sleep(Duration::from_micros(dice.below(60_000)));
            kill(&mut start);
        }

        let sidecar = Sidecar::start(&data, &flags);
        let mut found = check::after_restart(&sidecar, &data, &record::read(&records));
        sidecar.kill();
        match verify(&data, known.as_deref()) {
            Ok(end) => known = Some(end),
            Err(fault) => found.faults.push(fault),
        }
        for fault in &mut found.faults {
            fault.insert_str(0, &format!("round {round}: "));
        }
        total.add(found);
        std::fs::remove_dir_all(&records).unwrap();
        if (round + 1) % 5 == 0 && round + 1 < plan.rounds {
            println!("{} rounds: {total}", round + 1);
        }
    }
    total
}

/// Verifies the store with `audit verify` and SQLite; returns the end of the chain.
fn verify(data: &Path, known: Option<&str>) -> Result<String, String> {
    let mut args = vec!["audit", "verify", "--data-dir", data.to_str().unwrap()];
    args.extend(known.iter().flat_map(|known| ["--known", known]));
    let verified = run(&args, b"");
    if !verified.status.success() {
        return Err(String::from_utf8_lossy(&verified.stderr).into_owned());
    }
    let store = rusqlite::Connection::open(data.join("ledger.db")).unwrap();
    let integrity: String = store
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    if integrity != "ok" {
        return Err(integrity);
    }
    let said = String::from_utf8(verified.stdout).unwrap();
    let end = said.split_whitespace().last().unwrap_or_default();
    Ok(end.to_owned())
}

fn copy_files(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}
