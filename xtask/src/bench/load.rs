//! One run of gate-bench: its arguments, and what of its report is used here.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use super::binaries::Binaries;
use super::server::Server;
use super::stats::Rounds;

/// A load, to be put on a server.
#[derive(Debug, Clone)]
pub(super) struct Load {
    arguments: Vec<String>,
    plain: bool,
    unix: bool,
}

/// What gate-bench measured; its schema is `gate-bench-v1`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Measured {
    pub(super) valid: bool,
    pub(super) invalid_reasons: Vec<String>,
    pub(super) duration_s: f64,
    pub(super) responses_per_s: f64,
    pub(super) successes_per_s: f64,
    pub(super) counts: Counts,
    pub(super) response_time_ms: Latency,
    pub(super) service_time_ms: Latency,
    pub(super) refused_time_ms: Latency,
    pub(super) refused_service_time_ms: Latency,
    pub(super) send_lag_ms: Latency,
    pub(super) wake_lag_ms: Latency,
    pub(super) generator_cores: Option<f64>,
    pub(super) segments_ms: BTreeMap<String, Latency>,
    pub(super) tokens: Tokens,
    pub(super) response_body_bytes: f64,
    pub(super) config: GeneratorConfig,
    pub(super) per_second: Vec<Second>,
    pub(super) response_percentiles: Vec<Point>,
}

/// The median of the seconds' p99, in milliseconds.
pub(super) fn median_second_p99_ms(seconds: &[Second]) -> f64 {
    Rounds::of(seconds.iter().map(|second| second.p99_ms).collect()).median
}

/// The result of a search, from its `gate-bench-series-v1`.
#[derive(Debug, Deserialize)]
struct Found {
    best_rate_per_s: Option<f64>,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
pub(super) struct Counts {
    pub(super) completed: u64,
    pub(super) authorized: u64,
    pub(super) blocked: u64,
    pub(super) unexpected: u64,
    pub(super) errors: u64,
    pub(super) timeouts: u64,
    pub(super) connection_errors: u64,
    pub(super) no_retry_after: u64,
    pub(super) by_status: BTreeMap<String, u64>,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
pub(super) struct Latency {
    pub(super) count: u64,
    pub(super) min: f64,
    pub(super) mean: f64,
    pub(super) p50: f64,
    pub(super) p95: f64,
    pub(super) p99: f64,
    #[serde(rename = "p99.9")]
    pub(super) p99_9: f64,
    #[serde(rename = "p99.99")]
    pub(super) p99_99: f64,
    pub(super) max: f64,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
pub(super) struct Tokens {
    pub(super) sampled: u64,
    pub(super) verified: u64,
    pub(super) failed: u64,
    pub(super) reasons: BTreeMap<String, u64>,
    pub(super) checked: bool,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
pub(super) struct GeneratorConfig {
    pub(super) transport: String,
    pub(super) connections: u32,
    pub(super) threads: u32,
    /// How its threads share the cores with the server.
    pub(super) scheduling: String,
    pub(super) warmup_s: f64,
    pub(super) seed: u64,
    pub(super) clients: u64,
    pub(super) spread: String,
    pub(super) mix: String,
    pub(super) arrivals: Option<String>,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
pub(super) struct Second {
    pub(super) second: u64,
    pub(super) completed: u64,
    pub(super) errors: u64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) max_ms: f64,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
pub(super) struct Point {
    pub(super) percent: f64,
    pub(super) ms: f64,
}

impl Load {
    fn new(kind: &str, connections: u32) -> Self {
        let mut load = Self {
            arguments: vec![kind.to_owned()],
            plain: false,
            unix: false,
        };
        load.push("--connections", connections);
        load
    }

    /// A closed loop of that many measured requests.
    pub(super) fn closed_requests(connections: u32, requests: u64) -> Self {
        let mut load = Self::new("closed", connections);
        load.push("--requests", requests);
        load
    }

    /// A closed loop for that long.
    pub(super) fn closed_for(connections: u32, seconds: u32) -> Self {
        let mut load = Self::new("closed", connections);
        load.push("--duration", seconds);
        load
    }

    /// An open loop at that rate for that long.
    pub(super) fn open(connections: u32, rate: u32, seconds: u32) -> Self {
        let mut load = Self::new("open", connections);
        load.push("--rate", rate);
        load.push("--duration", seconds);
        load
    }

    /// The search for the highest rate with a p99 below 10 ms and no error.
    pub(super) fn saturate(connections: u32) -> Self {
        let mut load = Self::new("saturate", connections);
        load.push("--duration", 3);
        load.push("--from", 2_000);
        load
    }

    /// Sets one more option of gate-bench.
    pub(super) fn with(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.push(name, value);
        self
    }

    /// For a server that does not speak the contract.
    pub(super) fn plain(mut self) -> Self {
        self.plain = true;
        self
    }

    /// Over the server's Unix socket.
    pub(super) fn unix(mut self) -> Self {
        self.unix = true;
        self
    }

    fn push(&mut self, name: &str, value: impl std::fmt::Display) {
        self.arguments.push(name.to_owned());
        self.arguments.push(value.to_string());
    }

    /// Puts the load on `server`; `scratch` takes the report on its way.
    pub(super) fn run(
        &self,
        binaries: &Binaries,
        server: &Server,
        scratch: &Path,
    ) -> Result<Measured> {
        self.report(binaries, server, scratch)
    }

    /// Runs a search; the rate it found.
    pub(super) fn best_rate(
        &self,
        binaries: &Binaries,
        server: &Server,
        scratch: &Path,
    ) -> Result<Option<f64>> {
        let found: Found = self.report(binaries, server, scratch)?;
        Ok(found.best_rate_per_s)
    }

    fn report<T: serde::de::DeserializeOwned>(
        &self,
        binaries: &Binaries,
        server: &Server,
        scratch: &Path,
    ) -> Result<T> {
        let report = scratch.join("report.json");
        let mut command = Command::new(&binaries.generator);
        command.args(&self.arguments).arg("--json").arg(&report);
        match &server.uds {
            Some(path) if self.unix => command.arg("--uds").arg(path),
            _ => command.args(["--url", &server.url]),
        };
        if self.plain {
            command.args(["--expect", "plain"]);
        }
        // Without samples, keys would be an error.
        let is_sampled = !self
            .arguments
            .windows(2)
            .any(|pair| pair == ["--sample-every", "0"]);
        if let Some(keys) = server.keys.as_deref().filter(|_| !self.plain && is_sampled) {
            command.arg("--keys").arg(keys);
        }
        // Its summary would drown ours; its progress bar, on stderr, is welcome.
        let status = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .context("cannot run gate-bench")?;
        // 3 says that the run is not valid, which the report says as well.
        if !status.success() && status.code() != Some(3) {
            bail!("gate-bench {} failed ({status})", self.arguments.join(" "));
        }
        let text = std::fs::read(&report).context("gate-bench wrote no report")?;
        std::fs::remove_file(&report)?;
        serde_json::from_slice(&text).context("gate-bench wrote another schema")
    }
}

#[cfg(test)]
impl Measured {
    /// A valid run in which each of 1,000 requests a second was answered as it should, in 1 ms.
    pub(super) fn example() -> Self {
        let latency = Latency {
            count: 1_000,
            min: 1.0,
            mean: 1.0,
            p50: 1.0,
            p95: 1.0,
            p99: 1.0,
            p99_9: 1.0,
            p99_99: 1.0,
            max: 1.0,
        };
        Self {
            valid: true,
            invalid_reasons: Vec::new(),
            duration_s: 1.0,
            responses_per_s: 1_000.0,
            successes_per_s: 1_000.0,
            counts: Counts {
                completed: 1_000,
                authorized: 1_000,
                blocked: 0,
                unexpected: 0,
                errors: 0,
                timeouts: 0,
                connection_errors: 0,
                no_retry_after: 0,
                by_status: BTreeMap::new(),
            },
            response_time_ms: latency,
            service_time_ms: latency,
            refused_time_ms: latency,
            refused_service_time_ms: latency,
            send_lag_ms: latency,
            wake_lag_ms: latency,
            generator_cores: None,
            segments_ms: BTreeMap::new(),
            tokens: Tokens {
                sampled: 0,
                verified: 0,
                failed: 0,
                reasons: BTreeMap::new(),
                checked: false,
            },
            response_body_bytes: 773.0,
            config: GeneratorConfig {
                transport: "tcp".to_owned(),
                connections: 100,
                threads: 1,
                scheduling: "batch".to_owned(),
                warmup_s: 1.0,
                seed: 1,
                clients: 10_000,
                spread: "uniform".to_owned(),
                mix: "authorize=100".to_owned(),
                arrivals: None,
            },
            per_second: Vec::new(),
            response_percentiles: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_second_leaves_a_bad_one_out() {
        let second = |p99_ms| Second {
            second: 0,
            completed: 1,
            errors: 0,
            p50_ms: 0.1,
            p99_ms,
            max_ms: p99_ms,
        };
        let seconds: Vec<Second> = [1.0, 40.0, 1.5].map(second).into();
        assert_eq!(median_second_p99_ms(&seconds), 1.5);
    }
}
