//! Compares the sidecar with bare actix-web, in turns in one run.
//!
//! Absolute figures differ by machine and by what else the machine does; ratios between servers
//! that took turns hold. The order of the turns changes from round to round, and a ratio is taken
//! within a round.

mod cloud_path;
mod contest;

use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use super::Args;
use super::binaries::Binaries;
use super::load::{Measured, median_second_p99_ms};
use super::stats::Rounds;
use super::wrk::Wrk;
pub(super) use cloud_path::{CloudPath, EqualLoad};
use contest::{Bench, Contest, Runs};

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
    /// For each open loop the median of its seconds' p99, which a few bad seconds of the machine do
    /// not change.
    pub(super) open_median_second_p99_ms: Rounds,
    /// How late the generator sent in the open loops, from the intended start.
    pub(super) open_send_lag_p99_ms: Rounds,
    /// Answers that were no success, of all its runs.
    pub(super) errors: u64,
    /// Verdicts that the load is not made for, of all its runs.
    pub(super) unexpected: u64,
    /// The invalid runs among those in the figures.
    pub(super) invalid_runs: u32,
    /// Invalid runs that were run again, and are in no figure.
    pub(super) repeated_runs: u32,
    /// Over the Unix socket, closed loop.
    pub(super) unix_requests_per_sec: Rounds,
}

/// One server against bare actix-web.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Ratios {
    pub(super) name: &'static str,
    /// Its throughput divided by bare actix-web's.
    pub(super) throughput: Rounds,
    /// Its open-loop p99 divided by bare actix-web's.
    pub(super) open_p99: Rounds,
    /// Its throughput over the Unix socket divided by that over TCP.
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
    /// The generator that ours is compared with, when it is on PATH.
    pub(super) wrk: Option<Wrk>,
    /// The artifact has it with the others'.
    #[serde(skip)]
    pub(super) ended_badly: Vec<String>,
}

impl Comparison {
    pub(super) fn measure(
        args: &Args,
        binaries: &Binaries,
        scratch: &Path,
        body_bytes: u64,
    ) -> Result<Self> {
        let bench = Bench {
            args,
            binaries,
            scratch,
        };
        let mut contest = Contest::start(&bench, body_bytes)?;
        for round in 0..args.rounds {
            println!("round {}", round + 1);
            contest.take_round(&bench, round)?;
        }
        Ok(contest.finish(args, body_bytes))
    }

    pub(super) fn ratio(&self, name: &str) -> Option<&Ratios> {
        self.ratios.iter().find(|ratios| ratios.name == name)
    }
}

/// Of successes alone: a refusal costs a server next to nothing.
fn throughput(runs: &[Measured]) -> Vec<f64> {
    runs.iter().map(|run| run.successes_per_s).collect()
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
            open_median_second_p99_ms: Rounds::of(
                runs.open
                    .iter()
                    .map(|run| median_second_p99_ms(&run.per_second))
                    .collect(),
            ),
            open_send_lag_p99_ms: Rounds::of(
                runs.open.iter().map(|run| run.send_lag_ms.p99).collect(),
            ),
            errors: runs.every().map(|run| run.counts.errors).sum(),
            unexpected: runs.every().map(|run| run.counts.unexpected).sum(),
            invalid_runs: runs.every().map(|run| u32::from(!run.valid)).sum(),
            repeated_runs: runs.repeated,
            unix_requests_per_sec: Rounds::of(throughput(&runs.unix)),
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

#[cfg(test)]
impl Contender {
    /// One that did as it should in one round.
    pub(super) fn example(name: &'static str) -> Self {
        Self::new(name, &tests::runs(&Measured::example()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn runs(run: &Measured) -> Runs {
        Runs {
            closed: vec![run.clone()],
            unix: vec![run.clone()],
            open: vec![run.clone()],
            ..Runs::default()
        }
    }

    #[test]
    fn a_server_that_refuses_most_of_its_load_is_not_the_quicker_for_it() {
        let bare = runs(&Measured::example());
        let mut refusing = Measured::example();
        refusing.responses_per_s = 5_000.0;
        refusing.successes_per_s = 10.0;
        let ratios = Ratios::new("rego", &runs(&refusing), &bare);
        assert_eq!(ratios.throughput.median, 0.01);
        let contender = Contender::new("rego", &runs(&refusing));
        assert_eq!(contender.closed_requests_per_sec.median, 10.0);
        assert_eq!(contender.unix_requests_per_sec.median, 10.0);
    }

    #[test]
    fn errors_and_unexpected_verdicts_of_every_kind_of_run_are_counted() {
        let mut run = Measured::example();
        run.counts.errors = 2;
        run.counts.unexpected = 3;
        let contender = Contender::new("rego", &runs(&run));
        assert_eq!((contender.errors, contender.unexpected), (6, 9));
    }
}
