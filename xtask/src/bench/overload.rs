//! Twice what the sidecar can take: do accepted orders stay quick, are the others told at once,
//! and is everything as before when it is over?

use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use super::Args;
use super::build::Binaries;
use super::canonical::line;
use super::load::{Latency, Load, Measured};
use super::saturation;
use super::server::Server;

#[derive(Debug, Serialize)]
pub(super) struct Overload {
    /// See [`saturation`].
    pub(super) saturation_per_s: f64,
    pub(super) offered_per_s: u32,
    pub(super) connections: u32,
    pub(super) max_in_flight: u32,
    pub(super) accepted_per_s: f64,
    /// From the sending.
    pub(super) accepted_time_ms: Latency,
    /// From the intended start: with what the generator, which gets half a core, is late.
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

impl Overload {
    pub(super) fn measure(args: &Args, binaries: &Binaries, scratch: &Path) -> Result<Self> {
        let dir = scratch.join("overload");
        let in_flight = format!("max_in_flight={}", args.overload_in_flight);
        let flags = ["--durability", &args.durability, "--set", &in_flight];
        let bundle = binaries.root.join(args.engine.bundle());
        let name = "sidecar (overload)".to_owned();
        let server = Server::sidecar_with(binaries, &dir, name, &bundle, &flags)?;
        let run = |load: Load| load.run(binaries, &server, scratch);
        let light = || Load::open(args.connections, LIGHT_PER_S, SECONDS);
        let saturation_per_s = saturation::measure(args, binaries, &server, scratch)?;
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
            connections,
            max_in_flight: args.overload_in_flight,
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
