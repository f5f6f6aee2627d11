//! Runs the long forms of the two destructive harnesses: SIGKILL under load, and power loss. Their
//! code is in the crates' tests, which run a short form.

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::run;

/// The cargo profile to build with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Profile {
    Dev,
    Release,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Durability {
    Strict,
    Relaxed,
}

impl Durability {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Relaxed => "relaxed",
        }
    }
}

/// The arguments of `cargo xtask crash`.
#[derive(Debug, Args)]
pub(crate) struct Crash {
    /// Rounds, each a load that ends in SIGKILL
    #[arg(long, default_value_t = 50)]
    rounds: u64,
    /// Seed of the requests, and of how far each load gets
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Durability of the sidecar; with `relaxed`, losses must be reported
    #[arg(long, default_value = "strict")]
    durability: Durability,
    /// Plant a fault: before each restart, put the store back to its state before the load; losses
    /// must then be reported
    #[arg(long)]
    plant: Option<CrashPlant>,
    /// Cargo profile to build the sidecar with
    #[arg(long, default_value = "release")]
    profile: Profile,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CrashPlant {
    Rollback,
}

/// The arguments of `cargo xtask powerloss`.
#[derive(Debug, Args)]
pub(crate) struct PowerLoss {
    /// Number of seeds, each for up to three power failures of one store
    #[arg(long, default_value_t = 500)]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 1)]
    first: u64,
    /// Durability of the ledger; with `relaxed`, a power failure may lose what fits into the queue,
    /// no more
    #[arg(long, default_value = "strict")]
    durability: Durability,
    /// Plant a fault: a disk that lies about syncs; losses must then be reported. It lies about
    /// all, about those of the write-ahead log (as with `synchronous=OFF`), or about one in eight
    #[arg(long)]
    plant: Option<Lie>,
    /// Trouble before the power fails: syncs fail for a while, or the disk is full
    #[arg(long)]
    trouble: Option<Trouble>,
    /// Cargo profile to build the ledger with
    #[arg(long, default_value = "release")]
    profile: Profile,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Lie {
    All,
    Wal,
    Some,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Trouble {
    Sync,
    Full,
}

/// Runs one test target of one package; `rest` goes to the test binary.
fn test(profile: Profile, package: &[&str], rest: &[&str], env: &[(&str, &str)]) -> Result<()> {
    let mut command = vec!["test", "--quiet", "--locked"];
    if profile == Profile::Release {
        command.push("--release");
    }
    command.extend(package);
    command.push("--");
    command.extend(rest);
    run::cargo(&command, env)
}

/// Kills the sidecar under load, again and again; fails when an answered request is lost or
/// doubled.
pub(crate) fn crash(args: &Crash) -> Result<()> {
    let (rounds, seed) = (args.rounds.to_string(), args.seed.to_string());
    let mut env = vec![
        ("CRASH_ROUNDS", rounds.as_str()),
        ("CRASH_SEED", seed.as_str()),
        ("CRASH_DURABILITY", args.durability.as_str()),
    ];
    if args.plant == Some(CrashPlant::Rollback) {
        env.push(("CRASH_PLANT", "rollback"));
    }
    let package = ["-p", "gate-sidecar", "--test", "it"];
    let rest = [
        "--exact",
        "crash::what_was_told_is_there_after_a_kill_and_once",
        "--nocapture",
    ];
    test(args.profile, &package, &rest, &env)
}

/// Cuts the power under a ledger, again and again; fails when anything is lost beyond what the
/// durability allows, is doubled, or does not verify.
pub(crate) fn powerloss(args: &PowerLoss) -> Result<()> {
    let (seeds, first) = (args.seeds.to_string(), args.first.to_string());
    let mut rest = vec!["--seeds", &seeds, "--first", &first];
    rest.extend(["--durability", args.durability.as_str()]);
    rest.extend(match args.plant {
        None => &[][..],
        Some(Lie::All) => &["--plant", "all"],
        Some(Lie::Wal) => &["--plant", "wal"],
        Some(Lie::Some) => &["--plant", "some"],
    });
    rest.extend(match args.trouble {
        None => &[][..],
        Some(Trouble::Sync) => &["--trouble", "sync"],
        Some(Trouble::Full) => &["--trouble", "full"],
    });
    let package = ["-p", "gate-state", "--test", "powerloss"];
    test(args.profile, &package, &rest, &[])
}
