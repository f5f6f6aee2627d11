//! The turns of the comparison: which server is measured when, and the results.

use std::path::Path;

use anyhow::Result;

use super::cloud_path::equal_rate;
use super::{CloudPath, Comparison, Contender, EqualLoad, Ratios};
use crate::bench::binaries::Binaries;
use crate::bench::canonical::line;
use crate::bench::cloud::Cloud;
use crate::bench::load::{Load, Measured};
use crate::bench::server::Server;
use crate::bench::wrk::{self, Wrk, WrkRun};
use crate::bench::{Args, Engine};

/// What was measured of one server, a run of each kind a round.
#[derive(Debug, Default)]
pub(super) struct Runs {
    pub(super) closed: Vec<Measured>,
    pub(super) unix: Vec<Measured>,
    pub(super) open: Vec<Measured>,
    /// Open loops at the rate that the cloud path and the sidecar both carry; theirs alone.
    pub(super) equal_load: Vec<Measured>,
    /// Invalid runs that were repeated, and are in none of those.
    pub(super) repeated: u32,
}

/// How often an invalid run is repeated: its generator lost the cores, and so did the server.
const REPEATS: u32 = 2;

const NAMES: [&str; 3] = ["bare_actix", "rego", "builtin"];

/// What every run is made with.
pub(super) struct Bench<'a> {
    pub(super) args: &'a Args,
    pub(super) binaries: &'a Binaries,
    pub(super) scratch: &'a Path,
}

/// The servers, and the measurements of each so far. All are up all the time; only the one whose
/// turn it is has a load.
pub(super) struct Contest {
    servers: [Server; 3],
    runs: [Runs; 3],
    cloud: Option<Cloud>,
    cloud_runs: Runs,
    equal_rates: Vec<u32>,
    wrk_version: Option<String>,
    wrk_runs: Vec<WrkRun>,
}

impl Contest {
    pub(super) fn start(bench: &Bench<'_>, body_bytes: u64) -> Result<Self> {
        let Bench {
            args,
            binaries,
            scratch,
        } = *bench;
        let start = |engine: Engine| {
            let dir = scratch.join(engine.name());
            Server::sidecar(binaries, &dir, engine, &args.durability)
        };
        let servers = [
            Server::bare_actix(binaries, &scratch.join("bare"), body_bytes)?,
            start(Engine::Rego)?,
            start(Engine::Builtin)?,
        ];
        let cloud = args
            .compare
            .then(|| Cloud::start(binaries, scratch, args.opa.as_deref()))
            .transpose()?;
        let wrk_version = args.compare.then(wrk::version).flatten();
        if args.compare && wrk_version.is_none() {
            println!("no wrk on PATH: gate-bench is not compared with it");
        }
        Ok(Self {
            servers,
            runs: Default::default(),
            cloud,
            cloud_runs: Runs::default(),
            equal_rates: Vec::new(),
            wrk_version,
            wrk_runs: Vec::new(),
        })
    }

    pub(super) fn take_round(&mut self, bench: &Bench<'_>, round: u32) -> Result<()> {
        let mut turns: Vec<_> = self.servers.iter().zip(&mut self.runs).zip(NAMES).collect();
        let turn_count = turns.len();
        turns.rotate_left(round as usize % turn_count);
        for ((server, runs), name) in turns {
            runs.take_turn(bench, server, name)?;
            if let (Some(_), "bare_actix", Some(beside)) =
                (&self.wrk_version, name, runs.closed.last())
            {
                let run = wrk::closed(server, beside, bench.args.round_seconds, bench.scratch)?;
                let WrkRun {
                    requests_per_s,
                    errors,
                } = run;
                println!("  wrk        closed   {requests_per_s:>9.0} req/s   {errors} errors");
                self.wrk_runs.push(run);
            }
        }
        if let Some(cloud) = &self.cloud {
            self.cloud_runs.take_closed_turn(bench, &cloud.service)?;
            settle(cloud);
            let closed = self.cloud_runs.closed.last();
            let rate = equal_rate(closed.map_or(0.0, |run| run.successes_per_s));
            self.equal_rates.push(rate);
            let [_, sidecar, _] = &self.servers;
            let [_, sidecar_runs, _] = &mut self.runs;
            let cloud_begins = round.is_multiple_of(2);
            for is_cloud in [cloud_begins, !cloud_begins] {
                if is_cloud {
                    let runs = &mut self.cloud_runs;
                    runs.take_equal_turn(bench, &cloud.service, "cloud", rate)?;
                    settle(cloud);
                } else {
                    sidecar_runs.take_equal_turn(bench, sidecar, "rego", rate)?;
                }
            }
        }
        Ok(())
    }

    /// Stops the servers.
    pub(super) fn finish(self, args: &Args, body_bytes: u64) -> Comparison {
        let ended = self.servers.into_iter().filter_map(Server::end);
        let mut ended_badly: Vec<String> = ended.collect();
        let [bare, rego, builtin] = self.runs;
        let cloud = self.cloud.map(|cloud| {
            let runs = &self.cloud_runs;
            let equal_load = EqualLoad::new(&self.equal_rates, args.round_seconds, runs, &rego);
            let path = CloudPath::new(
                (cloud.policy_server, &cloud.file_system),
                runs,
                &rego,
                equal_load,
            );
            ended_badly.extend(cloud.end());
            path
        });
        let wrk = self
            .wrk_version
            .map(|version| Wrk::new(version, &self.wrk_runs, &bare.closed));
        let ratios = vec![
            Ratios::new("rego", &rego, &bare),
            Ratios::new("builtin", &builtin, &bare),
        ];
        Comparison {
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
            ended_badly,
        }
    }
}

impl Runs {
    fn take_turn(&mut self, bench: &Bench<'_>, server: &Server, name: &str) -> Result<()> {
        let Bench {
            args,
            binaries,
            scratch,
        } = *bench;
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
            let load = fitting(load);
            let run = || {
                let measured = load.run(binaries, server, scratch)?;
                println!("  {name:<10} {kind} {}", line(&measured));
                Ok(measured)
            };
            let (measured, repeats) = until(|measured: &Measured| measured.valid, run)?;
            runs.push(measured);
            self.repeated += repeats;
        }
        Ok(())
    }

    fn take_closed_turn(&mut self, bench: &Bench<'_>, server: &Server) -> Result<()> {
        let load = Load::closed_for(bench.args.connections, bench.args.round_seconds);
        let measured = self.unsampled(bench, server, load, "cloud      closed")?;
        self.closed.push(measured);
        Ok(())
    }

    fn take_equal_turn(
        &mut self,
        bench: &Bench<'_>,
        server: &Server,
        name: &str,
        rate: u32,
    ) -> Result<()> {
        let load = Load::open(bench.args.connections, rate, bench.args.round_seconds);
        let measured = self.unsampled(bench, server, load, &format!("{name:<10} equal "))?;
        self.equal_load.push(measured);
        Ok(())
    }

    /// A run that looks at no token, and is repeated as the others are.
    fn unsampled(
        &mut self,
        bench: &Bench<'_>,
        server: &Server,
        load: Load,
        title: &str,
    ) -> Result<Measured> {
        let load = load.with("--warmup", 1).with("--sample-every", 0);
        let run = || {
            let measured = load.run(bench.binaries, server, bench.scratch)?;
            println!("  {title} {}", line(&measured));
            Ok(measured)
        };
        let (measured, repeats) = until(|measured: &Measured| measured.valid, run)?;
        self.repeated += repeats;
        Ok(measured)
    }

    pub(super) fn every(&self) -> impl Iterator<Item = &Measured> {
        let open = self.open.iter().chain(&self.equal_load);
        self.closed.iter().chain(&self.unix).chain(open)
    }
}

fn settle(cloud: &Cloud) {
    if let Err(error) = cloud.settle() {
        println!("cloud path: PostgreSQL may go on writing: {error:#}");
    }
}

/// The first run that is `good`, or the last that may be made; and how many were made before it.
fn until<T>(good: impl Fn(&T) -> bool, mut run: impl FnMut() -> Result<T>) -> Result<(T, u32)> {
    let mut repeats = 0;
    loop {
        let made = run()?;
        if good(&made) || repeats == REPEATS {
            return Ok((made, repeats));
        }
        repeats += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_ends_badly_does_not_lose_what_was_measured() {
        let runs = || Runs {
            closed: vec![Measured::example()],
            ..Runs::default()
        };
        let contest = Contest {
            servers: [("bare", 0), ("rego", 3), ("builtin", 0)]
                .map(|(name, status)| Server::example(name, status)),
            runs: [runs(), runs(), runs()],
            cloud: None,
            cloud_runs: Runs::default(),
            equal_rates: Vec::new(),
            wrk_version: None,
            wrk_runs: Vec::new(),
        };
        let comparison = contest.finish(&Args::of(""), 773);
        let ended_badly = &comparison.ended_badly;
        assert_eq!(ended_badly.len(), 1, "{ended_badly:?}");
        assert_eq!(comparison.rego.closed_requests_per_sec.median, 1_000.0);
    }

    #[test]
    fn a_run_is_repeated_until_it_is_valid_and_twice_at_the_most() {
        for (first_good, expected) in [(1, (1, 0)), (2, (2, 1)), (3, (3, 2)), (9, (3, 2))] {
            let mut runs = 0;
            let run = || {
                runs += 1;
                Ok(runs)
            };
            let made = until(|made| *made >= first_good, run).unwrap();
            assert_eq!(made, expected);
        }
    }
}
