//! The command line: the arguments, and the run that each subcommand makes of them.

mod actions;
mod interrupt;
mod values;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{Args, Parser, Subcommand};

use crate::closed::Stop;
use crate::open::Rate;
use crate::outcome::Expect;
use crate::pacing::Arrivals;
use crate::run::{Mode, RunConfig};
use crate::scheduling::Scheduling;
use crate::search::Objective;
use crate::target::Target;
use crate::workload::{Mix, Spread, WorkloadConfig};
use values::{amount, percent, plain, positive, rate, seconds, some, some_seconds, timeout, url};

/// Load generator for the gate contract: closed and open loops, latency from the intended start.
///
/// Exit status: 0 measured, 1 could not measure, 2 wrong usage, 3 measured but not valid, or
/// interrupted. The first Ctrl-C ends the load, and what was measured is reported; the second ends
/// the process.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Closed loop: every connection asks again as soon as it was answered. Finds the throughput.
    Closed(ClosedArgs),
    /// Open loop: requests start on schedule. Finds the latency at a rate.
    Open(OpenArgs),
    /// Run one open loop for each of several rates.
    Sweep(SweepArgs),
    /// Search for the highest rate that still meets the objective.
    Saturate(SaturateArgs),
}

#[derive(Debug, Args)]
struct ClosedArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// Write response times second by second as an `HdrHistogram` log.
    #[arg(long)]
    hdr: Option<PathBuf>,
    /// Stop after this many measured requests.
    #[arg(short = 'n', long, conflicts_with = "duration", value_parser = clap::value_parser!(u64).range(1..))]
    requests: Option<u64>,
    /// Stop after this many seconds of measuring.
    #[arg(short, long, default_value = "10", value_parser = some_seconds)]
    duration: Duration,
}

#[derive(Debug, Args)]
struct OpenArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// Write response times second by second as an `HdrHistogram` log.
    #[arg(long)]
    hdr: Option<PathBuf>,
    /// Requests per second.
    #[arg(short, long, value_parser = rate)]
    rate: f64,
    /// How arrivals follow one another: `constant` or `poisson`.
    #[arg(long, default_value = "constant")]
    arrivals: Arrivals,
    /// Seconds of measuring.
    #[arg(short, long, default_value = "10", value_parser = some_seconds)]
    duration: Duration,
}

#[derive(Debug, Args)]
struct SweepArgs {
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    series: SeriesArgs,
    /// Requests per second, separated by commas.
    #[arg(short, long, value_delimiter = ',', required = true, value_parser = rate)]
    rates: Vec<f64>,
}

#[derive(Debug, Args)]
struct SaturateArgs {
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    series: SeriesArgs,
    /// The first rate to try.
    #[arg(long, default_value = "1000", value_parser = rate)]
    from: f64,
    /// The highest rate to try.
    #[arg(long, default_value = "200000", value_parser = rate)]
    to: f64,
    /// Precision of the search, in per cent of the rate.
    #[arg(long, default_value = "5", value_parser = positive)]
    precision: f64,
}

/// The arguments of commands that measure several rates.
#[derive(Debug, Args)]
struct SeriesArgs {
    /// Seconds of measuring at each rate.
    #[arg(short, long, default_value = "5", value_parser = some_seconds)]
    duration: Duration,
    /// How arrivals follow one another: `constant` or `poisson`.
    #[arg(long, default_value = "constant")]
    arrivals: Arrivals,
    /// Objective: the 99th percentile stays below this many milliseconds.
    #[arg(long, default_value = "10", value_parser = positive)]
    p99_ms: f64,
    /// Objective: at most this many per cent of errors.
    #[arg(long, default_value = "0", value_parser = percent)]
    errors_percent: f64,
}

#[derive(Debug, Args)]
struct CommonArgs {
    /// URL of the server.
    #[arg(long, default_value = "http://127.0.0.1:8080", value_parser = url)]
    url: String,
    /// The server's Unix socket, instead of `--url`.
    #[arg(long, conflicts_with = "url")]
    uds: Option<PathBuf>,
    /// Connections of all threads together.
    #[arg(short, long, default_value = "100", value_parser = some)]
    connections: usize,
    /// Threads; half the cores when not given, since the server needs the rest.
    #[arg(short, long, value_parser = some)]
    threads: Option<usize>,
    /// Seconds of load before measuring begins.
    #[arg(long, default_value = "1", value_parser = seconds)]
    warmup: Duration,
    /// Seconds after which a request is given up.
    #[arg(long, default_value = "10", value_parser = timeout)]
    timeout: Duration,
    /// Microseconds to spin before each due time; spinning takes the core from the server.
    #[arg(long, default_value_t = 0)]
    spin_us: u64,
    /// How the threads share the cores with the server; `batch` in a closed loop, `normal` in an
    /// open one, when not given.
    #[arg(long, value_enum)]
    scheduling: Option<Scheduling>,
    /// Contract that the server speaks.
    #[arg(long, value_enum, default_value_t = Expect::Gate)]
    expect: Expect,
    /// The server's key set; sampled tokens are verified with it.
    #[arg(long)]
    keys: Option<PathBuf>,
    /// The audience that tokens must name; any when not given.
    #[arg(long)]
    aud: Option<String>,
    /// Check one response in this many; 0 for none.
    #[arg(long, default_value_t = 64)]
    sample_every: u64,
    /// Seed of the workload: with the same one, runs send the same requests.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Part of every order id; made from the time when not given.
    #[arg(long, value_parser = plain)]
    run_id: Option<String>,
    /// Number of clients that send orders.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    clients: u64,
    /// How orders spread over the clients: `uniform` or `zipf:EXPONENT`.
    #[arg(long, default_value = "uniform")]
    spread: Spread,
    /// Shares of other requests in per cent: `blocked=5,release=40,fill=10,replay=1`.
    #[arg(long, default_value = "")]
    mix: Mix,
    /// Quantity of every order.
    #[arg(long, default_value = "1", value_parser = amount)]
    qty: String,
    /// Price of every order.
    #[arg(long, default_value = "185.50", value_parser = amount)]
    price: String,
    /// Instrument of every order.
    #[arg(long, default_value = "AAPL", value_parser = plain)]
    symbol: String,
    /// Instrument of the orders that are meant to be blocked.
    #[arg(long, default_value = "GME", value_parser = plain)]
    blocked_symbol: String,
    /// Write the report here; `-` for standard output, instead of the summary.
    #[arg(long)]
    json: Option<PathBuf>,
    /// No progress bar.
    #[arg(short, long)]
    quiet: bool,
}

impl Cli {
    /// Does what was asked.
    ///
    /// # Errors
    /// When the server cannot be reached or a file not be written.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Closed(args) => {
                let stop = match args.requests {
                    Some(count) => Stop::Requests(count),
                    None => Stop::After(args.duration),
                };
                actions::one(&args.common, args.hdr.as_deref(), Mode::Closed(stop))
            }
            Command::Open(args) => actions::one(
                &args.common,
                args.hdr.as_deref(),
                Mode::Open(Rate {
                    per_s: args.rate,
                    arrivals: args.arrivals,
                    duration: args.duration,
                }),
            ),
            Command::Sweep(args) => actions::sweep(&args),
            Command::Saturate(args) => actions::saturate(&args),
        }
    }
}

impl SeriesArgs {
    fn objective(&self) -> Objective {
        Objective {
            p99_ms: self.p99_ms,
            errors_percent: self.errors_percent,
        }
    }
}

impl CommonArgs {
    fn json_to_stdout(&self) -> bool {
        self.json.as_deref() == Some(Path::new("-"))
    }

    fn config(&self, mode: Mode, interrupted: &Arc<AtomicBool>) -> anyhow::Result<RunConfig> {
        let target = match &self.uds {
            Some(path) => Target::Unix(path.clone()),
            None => Target::from_url(&self.url)?,
        };
        let mut config = RunConfig::new(target, mode);
        config.connections = self.connections;
        config.threads = self.threads.unwrap_or(config.threads);
        config.warmup = self.warmup;
        config.timeout = self.timeout;
        config.spin = Duration::from_micros(self.spin_us);
        config.scheduling = self.scheduling.unwrap_or(config.scheduling);
        config.expect = self.expect;
        config.sample_every = self.sample_every;
        config.progress = !self.quiet;
        config.interrupted = Arc::clone(interrupted);
        config.workload = WorkloadConfig {
            seed: self.seed,
            run_id: self.run_id.clone().unwrap_or_else(fresh_run_id),
            clients: self.clients,
            spread: self.spread,
            symbol: self.symbol.clone(),
            blocked_symbol: self.blocked_symbol.clone(),
            qty: self.qty.clone(),
            price: self.price.clone(),
            mix: self.mix,
        };
        Ok(config)
    }
}

/// Differs from run to run: milliseconds since 1970, in base 36.
fn fresh_run_id() -> String {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let mut rest = since.as_millis();
    let mut id = Vec::new();
    while rest > 0 {
        let digit = u32::try_from(rest % 36).unwrap_or(0);
        id.push(char::from_digit(digit, 36).unwrap_or('0'));
        rest /= 36;
    }
    id.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }

    #[test]
    fn what_cannot_be_asked_is_wrong_usage() {
        let asked = |args: &str| Cli::try_parse_from(args.split(' '));
        asked("gate-bench closed -n 1 -c 1 --qty 0.5 --url http://127.0.0.1:1").unwrap();
        for wrong in [
            "closed --url https://127.0.0.1:1",
            "closed --url http://127.0.0.1:1/v1",
            "closed --url http://127.0.0.1:1 --uds gate.sock",
            "closed -c 0",
            "closed -n 0",
            "closed -d 0",
            "open -r 0",
            "open -r 1e8",
            "open -r 1 -t 0",
            "open -r 1 --timeout 121",
            "closed --qty abc",
            "closed --price 0",
            "closed -d 1e19",
            "closed --run-id a\"b",
            "closed --symbol a\\b",
            "closed --clients 1000000000",
            "sweep -r 1 --errors-percent nan",
            "sweep -r 1 --errors-percent -1",
            "closed --url http://127.0.0.1:1?x=1",
        ] {
            let refused = asked(&format!("gate-bench {wrong}")).unwrap_err();
            assert_eq!(refused.exit_code(), 2, "{wrong}");
        }
    }
}
