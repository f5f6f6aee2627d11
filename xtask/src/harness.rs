//! Runs the two destructive harnesses for long: SIGKILL under load, and power loss. The code is in
//! the crates' tests, which run a short form.

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::run;

/// The cargo profile of what is tested.
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

/// What `cargo xtask crash` is told.
#[derive(Debug, Args)]
pub(crate) struct Crash {
    /// Loads that end in SIGKILL
    #[arg(long, default_value_t = 50)]
    rounds: u64,
    /// Of what is asked for and how far each load gets
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Under `relaxed` losses must be reported
    #[arg(long, default_value = "strict")]
    durability: Durability,
    /// Put the store back before each restart to what it was before the load, so that losses
    /// must be reported
    #[arg(long)]
    plant: Option<CrashPlant>,
    /// How the sidecar is built
    #[arg(long, default_value = "release")]
    profile: Profile,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CrashPlant {
    Rollback,
}

/// What `cargo xtask powerloss` is told.
#[derive(Debug, Args)]
pub(crate) struct PowerLoss {
    /// Seeds, each up to three power failures of one store
    #[arg(long, default_value_t = 500)]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 1)]
    first: u64,
    /// Under `relaxed` a power failure may lose as much as fits into the queue, and no more
    #[arg(long, default_value = "strict")]
    durability: Durability,
    /// A disk that lies about syncs, so that losses must be reported: about all, about those of
    /// the write-ahead log (as `synchronous=OFF` would), about one in eight
    #[arg(long)]
    plant: Option<Lie>,
    /// What the disk does for a while before the power fails: syncs fail, or it is full
    #[arg(long)]
    trouble: Option<Trouble>,
    /// How the ledger is built
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

/// `cargo test` of one target of one package; what follows `--` comes last.
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

/// Kills the sidecar under load, again and again; fails when anything told was lost or doubled.
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

/// Cuts the power under a ledger, again and again; fails when anything was lost beyond what the
/// durability allows, or doubled, or does not verify.
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
