//! Runs the decision record's load on one sidecar: the closed loop that `results` reports, and the
//! open loop beside it.

use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use super::Args;
use super::binaries::Binaries;
use super::load::{Load, Measured};
use super::running::{self, Running};
use super::server::Server;

#[derive(Debug)]
pub(super) struct Canonical {
    pub(super) closed: Measured,
    pub(super) open: Measured,
    /// Open loops at several rates.
    pub(super) sweep: Vec<SweepStep>,
    /// That sidecar's own settings and process.
    pub(super) running: Running,
    /// The size that the comparison's bare server answers with.
    pub(super) response_body_bytes: u64,
    /// What went wrong when that sidecar was stopped.
    pub(super) ended_badly: Vec<String>,
}

/// One rate of the sweep.
#[derive(Debug, Serialize)]
pub(super) struct SweepStep {
    rate_per_s: u32,
    responses_per_s: f64,
    p50_ms: f64,
    p99_ms: f64,
    #[serde(rename = "p99.9_ms")]
    p99_9_ms: f64,
    errors: u64,
    valid: bool,
}

/// One response in this many has its token verified and its segments read.
const SAMPLE_EVERY: u32 = 32;

/// What is measured, in words.
pub(super) fn title(args: &Args) -> String {
    format!(
        "{} policy, {} durability, {} connections",
        args.engine.name(),
        args.durability,
        args.connections
    )
}

impl Canonical {
    pub(super) fn measure(args: &Args, binaries: &Binaries, scratch: &Path) -> Result<Self> {
        let dir = scratch.join("canonical");
        let server = Server::sidecar(binaries, &dir, args.engine, &args.durability)?;
        let running = running::ask(&server)?;
        println!("closed loop, {} requests", args.requests);
        let closed = Load::closed_requests(args.connections, args.requests)
            .with("--warmup", 2)
            .with("--sample-every", SAMPLE_EVERY)
            .run(binaries, &server, scratch)?;
        println!("{}", line(&closed));
        println!(
            "open loop, {} req/s for {} s",
            args.open_rate, args.open_seconds
        );
        let open = Load::open(args.connections, args.open_rate, args.open_seconds)
            .with("--warmup", 2)
            .with("--sample-every", SAMPLE_EVERY)
            .run(binaries, &server, scratch)?;
        println!("{}", line(&open));
        let mut sweep = Vec::with_capacity(args.sweep.len());
        for rate in &args.sweep {
            sweep.push(SweepStep::measure(args, binaries, &server, *rate, scratch)?);
        }
        Ok(Self {
            ended_badly: server.end().into_iter().collect(),
            sweep,
            running,
            response_body_bytes: closed.response_body_bytes.round() as u64,
            closed,
            open,
        })
    }
}

impl SweepStep {
    fn measure(
        args: &Args,
        binaries: &Binaries,
        server: &Server,
        rate: u32,
        scratch: &Path,
    ) -> Result<Self> {
        let measured = Load::open(args.connections, rate, args.sweep_seconds)
            .with("--warmup", 1)
            .with("--sample-every", 0)
            .run(binaries, server, scratch)?;
        println!("sweep, {rate} req/s\n{}", line(&measured));
        Ok(Self {
            rate_per_s: rate,
            responses_per_s: measured.responses_per_s,
            p50_ms: measured.response_time_ms.p50,
            p99_ms: measured.response_time_ms.p99,
            p99_9_ms: measured.response_time_ms.p99_9,
            errors: measured.counts.errors,
            valid: measured.valid,
        })
    }
}

/// A run in one line.
pub(super) fn line(measured: &Measured) -> String {
    let latency = &measured.response_time_ms;
    let validity = if measured.valid {
        String::new()
    } else {
        format!("  INVALID: {}", measured.invalid_reasons.join("; "))
    };
    format!(
        "  {:>9.0} req/s   p50 {:.3}  p95 {:.3}  p99 {:.3}  p99.9 {:.3}  max {:.3} ms   {} errors{validity}",
        measured.responses_per_s,
        latency.p50,
        latency.p95,
        latency.p99,
        latency.p99_9,
        latency.max,
        measured.counts.errors,
    )
}
