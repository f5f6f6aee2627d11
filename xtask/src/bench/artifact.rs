//! The artifact `P0-SIDECAR-PERF-*.json`: the members that the decision record names, and what it
//! takes to judge them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Serialize;

use super::Args;
use super::canonical::{Canonical, SweepStep};
use super::compare::Comparison;
use super::environment::Environment;
use super::load::{Counts, GeneratorConfig, Latency, Measured, Point, Second, Tokens};
use super::overload::Overload;
use super::reload::Reload;
use super::targets::Target;

/// The version that the decision record asks for.
const VERSION: &str = "p0-sidecar-v1";

#[derive(Debug, Serialize)]
pub(super) struct Artifact<'a> {
    version: &'static str,
    timestamp: String,
    config: Config<'a>,
    results: Results<'a>,
    segment_percentiles_ms: BTreeMap<&'a str, Percentiles>,
    slo_evaluation: Slo,
    environment: &'a Environment,
    open_loop: Results<'a>,
    rate_sweep: &'a [SweepStep],
    comparison: Option<&'a Comparison>,
    overload: Option<&'a Overload>,
    reload: Option<&'a Reload>,
    /// The servers that did not stop as they should have after they were measured.
    ended_badly: &'a [String],
    targets: &'a [Target],
    #[serde(skip)]
    file_name: String,
}

/// Everything that goes into it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measurements<'a> {
    pub(super) canonical: &'a Canonical,
    pub(super) comparison: Option<&'a Comparison>,
    pub(super) overload: Option<&'a Overload>,
    pub(super) reload: Option<&'a Reload>,
    pub(super) ended_badly: &'a [String],
    pub(super) targets: &'a [Target],
    pub(super) environment: &'a Environment,
}

#[derive(Debug, Serialize)]
struct Config<'a> {
    total_requests: u64,
    concurrency: u32,
    mode: &'static str,
    durability: &'a str,
    policy_engine: &'static str,
    open_loop_rate_per_sec: u32,
    open_loop_duration_sec: u32,
    response_body_bytes: u64,
    generator: &'a GeneratorConfig,
}

#[derive(Debug, Serialize)]
struct Results<'a> {
    completed: u64,
    errors: u64,
    duration_sec: f64,
    requests_per_sec: f64,
    latency_ms: &'a Latency,
    valid: bool,
    invalid_reasons: &'a [String],
    counts: &'a Counts,
    tokens: &'a Tokens,
    service_time_ms: &'a Latency,
    send_lag_ms: &'a Latency,
    wake_lag_ms: &'a Latency,
    generator_cores: Option<f64>,
    per_second: &'a [Second],
    percentiles: &'a [Point],
}

#[derive(Debug, Serialize)]
struct Percentiles {
    p50: f64,
    p95: f64,
    p99: f64,
    #[serde(rename = "p99.9")]
    p99_9: f64,
    max: f64,
    count: u64,
}

/// The decision record evaluates the closed loop's p99; the others are additions.
#[derive(Debug, Serialize)]
struct Slo {
    p99_target_ms: f64,
    p99_actual_ms: f64,
    p99_met: bool,
    p50_target_ms: f64,
    p50_actual_ms: f64,
    p50_met: bool,
    p95_target_ms: f64,
    p95_actual_ms: f64,
    p95_met: bool,
    throughput_target_per_sec: f64,
    throughput_actual_per_sec: f64,
    throughput_met: bool,
    token_compatibility_percent: f64,
    open_loop_p50_met: bool,
    open_loop_p95_met: bool,
    open_loop_p99_met: bool,
}

impl<'a> Artifact<'a> {
    pub(super) fn new(args: &'a Args, measured: &Measurements<'a>) -> Self {
        let Measurements {
            canonical,
            comparison,
            overload,
            reload,
            ended_badly,
            targets,
            environment,
        } = *measured;
        let now = jiff::Timestamp::now();
        let segments = canonical.closed.segments_ms.iter();
        Self {
            version: VERSION,
            timestamp: now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            config: Config {
                total_requests: args.requests,
                concurrency: args.connections,
                mode: "closed loop",
                durability: &args.durability,
                policy_engine: args.engine.name(),
                open_loop_rate_per_sec: args.open_rate,
                open_loop_duration_sec: args.open_seconds,
                response_body_bytes: canonical.response_body_bytes,
                generator: &canonical.closed.config,
            },
            results: Results::new(&canonical.closed),
            segment_percentiles_ms: segments
                .map(|(name, latency)| (name.as_str(), Percentiles::of(latency)))
                .collect(),
            slo_evaluation: Slo::new(&canonical.closed, &canonical.open),
            environment,
            open_loop: Results::new(&canonical.open),
            rate_sweep: &canonical.sweep,
            comparison,
            overload,
            reload,
            ended_badly,
            targets,
            file_name: now
                .strftime("P0-SIDECAR-PERF-%Y-%m-%d-%H%M%S.json")
                .to_string(),
        }
    }

    /// Writes it into `dir`; returns its path.
    pub(super) fn write(&self, dir: &Path) -> Result<PathBuf> {
        std::fs::create_dir_all(dir).with_context(|| format!("cannot make `{}`", dir.display()))?;
        let path = dir.join(&self.file_name);
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        std::fs::write(&path, text)
            .with_context(|| format!("cannot write `{}`", path.display()))?;
        Ok(path)
    }
}

impl<'a> Results<'a> {
    fn new(run: &'a Measured) -> Self {
        Self {
            completed: run.counts.completed,
            errors: run.counts.errors,
            duration_sec: run.duration_s,
            requests_per_sec: run.responses_per_s,
            latency_ms: &run.response_time_ms,
            valid: run.valid,
            invalid_reasons: &run.invalid_reasons,
            counts: &run.counts,
            tokens: &run.tokens,
            service_time_ms: &run.service_time_ms,
            send_lag_ms: &run.send_lag_ms,
            wake_lag_ms: &run.wake_lag_ms,
            generator_cores: run.generator_cores,
            per_second: &run.per_second,
            percentiles: &run.response_percentiles,
        }
    }
}

impl Percentiles {
    fn of(latency: &Latency) -> Self {
        Self {
            p50: latency.p50,
            p95: latency.p95,
            p99: latency.p99,
            p99_9: latency.p99_9,
            max: latency.max,
            count: latency.count,
        }
    }
}

impl Slo {
    fn new(closed: &Measured, open: &Measured) -> Self {
        let latency = &closed.response_time_ms;
        let open_latency = &open.response_time_ms;
        let tokens = &closed.tokens;
        Self {
            p99_target_ms: 10.0,
            p99_actual_ms: latency.p99,
            p99_met: latency.p99 < 10.0,
            p50_target_ms: 2.0,
            p50_actual_ms: latency.p50,
            p50_met: latency.p50 < 2.0,
            p95_target_ms: 5.0,
            p95_actual_ms: latency.p95,
            p95_met: latency.p95 < 5.0,
            throughput_target_per_sec: 10_000.0,
            throughput_actual_per_sec: closed.responses_per_s,
            throughput_met: closed.responses_per_s > 10_000.0,
            token_compatibility_percent: 100.0 * tokens.verified as f64
                / tokens.sampled.max(1) as f64,
            open_loop_p50_met: open_latency.p50 < 2.0,
            open_loop_p95_met: open_latency.p95 < 5.0,
            open_loop_p99_met: open_latency.p99 < 10.0,
        }
    }
}
