//! The decision record's load on one sidecar: the closed loop that `results` reports, and the
//! open loop beside it.

use std::path::Path;

use anyhow::Result;

use super::Args;
use super::build::Binaries;
use super::load::{Load, Measured};
use super::server::Server;

#[derive(Debug)]
pub(super) struct Canonical {
    pub(super) closed: Measured,
    pub(super) open: Measured,
    /// What the comparison's bare server has to answer.
    pub(super) response_body_bytes: u64,
}

/// One response in so many has its token verified and its segments read.
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
        server.stop()?;
        Ok(Self {
            response_body_bytes: closed.response_body_bytes.round() as u64,
            closed,
            open,
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
