//! Offers twice what the sidecar can take: do accepted orders stay quick, are the others refused at
//! once, and is everything as before when it is over?
//!
//! A generator that shares the sidecar's cores cannot offer that much. So the sidecar has one core
//! to itself here, and the generator the others; and the sidecar judges by 250 rules beside
//! the shipped ones, so that a generator on one core is enough.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;

use super::binaries::Binaries;
use super::canonical::line;
use super::load::{Latency, Load, Measured};
use super::pinned::Pinned;
use super::server::Server;
use super::{Args, Engine};

#[derive(Debug, Serialize)]
pub(super) struct Overload {
    /// The sidecar's throughput in a closed loop over as many connections as it decides orders at
    /// once.
    pub(super) saturation_per_s: f64,
    pub(super) offered_per_s: u32,
    /// Answers of any kind a second during the offer: what really arrived.
    pub(super) answered_per_s: f64,
    pub(super) answered_over_saturation: f64,
    pub(super) valid: bool,
    pub(super) invalid_reasons: Vec<String>,
    pub(super) connections: u32,
    pub(super) max_in_flight: u32,
    /// The sidecar's cores.
    pub(super) cores: u32,
    /// The rules beside the shipped ones.
    pub(super) own_rules: u32,
    pub(super) accepted_per_s: f64,
    /// From the sending.
    pub(super) accepted_time_ms: Latency,
    /// From the intended start.
    pub(super) accepted_response_time_ms: Latency,
    pub(super) refused: u64,
    /// From the sending.
    pub(super) refused_time_ms: Latency,
    /// From the intended start.
    pub(super) refused_response_time_ms: Latency,
    pub(super) refused_without_retry_after: u64,
    /// Lost, timed out, or any status but 200 and 503.
    pub(super) other_errors: u64,
    /// Light load right before and right after.
    pub(super) before_p99_ms: f64,
    pub(super) after_p99_ms: f64,
    pub(super) after_errors: u64,
}

const LIGHT_PER_S: u32 = 1_000;
const SECONDS: u32 = 5;
const OWN_RULES: u32 = 250;

impl Overload {
    pub(super) fn measure(args: &Args, binaries: &Binaries, scratch: &Path) -> Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        ensure!(cores > 1, "overload: the generator needs a core of its own");
        let dir = scratch.join("overload");
        let in_flight = format!("max_in_flight={}", args.overload_in_flight);
        let bundle = with_own_rules(&binaries.root, &dir.join("bundle"))?;
        let flags = [
            &["--durability", &args.durability][..],
            &["--set", &in_flight, "--set", "workers=1"],
        ];
        let server = {
            let _on_one_core = Pinned::to_first()?;
            let name = "sidecar (overload)".to_owned();
            Server::sidecar_with(binaries, &dir.join("data"), name, &bundle, &flags.concat())?
        };
        let _generator_on_the_others = Pinned::to_others()?;
        let run = |load: Load| load.run(binaries, &server, scratch);
        let light = || Load::open(args.connections, LIGHT_PER_S, SECONDS);

        let closed = run(Load::closed_for(args.overload_in_flight, SECONDS))?;
        println!("closed{}", line(&closed));
        let saturation_per_s = closed.successes_per_s;
        let before = run(light())?;
        println!("before{}", line(&before));
        let offered_per_s = (2.0 * saturation_per_s).round() as u32;
        let connections = args.overload_connections;
        let during = run(Load::open(connections, offered_per_s, SECONDS))?;
        println!("twice {}", line(&during));
        let after = run(light())?;
        println!("after {}", line(&after));
        server.stop()?;
        let refused = refused(&during);
        Ok(Self {
            saturation_per_s,
            offered_per_s,
            answered_per_s: during.responses_per_s,
            answered_over_saturation: during.responses_per_s / saturation_per_s,
            valid: during.valid,
            invalid_reasons: during.invalid_reasons.clone(),
            connections,
            max_in_flight: args.overload_in_flight,
            cores: 1,
            own_rules: OWN_RULES,
            accepted_per_s: during.successes_per_s,
            accepted_time_ms: during.service_time_ms,
            accepted_response_time_ms: during.response_time_ms,
            refused,
            refused_time_ms: during.refused_service_time_ms,
            refused_response_time_ms: during.refused_time_ms,
            refused_without_retry_after: during.counts.no_retry_after,
            other_errors: during.counts.errors - refused,
            before_p99_ms: before.response_time_ms.p99,
            after_p99_ms: after.response_time_ms.p99,
            after_errors: after.counts.errors,
        })
    }
}

fn refused(run: &Measured) -> u64 {
    run.counts.by_status.get("503").copied().unwrap_or(0)
}

/// The shipped bundle with rules of a broker's own, none of which denies what gate-bench orders.
fn with_own_rules(root: &Path, to: &Path) -> Result<PathBuf> {
    let shipped = root.join(Engine::Rego.bundle());
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(&shipped).context("the shipped bundle is not there")? {
        let entry = entry?;
        std::fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    let mut rules = "package gate\n".to_owned();
    for rule in 0..OWN_RULES {
        let _ = write!(
            rules,
            "\ndeny contains \"own_{rule}\" if input.order.qty > {}\n",
            100_000 + rule
        );
    }
    std::fs::write(to.join("own.rego"), rules)?;
    Ok(to.to_owned())
}
