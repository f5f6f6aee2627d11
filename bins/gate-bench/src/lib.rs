//! The load generator: closed and open loops over keep-alive connections, latency from the intended
//! start, every outcome counted separately, sampled tokens verified.
//!
//! One epoll loop per thread; request bytes are built once and patched; responses are cut out of
//! the stream by a small parser. It works against any server that speaks the gate contract, and,
//! with [`Expect::Plain`], against any HTTP server.
//!
//! ```no_run
//! use std::time::Duration;
//! use gate_bench::{Mode, RunConfig, Stop, Target, run};
//!
//! let target = Target::from_url("http://127.0.0.1:8080")?;
//! let mode = Mode::Closed(Stop::After(Duration::from_secs(5)));
//! let finished = run(&RunConfig::new(target, mode))?;
//! println!("{} responses", finished.recorder.counts.completed);
//! # Ok::<(), anyhow::Error>(())
//! ```

// Requests and responses.
mod outcome;
mod response;
mod rng;
mod target;
mod workload;
// Timing.
mod alarm;
mod closed;
mod open;
mod pacing;
// One run.
mod connection;
mod engine;
mod progress;
mod recorder;
mod run;
mod sample;
mod scheduling;
// Results.
mod hdrlog;
mod report;
mod search;
mod summary;
mod validity;
mod verify;
// The command line.
pub mod cli;

pub use closed::Stop;
pub use hdrlog::write as write_hdr_log;
pub use open::Rate;
pub use outcome::{Expect, Outcome};
pub use pacing::Arrivals;
pub use recorder::{Counts, Recorder, Second};
pub use report::{Latency, Report, SCHEMA};
pub use run::{Mode, Run, RunConfig, run};
pub use sample::{Sample, Samples};
pub use scheduling::Scheduling;
pub use search::{Objective, Series, Step, saturate, sweep};
pub use summary::text as summary_text;
pub use target::Target;
pub use validity::WAKE_LAG_P99_MAX_MS;
pub use verify::{Segments, Tokens, Verifier, look};
pub use workload::{Kind, Mix, OrderRef, Spread, WorkloadConfig};
