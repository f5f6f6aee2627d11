//! A run as JSON: the one place that fixes the report's member names.
//!
//! Times are in milliseconds, as the members' names say; `docs/benchmarking.md` explains each.

mod latency;

use std::collections::BTreeMap;
use std::time::UNIX_EPOCH;

use serde::Serialize;

use crate::closed::Stop;
use crate::run::{Mode, Run, RunConfig};
use crate::validity;
use crate::verify::{Segments, Tokens};

pub use latency::Latency;
use latency::{PercentilePoint, ms, percentiles, round};

/// Name and version of the schema.
pub const SCHEMA: &str = "gate-bench-v1";

/// One run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The version of gate-bench.
    pub version: &'static str,
    /// `closed` or `open`.
    pub mode: &'static str,
    /// False when the figures say more about the generator than about the server.
    pub valid: bool,
    /// Why not.
    pub invalid_reasons: Vec<String>,
    /// Whether it was ended before its time.
    pub interrupted: bool,
    /// When measuring began, seconds since 1970.
    pub started_unix_s: f64,
    /// What was asked for.
    pub config: ConfigReport,
    /// From the end of the warm-up to the last response.
    pub duration_s: f64,
    /// The time that throughput is counted over: the time asked for, or the whole run if a number
    /// of requests was asked for.
    pub window_s: f64,
    /// Whole responses per second of that time, whatever they say; those that came later do not count.
    pub responses_per_s: f64,
    /// Successful responses per second of that time.
    pub successes_per_s: f64,
    /// Mean size of a response's body.
    pub response_body_bytes: f64,
    /// How often each thing happened.
    pub counts: CountsReport,
    /// From the intended start to the response; successes, and timeouts at the time waited.
    pub response_time_ms: Latency,
    /// From the sending to the response; successes.
    pub service_time_ms: Latency,
    /// From the intended start to the sending.
    pub send_lag_ms: Latency,
    /// The generator's own part of the send lag.
    pub wake_lag_ms: Latency,
    /// From the intended start to a response other than 200.
    pub refused_time_ms: Latency,
    /// From the sending to a response other than 200.
    pub refused_service_time_ms: Latency,
    /// The most requests that waited for a free connection at once.
    pub backlog_max: usize,
    /// The longest that a generator thread was away from its work.
    pub generator_away_max_ms: f64,
    /// The longest that a generator thread had no connection to the server.
    pub no_connection_max_ms: f64,
    /// Processor time of the generator, as a share of one core.
    pub generator_cores: Option<f64>,
    /// The server's own segment timings, from sampled responses.
    pub segments_ms: BTreeMap<&'static str, Latency>,
    /// What became of the sampled tokens.
    pub tokens: Tokens,
    /// The run second by second.
    pub per_second: Vec<SecondReport>,
    /// Response time by percentile, for a plot.
    pub response_percentiles: Vec<PercentilePoint>,
}

/// What was asked for.
#[derive(Debug, Clone, Serialize)]
pub struct ConfigReport {
    /// The server.
    pub target: String,
    /// `tcp` or `unix`.
    pub transport: &'static str,
    /// Connections.
    pub connections: usize,
    /// Generator threads.
    pub threads: usize,
    /// Closed loop by count.
    pub requests: Option<u64>,
    /// Anything by time.
    pub measure_s: Option<f64>,
    /// `batch` or `normal`: how the generator's threads shared the cores with the server.
    pub scheduling: &'static str,
    /// Load before measuring.
    pub warmup_s: f64,
    /// Open loop.
    pub rate_per_s: Option<f64>,
    /// Open loop: `constant` or `poisson`.
    pub arrivals: Option<String>,
    /// A request is given up after this.
    pub timeout_s: f64,
    /// The workload's seed.
    pub seed: u64,
    /// Part of every order id.
    pub run_id: String,
    /// How many clients.
    pub clients: u64,
    /// How requests spread over them.
    pub spread: String,
    /// Shares of the kinds of request, in per cent.
    pub mix: String,
    /// Quantity of every order.
    pub qty: String,
    /// Price of every order.
    pub price: String,
    /// Instrument of every order, but of those that are meant to be blocked.
    pub symbol: String,
    /// Theirs.
    pub blocked_symbol: String,
    /// One response in so many is looked at.
    pub sample_every: u64,
    /// The contract that the server was taken to speak: `gate` or `plain`.
    pub expect: &'static str,
    /// How long the open loop spun before each due time.
    pub spin_us: f64,
}

/// How often each thing happened.
#[derive(Debug, Clone, Serialize)]
pub struct CountsReport {
    /// Requests measured.
    pub sent: u64,
    /// Requests before measuring began.
    pub warmup: u64,
    /// Whole responses.
    pub completed: u64,
    /// 200 AUTHORIZED.
    pub authorized: u64,
    /// 200 BLOCKED.
    pub blocked: u64,
    /// 200 where no verdict is due.
    pub done: u64,
    /// Decisions that an earlier request had made.
    pub replayed: u64,
    /// A verdict other than the workload is made for, or a replay where none is due or the other
    /// way round.
    pub unexpected: u64,
    /// Everything below, and every status but 200.
    pub errors: u64,
    /// 200 to an order without a verdict.
    pub unreadable: u64,
    /// No response in time.
    pub timeouts: u64,
    /// Lost with its connection.
    pub connection_errors: u64,
    /// Not HTTP.
    pub malformed: u64,
    /// 503 without a `Retry-After`.
    pub no_retry_after: u64,
    /// Due, and never sent.
    pub unsent: u64,
    /// Connections that were opened again.
    pub reconnects: u64,
    /// By status code.
    pub by_status: BTreeMap<String, u64>,
    /// By kind of request.
    pub by_kind: BTreeMap<&'static str, u64>,
}

/// One second of a run.
#[derive(Debug, Clone, Serialize)]
pub struct SecondReport {
    pub second: usize,
    pub completed: u64,
    pub errors: u64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
}

impl Report {
    /// Builds the report of a run.
    #[must_use]
    pub fn new(run: &Run, tokens: Tokens, segments: &Segments) -> Self {
        let recorder = &run.recorder;
        let counts = &recorder.counts;
        let duration_s = run.duration.as_secs_f64();
        let window_s = run.window.as_secs_f64();
        let per_s = |count: u64| round(count as f64 / window_s.max(1e-9));
        let invalid_reasons = validity::reasons(run, &tokens);
        Self {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            mode: match run.config.mode {
                Mode::Closed(_) => "closed",
                Mode::Open(_) => "open",
            },
            valid: invalid_reasons.is_empty(),
            invalid_reasons,
            interrupted: run.interrupted,
            started_unix_s: (run.zero + run.config.warmup)
                .duration_since(UNIX_EPOCH)
                .map_or(0.0, |since| since.as_secs_f64()),
            config: ConfigReport::new(&run.config),
            duration_s: round(duration_s),
            window_s: round(window_s),
            responses_per_s: per_s(counts.in_time),
            successes_per_s: per_s(counts.successes_in_time),
            response_body_bytes: round(counts.body_bytes as f64 / counts.completed.max(1) as f64),
            counts: CountsReport::new(counts),
            response_time_ms: Latency::of(&recorder.response),
            service_time_ms: Latency::of(&recorder.service),
            send_lag_ms: Latency::of(&recorder.send_lag),
            wake_lag_ms: Latency::of(&recorder.wake_lag),
            refused_time_ms: Latency::of(&recorder.refused),
            refused_service_time_ms: Latency::of(&recorder.refused_service),
            backlog_max: recorder.backlog_max,
            generator_away_max_ms: ms(recorder.away_max_ns),
            no_connection_max_ms: ms(recorder.cut_off_max_ns),
            generator_cores: run
                .generator_cpu
                .map(|cpu| round(cpu.as_secs_f64() / run.wall.as_secs_f64().max(1e-9))),
            segments_ms: segments
                .iter()
                .map(|(name, histogram)| (name, Latency::of(histogram)))
                .collect(),
            tokens,
            per_second: per_second(run),
            response_percentiles: percentiles(&recorder.response),
        }
    }
}

impl ConfigReport {
    fn new(config: &RunConfig) -> Self {
        let (requests, measure, rate) = match config.mode {
            Mode::Closed(Stop::Requests(count)) => (Some(count), None, None),
            Mode::Closed(Stop::After(duration)) => (None, Some(duration), None),
            Mode::Open(rate) => (None, Some(rate.duration), Some(rate)),
        };
        Self {
            target: config.target.to_string(),
            transport: config.target.transport(),
            connections: config.connections,
            threads: config.threads.clamp(1, config.connections.max(1)),
            requests,
            measure_s: measure.map(|measure| measure.as_secs_f64()),
            scheduling: config.scheduling.name(),
            warmup_s: config.warmup.as_secs_f64(),
            rate_per_s: rate.map(|rate| rate.per_s),
            arrivals: rate.map(|rate| rate.arrivals.to_string()),
            timeout_s: config.timeout.as_secs_f64(),
            seed: config.workload.seed,
            run_id: config.workload.run_id.clone(),
            clients: config.workload.clients,
            spread: config.workload.spread.to_string(),
            mix: config.workload.mix.to_string(),
            qty: config.workload.qty.clone(),
            price: config.workload.price.clone(),
            symbol: config.workload.symbol.clone(),
            blocked_symbol: config.workload.blocked_symbol.clone(),
            sample_every: config.sample_every,
            expect: config.expect.name(),
            spin_us: config.spin.as_secs_f64() * 1e6,
        }
    }
}

impl CountsReport {
    fn new(counts: &crate::recorder::Counts) -> Self {
        Self {
            sent: counts.sent,
            warmup: counts.warmup,
            completed: counts.completed,
            authorized: counts.authorized,
            blocked: counts.blocked,
            done: counts.done,
            replayed: counts.replayed,
            unexpected: counts.unexpected,
            errors: counts.errors(),
            unreadable: counts.unreadable,
            timeouts: counts.timeouts,
            connection_errors: counts.connection_errors,
            malformed: counts.malformed,
            no_retry_after: counts.no_retry_after,
            unsent: counts.unsent,
            reconnects: counts.reconnects,
            by_status: counts
                .by_status
                .iter()
                .map(|(status, count)| (status.to_string(), *count))
                .collect(),
            by_kind: counts.by_kind.clone(),
        }
    }
}

fn per_second(run: &Run) -> Vec<SecondReport> {
    let seconds = run.recorder.seconds.iter().enumerate();
    seconds
        .map(|(second, recorded)| {
            let latency = Latency::of(&recorded.response);
            SecondReport {
                second,
                completed: recorded.completed,
                errors: recorded.errors,
                p50_ms: latency.p50,
                p99_ms: latency.p99,
                max_ms: latency.max,
            }
        })
        .collect()
}

#[cfg(test)]
impl Report {
    /// An empty report, for tests of what uses reports.
    pub(crate) fn empty() -> Self {
        use crate::outcome::Expect;
        use crate::recorder::Recorder;
        use crate::sample::Samples;
        use crate::target::Target;

        let target = Target::Unix("nowhere".into());
        let config = RunConfig::new(target, Mode::Closed(Stop::Requests(0)));
        let run = Run {
            recorder: Recorder::new(Expect::Gate, 0, u64::MAX, Samples::new(0, 0)),
            config,
            zero: UNIX_EPOCH,
            duration: std::time::Duration::ZERO,
            window: std::time::Duration::ZERO,
            interrupted: false,
            wall: std::time::Duration::ZERO,
            generator_cpu: None,
        };
        Self::new(&run, Tokens::default(), &Segments::of(&[]))
    }
}
