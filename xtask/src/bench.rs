//! `cargo xtask bench`: the P0-SIDECAR-PERF artifact, from a run on this machine.
//!
//! Builds release binaries, starts the sidecar over fresh data directories, drives it with
//! gate-bench, compares it in turns with bare actix-web, and writes the measurements, the targets
//! and a description of the machine. All latencies are measured by `gate-bench`, none here.

mod artifact;
mod awake;
mod binaries;
mod canonical;
mod check;
mod cloud;
mod compare;
mod cores;
mod disk;
mod environment;
mod load;
mod overload;
mod page;
mod pinned;
mod reload;
mod running;
mod saturation;
mod server;
mod stats;
mod targets;
mod wrk;

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use self::artifact::Artifact;
use self::awake::Awake;
use self::binaries::Binaries;
use self::canonical::Canonical;
use self::check::Old;
use self::compare::Comparison;
use self::environment::Environment;
use self::overload::Overload;
use self::reload::Reload;
use crate::run;

/// What to measure, and how long.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Requests of the canonical closed loop.
    #[arg(long, default_value_t = 300_000)]
    requests: u64,
    /// Connections of every run.
    #[arg(long, default_value_t = 100)]
    connections: u32,
    /// Rate of the canonical open loop, requests per second.
    #[arg(long, default_value_t = 12_000)]
    open_rate: u32,
    /// Seconds of the canonical open loop.
    #[arg(long, default_value_t = 20)]
    open_seconds: u32,
    /// Rates of the sweep, requests per second, separated by commas; nothing after it: no sweep.
    #[arg(
        long,
        value_delimiter = ',',
        num_args = 0..,
        default_value = "1000,2500,5000,7500,10000,12500,15000,20000,30000"
    )]
    sweep: Vec<u32>,
    /// Seconds at each rate of the sweep.
    #[arg(long, default_value_t = 3)]
    sweep_seconds: u32,
    /// Policy engine of the canonical runs.
    #[arg(long, value_enum, default_value_t = Engine::Rego)]
    engine: Engine,
    /// Durability of the canonical runs: `strict` or `relaxed`.
    #[arg(long, default_value = "strict")]
    durability: String,
    /// Rounds of the comparison with bare actix-web; 0 leaves it out.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Seconds of each closed loop of the comparison.
    #[arg(long, default_value_t = 5)]
    round_seconds: u32,
    /// Rate of the comparison's open loops, requests per second.
    #[arg(long, default_value_t = 10_000)]
    compare_rate: u32,
    /// Seconds of each open loop of the comparison.
    #[arg(long, default_value_t = 20)]
    compare_open_seconds: u32,
    /// Run the cloud path in the same rounds: order service, policy server, PostgreSQL; and `wrk`
    /// against bare actix-web, when it is on PATH.
    #[arg(long)]
    compare: bool,
    /// Path of `opa`, the policy server of the cloud path [default: `opa` on PATH, else the
    /// sidecar's Data API stands in].
    #[arg(long, value_name = "PATH", requires = "compare")]
    opa: Option<PathBuf>,
    /// Measure overload: offer twice what a sidecar on one core gets through, from the other cores.
    #[arg(long)]
    overload: bool,
    /// Connections of the overload; more than the sidecar's `max_in_flight`.
    #[arg(long, default_value_t = 200)]
    overload_connections: u32,
    /// The sidecar's `max_in_flight` in the overload: the wait that is accepted, times what it gets
    /// through. 16 is a millisecond at the 16,000 orders a second of one core with many rules.
    #[arg(long, default_value_t = 16)]
    overload_in_flight: u32,
    /// Measure reloads: reload the policy once a second, at half of the saturation.
    #[arg(long)]
    reload: bool,
    /// Rate of the reload measurement, requests per second [default: half of the saturation, which
    /// is then searched for].
    #[arg(long)]
    reload_rate: Option<u32>,
    /// Seconds of each open loop of the reload measurement.
    #[arg(long, default_value_t = 60)]
    reload_seconds: u32,
    /// Rounds of the reload measurement, each with and without reloads.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    reload_rounds: u32,
    /// Let idle cores sleep, as the kernel would; without this, it is asked to keep them awake
    /// during measurements.
    #[arg(long)]
    let_cores_sleep: bool,
    /// Use the release binaries that exist, without building.
    #[arg(long)]
    skip_build: bool,
    /// Fail when a ratio of the comparison is worse than in this artifact, beyond the noise; at once
    /// when it cannot be compared with.
    #[arg(long, value_name = "OLD.json")]
    check: Option<PathBuf>,
    /// Directory of the artifact.
    #[arg(long, default_value = "test-results")]
    out: PathBuf,
}

#[cfg(test)]
impl Args {
    /// As the command line has them.
    fn of(line: &str) -> Self {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            args: Args,
        }
        let words = std::iter::once("bench").chain(line.split_whitespace());
        <Line as clap::Parser>::try_parse_from(words).unwrap().args
    }
}

/// Which form of the shipped bundle the sidecar runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Engine {
    /// `pretrade.rego`.
    Rego,
    /// The built-in rules.
    Builtin,
}

impl Engine {
    /// The bundle that runs on it, relative to the workspace root.
    fn bundle(self) -> &'static str {
        match self {
            Self::Rego => "crates/gate-policy/bundles/pretrade",
            Self::Builtin => "crates/gate-policy/bundles/pretrade-builtin",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Rego => "rego",
            Self::Builtin => "builtin",
        }
    }
}

/// Runs the benchmark and writes the artifact.
///
/// # Errors
/// When something cannot be run, or a required target is missed.
pub(crate) fn run(args: &Args) -> Result<()> {
    let root = run::workspace_root();
    let binaries = Binaries::at(&root);
    // What can be compared with nothing need not be measured.
    let old = args.check.as_deref().map(|old| Old::read(old, args));
    let old = old.transpose()?;
    if !args.skip_build {
        Binaries::build()?;
    }
    binaries.check()?;
    // On the workspace's own file system, since /tmp may be memory.
    let scratch = tempfile::Builder::new()
        .prefix("bench-")
        .tempdir_in(root.join("target"))
        .context("cannot make a scratch directory in target")?;
    // Held until the end.
    let awake = keep_cores_awake(args);
    let wake_latency_us = awake.as_ref().map(|_| Awake::LATENCY_US);
    if let Some(old) = &old {
        old.slept(wake_latency_us)?;
    }
    let mut environment =
        Environment::capture(&root, scratch.path(), wake_latency_us, !args.skip_build)?;

    print_machine(&environment);
    println!("\n== canonical load: {}", canonical::title(args));
    let canonical = Canonical::measure(args, &binaries, scratch.path())?;
    let comparison = (args.rounds > 0).then(|| {
        println!("\n== in turns with bare actix-web, {} rounds", args.rounds);
        let body_bytes = canonical.response_body_bytes;
        Comparison::measure(args, &binaries, scratch.path(), body_bytes)
    });
    let comparison = comparison.transpose()?;
    let overload = args.overload.then(|| {
        println!("\n== overload");
        Overload::measure(args, &binaries, scratch.path())
    });
    let overload = overload.transpose()?;
    let reload = args.reload.then(|| {
        println!("\n== reload");
        Reload::measure(args, &binaries, scratch.path())
    });
    let reload = reload.transpose()?;
    drop(awake);
    environment.finish(canonical.running.clone());
    let parts = [
        Some(&canonical.ended_badly),
        comparison.as_ref().map(|part| &part.ended_badly),
        overload.as_ref().map(|part| &part.ended_badly),
        reload.as_ref().map(|part| &part.ended_badly),
    ];
    let ended_badly: Vec<String> = parts.into_iter().flatten().flatten().cloned().collect();
    let targets = targets::evaluate(
        &canonical,
        comparison.as_ref(),
        overload.as_ref(),
        reload.as_ref(),
        &ended_badly,
    );
    let measured = artifact::Measurements {
        canonical: &canonical,
        comparison: comparison.as_ref(),
        overload: overload.as_ref(),
        reload: reload.as_ref(),
        ended_badly: &ended_badly,
        targets: &targets,
        environment: &environment,
    };
    let artifact = Artifact::new(args, &measured);
    let path = artifact.write(&root.join(&args.out))?;
    targets::print(&targets);
    println!("\nartifact: {}", path.display());
    println!("page:     {}", page::write(&path)?.display());
    if let Some(old) = &old {
        old.against(&path)?;
    }
    let missed: Vec<&str> = targets
        .iter()
        .filter(|target| target.required && !target.met)
        .map(|target| target.name.as_str())
        .collect();
    if !missed.is_empty() {
        bail!("required and missed: {}", missed.join(", "));
    }
    Ok(())
}

/// Makes the pages of existing artifacts.
///
/// # Errors
/// When one cannot be read, or its page cannot be written.
pub(crate) fn pages(artifacts: &[PathBuf]) -> Result<()> {
    for artifact in artifacts {
        println!("page: {}", page::write(artifact)?.display());
    }
    Ok(())
}

/// Prints what the machine does before anything is measured.
fn print_machine(environment: &Environment) {
    let disk = &environment.fdatasync_ms;
    println!(
        "disk: sync p50 {:.3}  p99 {:.3}  p99.9 {:.3}  max {:.3} ms, {:.2} % of the time in syncs over 1 ms",
        disk.p50, disk.p99, disk.p99_9, disk.max, disk.stalled_percent
    );
    let cores = &environment.cores;
    println!(
        "cores: not there for over 1 ms in {:.2} % of the time, {:.2} % beside {:.0} syncs a second, longest {:.1} ms",
        cores.late_percent,
        cores.late_percent_beside_syncs,
        cores.syncs_per_second,
        cores.longest_ms
    );
}

/// Keeps cores awake, unless they are to sleep or the kernel refuses.
fn keep_cores_awake(args: &Args) -> Option<Awake> {
    if args.let_cores_sleep {
        println!("cores: may sleep");
        return None;
    }
    match Awake::ask() {
        Ok(awake) => {
            println!("cores: kept awake");
            Some(awake)
        }
        Err(error) => {
            println!("cores: may sleep, since they cannot be kept awake ({error})");
            None
        }
    }
}
