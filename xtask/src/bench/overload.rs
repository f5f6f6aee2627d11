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
    /// Of all four runs: without the others the offer cannot be judged.
    pub(super) valid: bool,
    /// Each with the run that it is of.
    pub(super) invalid_reasons: Vec<String>,
    /// Of the closed loop that the saturation is from.
    pub(super) saturation_errors: u64,
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
    pub(super) before_errors: u64,
    pub(super) after_p99_ms: f64,
    pub(super) after_errors: u64,
    /// The artifact has it with the others'.
    #[serde(skip)]
    pub(super) ended_badly: Vec<String>,
}

/// The closed loop that finds the saturation, and twice as much between two light loads.
struct Runs {
    closed: Measured,
    before: Measured,
    during: Measured,
    after: Measured,
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
        let before = run(light())?;
        println!("before{}", line(&before));
        let offered_per_s = (2.0 * closed.successes_per_s).round() as u32;
        let connections = args.overload_connections;
        let during = run(Load::open(connections, offered_per_s, SECONDS))?;
        println!("twice {}", line(&during));
        let after = run(light())?;
        println!("after {}", line(&after));
        let runs = Runs {
            closed,
            before,
            during,
            after,
        };
        Ok(Self {
            ended_badly: server.end().into_iter().collect(),
            ..Self::new(args, offered_per_s, &runs)
        })
    }

    fn new(args: &Args, offered_per_s: u32, runs: &Runs) -> Self {
        let Runs {
            closed,
            before,
            during,
            after,
        } = runs;
        let saturation_per_s = closed.successes_per_s;
        let refused = refused(during);
        let invalid_reasons = runs.invalid_reasons();
        Self {
            saturation_per_s,
            offered_per_s,
            answered_per_s: during.responses_per_s,
            answered_over_saturation: during.responses_per_s / saturation_per_s,
            valid: closed.valid && before.valid && during.valid && after.valid,
            invalid_reasons,
            saturation_errors: closed.counts.errors,
            connections: args.overload_connections,
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
            before_errors: before.counts.errors,
            after_p99_ms: after.response_time_ms.p99,
            after_errors: after.counts.errors,
            ended_badly: Vec::new(),
        }
    }
}

impl Runs {
    fn invalid_reasons(&self) -> Vec<String> {
        let named = [
            ("closed loop", &self.closed),
            ("before", &self.before),
            ("twice", &self.during),
            ("after", &self.after),
        ];
        let of = |(name, run): (&'static str, &Measured)| {
            let reasons = run.invalid_reasons.clone().into_iter();
            reasons.map(move |reason| format!("{name}: {reason}"))
        };
        named.into_iter().flat_map(of).collect()
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

#[cfg(test)]
impl Overload {
    /// One without a fault.
    pub(super) fn example() -> Self {
        Self::new(&Args::of(""), 2_000, &tests::runs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn runs() -> Runs {
        let run = Measured::example;
        Runs {
            closed: run(),
            before: run(),
            during: run(),
            after: run(),
        }
    }

    #[test]
    fn each_of_the_four_runs_must_be_valid_and_is_named_where_it_is_not() {
        let args = Args::of("");
        let valid = Overload::new(&args, 2_000, &runs());
        assert!(valid.valid && valid.invalid_reasons.is_empty());
        for name in ["closed loop", "before", "twice", "after"] {
            let mut runs = runs();
            let run = match name {
                "closed loop" => &mut runs.closed,
                "before" => &mut runs.before,
                "twice" => &mut runs.during,
                _ => &mut runs.after,
            };
            run.valid = false;
            run.invalid_reasons = vec!["late".to_owned()];
            let overload = Overload::new(&args, 2_000, &runs);
            assert!(!overload.valid, "{name}");
            assert_eq!(overload.invalid_reasons, [format!("{name}: late")]);
        }
    }

    #[test]
    fn errors_where_none_is_to_be_are_counted_by_run() {
        let mut runs = runs();
        runs.closed.counts.errors = 1;
        runs.before.counts.errors = 2;
        runs.after.counts.errors = 3;
        let overload = Overload::new(&Args::of(""), 2_000, &runs);
        let errors = [
            overload.saturation_errors,
            overload.before_errors,
            overload.after_errors,
        ];
        assert_eq!(errors, [1, 2, 3]);
    }
}
