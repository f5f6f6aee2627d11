//! The sidecar beside bare actix-web, in turns in one run.
//!
//! Absolute figures differ by machine and by what else the machine does; ratios between servers
//! that took turns hold. The order of the turns changes from round to round, and a ratio is taken
//! within a round.

use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use super::build::Binaries;
use super::canonical::line;
use super::cloud::Cloud;
use super::load::{Load, Measured};
use super::server::Server;
use super::stats::Rounds;
use super::wrk::{self, Wrk, WrkRun};
use super::{Args, Engine};

/// What several rounds measured of one server.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Contender {
    pub(super) name: &'static str,
    pub(super) closed_requests_per_sec: Rounds,
    pub(super) closed_p50_ms: Rounds,
    pub(super) closed_p99_ms: Rounds,
    pub(super) open_p50_ms: Rounds,
    pub(super) open_p99_ms: Rounds,
    #[serde(rename = "open_p99.9_ms")]
    pub(super) open_p99_9_ms: Rounds,
    /// How late the generator sent in the open loops, from the intended start.
    pub(super) open_send_lag_p99_ms: Rounds,
    pub(super) errors: u64,
    pub(super) invalid_runs: u32,
    /// Over the Unix socket, closed loop.
    pub(super) unix_requests_per_sec: Rounds,
}

/// One server against bare actix-web.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Ratios {
    pub(super) name: &'static str,
    /// Its throughput over bare actix-web's.
    pub(super) throughput: Rounds,
    /// Its open-loop p99 over bare actix-web's.
    pub(super) open_p99: Rounds,
    /// Its throughput over the Unix socket over that over TCP.
    pub(super) unix_over_tcp: Rounds,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Comparison {
    pub(super) rounds: u32,
    pub(super) response_body_bytes: u64,
    pub(super) open_rate_per_sec: u32,
    /// Of each open loop.
    pub(super) open_duration_sec: u32,
    /// Of each closed loop.
    pub(super) closed_duration_sec: u32,
    pub(super) bare_actix: Contender,
    pub(super) rego: Contender,
    pub(super) builtin: Contender,
    pub(super) ratios: Vec<Ratios>,
    /// The path that the sidecar replaces, when it was run as well.
    pub(super) cloud: Option<CloudPath>,
    /// The generator that ours is held to, when it is on PATH.
    pub(super) wrk: Option<Wrk>,
}

/// The cloud path in the same rounds; closed loop only, since it cannot follow the open loop's
/// rate.
#[derive(Debug, Clone, Serialize)]
pub(super) struct CloudPath {
    pub(super) policy_server: &'static str,
    pub(super) closed_requests_per_sec: Rounds,
    pub(super) closed_p50_ms: Rounds,
    pub(super) closed_p99_ms: Rounds,
    pub(super) errors: u64,
    /// The sidecar's (Rego) throughput over its.
    pub(super) throughput_of_sidecar: Rounds,
    /// Its p99 over the sidecar's (Rego).
    pub(super) p99_over_sidecar: Rounds,
    /// What the decision record compares with, and where that stood.
    pub(super) recorded_p99_ms: f64,
    pub(super) recorded_in: &'static str,
}

#[derive(Debug, Default)]
struct Runs {
    closed: Vec<Measured>,
    unix: Vec<Measured>,
    open: Vec<Measured>,
}

const NAMES: [&str; 3] = ["bare_actix", "rego", "builtin"];

impl Comparison {
    pub(super) fn measure(
        args: &Args,
        binaries: &Binaries,
        scratch: &Path,
        body_bytes: u64,
    ) -> Result<Self> {
        let durability = &args.durability;
        let start = |engine: Engine| {
            let dir = scratch.join(engine.name());
            Server::sidecar(binaries, &dir, engine, durability)
        };
        // All three are up all the time; those whose turn it is not do nothing.
        let servers = [
            Server::bare_actix(binaries, &scratch.join("bare"), body_bytes)?,
            start(Engine::Rego)?,
            start(Engine::Builtin)?,
        ];
        let cloud = if args.compare {
            Some(Cloud::start(binaries, scratch, args.opa.as_deref())?)
        } else {
            None
        };
        let wrk_version = args.compare.then(wrk::version).flatten();
        if args.compare && wrk_version.is_none() {
            println!("no wrk on PATH: gate-bench is not compared with it");
        }
        let mut wrk_runs = Vec::new();
        let mut cloud_runs = Runs::default();
        let mut runs: [Runs; 3] = Default::default();
        for round in 0..args.rounds {
            println!("round {}", round + 1);
            let mut turns: Vec<_> = servers.iter().zip(&mut runs).zip(NAMES).collect();
            let turn_count = turns.len();
            turns.rotate_left(round as usize % turn_count);
            for ((server, runs), name) in turns {
                runs.take_turn(args, binaries, server, name, scratch)?;
                if let (Some(_), "bare_actix", Some(beside)) =
                    (&wrk_version, name, runs.closed.last())
                {
                    let run = wrk::closed(server, beside, args.round_seconds, scratch)?;
                    let WrkRun {
                        requests_per_s,
                        errors,
                    } = run;
                    println!("  wrk        closed   {requests_per_s:>9.0} req/s   {errors} errors");
                    wrk_runs.push(run);
                }
            }
            if let Some(cloud) = &cloud {
                cloud_runs.take_closed_turn(args, binaries, &cloud.service, scratch)?;
                if let Err(error) = cloud.settle() {
                    println!("cloud path: PostgreSQL may go on writing: {error:#}");
                }
            }
        }
        for server in servers {
            server.stop()?;
        }
        let [bare, rego, builtin] = runs;
        let cloud = match cloud {
            None => None,
            Some(cloud) => {
                let path = CloudPath::new(cloud.policy_server, &cloud_runs, &rego);
                // What was measured is worth more than a tidy end.
                if let Err(error) = cloud.stop() {
                    println!("cloud path: {error:#}");
                }
                Some(path)
            }
        };
        let wrk = wrk_version.map(|version| Wrk::new(version, &wrk_runs, &bare.closed));
        let ratios = vec![
            Ratios::new("rego", &rego, &bare),
            Ratios::new("builtin", &builtin, &bare),
        ];
        Ok(Self {
            rounds: args.rounds,
            response_body_bytes: body_bytes,
            open_rate_per_sec: args.compare_rate,
            open_duration_sec: args.compare_open_seconds,
            closed_duration_sec: args.round_seconds,
            bare_actix: Contender::new("bare_actix", &bare),
            rego: Contender::new("rego", &rego),
            builtin: Contender::new("builtin", &builtin),
            ratios,
            cloud,
            wrk,
        })
    }

    pub(super) fn ratio(&self, name: &str) -> Option<&Ratios> {
        self.ratios.iter().find(|ratios| ratios.name == name)
    }
}

impl Runs {
    fn take_turn(
        &mut self,
        args: &Args,
        binaries: &Binaries,
        server: &Server,
        name: &str,
        scratch: &Path,
    ) -> Result<()> {
        let fitting = |load: Load| {
            let load = load.with("--warmup", 1).with("--sample-every", 256);
            if name == "bare_actix" {
                load.plain()
            } else {
                load
            }
        };
        let closed = Load::closed_for(args.connections, args.round_seconds);
        let open = Load::open(
            args.connections,
            args.compare_rate,
            args.compare_open_seconds,
        );
        for (kind, load, runs) in [
            ("closed", closed.clone(), &mut self.closed),
            ("unix  ", closed.unix(), &mut self.unix),
            ("open  ", open, &mut self.open),
        ] {
            let measured = fitting(load).run(binaries, server, scratch)?;
            println!("  {name:<10} {kind} {}", line(&measured));
            runs.push(measured);
        }
        Ok(())
    }

    fn take_closed_turn(
        &mut self,
        args: &Args,
        binaries: &Binaries,
        server: &Server,
        scratch: &Path,
    ) -> Result<()> {
        let measured = Load::closed_for(args.connections, args.round_seconds)
            .with("--warmup", 1)
            .with("--sample-every", 0)
            .run(binaries, server, scratch)?;
        println!("  cloud      closed {}", line(&measured));
        self.closed.push(measured);
        Ok(())
    }

    fn every(&self) -> impl Iterator<Item = &Measured> {
        self.closed.iter().chain(&self.unix).chain(&self.open)
    }
}

fn throughput(runs: &[Measured]) -> Vec<f64> {
    runs.iter().map(|run| run.responses_per_s).collect()
}

fn latency(runs: &[Measured], part: fn(&super::load::Latency) -> f64) -> Vec<f64> {
    runs.iter().map(|run| part(&run.response_time_ms)).collect()
}

impl Contender {
    fn new(name: &'static str, runs: &Runs) -> Self {
        Self {
            name,
            closed_requests_per_sec: Rounds::of(throughput(&runs.closed)),
            closed_p50_ms: Rounds::of(latency(&runs.closed, |l| l.p50)),
            closed_p99_ms: Rounds::of(latency(&runs.closed, |l| l.p99)),
            open_p50_ms: Rounds::of(latency(&runs.open, |l| l.p50)),
            open_p99_ms: Rounds::of(latency(&runs.open, |l| l.p99)),
            open_p99_9_ms: Rounds::of(latency(&runs.open, |l| l.p99_9)),
            open_send_lag_p99_ms: Rounds::of(
                runs.open.iter().map(|run| run.send_lag_ms.p99).collect(),
            ),
            errors: runs.every().map(|run| run.counts.errors).sum(),
            invalid_runs: runs.every().map(|run| u32::from(!run.valid)).sum(),
            unix_requests_per_sec: Rounds::of(throughput(&runs.unix)),
        }
    }
}

impl CloudPath {
    fn new(policy_server: &'static str, runs: &Runs, sidecar: &Runs) -> Self {
        let p99 = |runs: &Runs| latency(&runs.closed, |l| l.p99);
        Self {
            policy_server,
            closed_requests_per_sec: Rounds::of(throughput(&runs.closed)),
            closed_p50_ms: Rounds::of(latency(&runs.closed, |l| l.p50)),
            closed_p99_ms: Rounds::of(p99(runs)),
            errors: runs.every().map(|run| run.counts.errors).sum(),
            throughput_of_sidecar: Rounds::ratios(
                &throughput(&sidecar.closed),
                &throughput(&runs.closed),
            ),
            p99_over_sidecar: Rounds::ratios(&p99(runs), &p99(sidecar)),
            recorded_p99_ms: 252.45,
            recorded_in: "P0-PERF-v2-2026-01-16-073422.json",
        }
    }
}

impl Ratios {
    fn new(name: &'static str, runs: &Runs, bare: &Runs) -> Self {
        let p99 = |runs: &Runs| latency(&runs.open, |l| l.p99);
        Self {
            name,
            throughput: Rounds::ratios(&throughput(&runs.closed), &throughput(&bare.closed)),
            open_p99: Rounds::ratios(&p99(runs), &p99(bare)),
            unix_over_tcp: Rounds::ratios(&throughput(&runs.unix), &throughput(&runs.closed)),
        }
    }
}
