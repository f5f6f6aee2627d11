//! One run: its configuration, its threads, its merged measurements.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context as _;

use crate::closed::{ClosedLoop, Stop, nanos};
use crate::engine::{Arrivals, Engine, RunClock, Setup};
use crate::open::{OpenLoop, Rate};
use crate::outcome::Expect;
use crate::pacing::Share;
use crate::progress::{Bar, Live};
use crate::recorder::Recorder;
use crate::sample::Samples;
use crate::scheduling::Scheduling;
use crate::target::Target;
use crate::workload::{Workload, WorkloadConfig};

/// Closed or open.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mode {
    /// Every connection asks again as soon as it was answered.
    Closed(Stop),
    /// Requests start by the clock.
    Open(Rate),
}

impl Mode {
    /// How long is measured, where that is asked for.
    const fn window(self) -> Option<Duration> {
        match self {
            Self::Closed(Stop::Requests(_)) => None,
            Self::Closed(Stop::After(duration)) => Some(duration),
            Self::Open(rate) => Some(rate.duration),
        }
    }
}

/// Everything a run depends on.
#[derive(Debug, Clone)]
pub struct RunConfig {
    /// The server.
    pub target: Target,
    /// Closed or open, and how much.
    pub mode: Mode,
    /// Connections, all threads together.
    pub connections: usize,
    /// Threads, each with its share of the connections.
    pub threads: usize,
    /// Load before measuring begins.
    pub warmup: Duration,
    /// A request without a response for this long is given up.
    pub timeout: Duration,
    /// The open loop spins for this long before each due time.
    pub spin: Duration,
    /// How the threads share the cores with the server.
    pub scheduling: Scheduling,
    /// What the server speaks.
    pub expect: Expect,
    /// What is asked.
    pub workload: WorkloadConfig,
    /// One response in so many is kept for verification; 0 keeps none.
    pub sample_every: u64,
    /// Whether a bar is drawn when standard error is a terminal.
    pub progress: bool,
    /// Once true, nothing more is sent and the run ends with the responses still open.
    pub interrupted: Arc<AtomicBool>,
}

impl RunConfig {
    /// The canonical load on `target`: 100 connections, a second of warm-up, half the cores.
    #[must_use]
    pub fn new(target: Target, mode: Mode) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            target,
            mode,
            connections: 100,
            threads: (cores / 2).max(1),
            warmup: Duration::from_secs(1),
            timeout: Duration::from_secs(10),
            spin: Duration::ZERO,
            scheduling: match mode {
                Mode::Closed(_) => Scheduling::Batch,
                // A request has to start on time.
                Mode::Open(_) => Scheduling::Normal,
            },
            expect: Expect::Gate,
            workload: WorkloadConfig::default(),
            sample_every: 64,
            progress: false,
            interrupted: Arc::default(),
        }
    }
}

/// The most responses kept per thread.
const SAMPLES_MAX: usize = 20_000;

/// A finished run.
#[derive(Debug)]
pub struct Run {
    /// How it was configured; the scheduling is the one that was in force.
    pub config: RunConfig,
    /// When the load began, by the wall clock; measuring begins after the warm-up.
    pub zero: SystemTime,
    /// From the end of the warm-up to the last response.
    pub duration: Duration,
    /// The time that throughput is counted over: the time asked for, or the whole run if a number
    /// of requests was asked for or it was interrupted.
    pub window: Duration,
    /// Whether it was ended before its time.
    pub interrupted: bool,
    /// From the first request to the end of the last thread.
    pub wall: Duration,
    /// Processor time the generator itself used, warm-up included.
    pub generator_cpu: Option<Duration>,
    /// Everything measured.
    pub recorder: Recorder,
}

/// Makes the run.
///
/// # Errors
/// When the server cannot be reached or stops answering altogether.
pub fn run(config: &RunConfig) -> anyhow::Result<Run> {
    anyhow::ensure!(config.connections > 0, "at least one connection");
    let threads = config.threads.clamp(1, config.connections);
    let indices = AtomicU64::new(0);
    let live: Vec<Live> = (0..threads).map(|_| Live::default()).collect();
    match config.mode {
        Mode::Closed(stop) => {
            let left = ClosedLoop::quota(stop);
            drive(config, &indices, &live, |_| {
                ClosedLoop::new(stop, config.warmup, config.timeout, &left)
            })
        }
        Mode::Open(rate) => drive(config, &indices, &live, |share| {
            let seed = config.workload.seed;
            OpenLoop::new(rate, config.warmup, config.timeout, share, seed)
        }),
    }
}

fn drive<A: Arrivals + Send>(
    config: &RunConfig,
    indices: &AtomicU64,
    live: &[Live],
    arrivals: impl Fn(Share) -> A,
) -> anyhow::Result<Run> {
    let start_ns = nanos(config.warmup);
    let window = config.mode.window();
    let mut engines = Vec::with_capacity(live.len());
    for (thread, live_of_thread) in live.iter().enumerate() {
        let share = Share {
            thread: thread as u64,
            threads: live.len() as u64,
        };
        let setup = Setup {
            target: &config.target,
            connections: part(config.connections, thread, live.len()),
            timeout: config.timeout,
            spin: config.spin,
            interrupted: &config.interrupted,
            indices,
            live: live_of_thread,
        };
        let workload = Workload::new(&config.workload, config.target.host());
        let samples = Samples::new(config.sample_every, SAMPLES_MAX);
        let end_ns = start_ns.saturating_add(window.map_or(u64::MAX, nanos));
        let recorder = Recorder::new(config.expect, start_ns, end_ns, samples);
        engines.push(Engine::open(setup, workload, arrivals(share), recorder)?);
    }
    let cpu_before = cpu_time();
    let (zero, began) = (SystemTime::now(), Instant::now());
    let (recorder, scheduling) = run_threads(config, engines, live)?;
    let wall = began.elapsed();
    let duration = Duration::from_nanos(recorder.last_ns.saturating_sub(start_ns));
    let interrupted = config.interrupted.load(Ordering::Relaxed);
    let generator_cpu = cpu_before
        .zip(cpu_time())
        .map(|(before, after)| after.saturating_sub(before));
    Ok(Run {
        config: RunConfig {
            scheduling,
            ..config.clone()
        },
        zero,
        duration,
        window: window.filter(|_| !interrupted).unwrap_or(duration),
        interrupted,
        wall,
        generator_cpu,
        recorder,
    })
}

fn run_threads<A: Arrivals + Send>(
    config: &RunConfig,
    engines: Vec<Engine<'_, A>>,
    live: &[Live],
) -> anyhow::Result<(Recorder, Scheduling)> {
    let clock = RunClock::start();
    let over = AtomicBool::new(false);
    let bar = Bar::new(total(config), config.progress);
    let recorders: Vec<anyhow::Result<(Recorder, Scheduling)>> = std::thread::scope(|scope| {
        let handles: Vec<_> = engines
            .into_iter()
            .map(|engine| {
                scope.spawn(move || {
                    let scheduling = config.scheduling.ask();
                    Ok((engine.run(clock)?, scheduling))
                })
            })
            .collect();
        if !bar.is_hidden() {
            scope.spawn(|| show(&bar, live, &over));
        }
        let results = handles
            .into_iter()
            .map(|handle| {
                handle
                    .join()
                    .unwrap_or_else(|_| Err(anyhow::anyhow!("a generator thread panicked")))
            })
            .collect();
        over.store(true, Ordering::Relaxed);
        bar.clear();
        results
    });
    let mut merged: Option<Recorder> = None;
    let mut in_force = config.scheduling;
    for recorder in recorders {
        let (recorder, scheduling) = recorder?;
        if scheduling == Scheduling::Normal {
            in_force = scheduling;
        }
        match &mut merged {
            None => merged = Some(recorder),
            Some(merged) => merged.merge(recorder),
        }
    }
    Ok((merged.context("a run without threads")?, in_force))
}

fn show(bar: &Bar, live: &[Live], over: &AtomicBool) {
    let began = Instant::now();
    while !over.load(Ordering::Relaxed) {
        bar.show(live, began.elapsed());
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// How long the run will take, when the configuration says.
fn total(config: &RunConfig) -> Option<Duration> {
    let window = config.mode.window();
    window.map(|window| config.warmup.saturating_add(window))
}

/// Thread `index`'s share when `whole` is dealt out to `parts`.
fn part(whole: usize, index: usize, parts: usize) -> usize {
    whole / parts + usize::from(index < whole % parts)
}

#[cfg(target_os = "linux")]
fn cpu_time() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Some(Duration::new(
        u64::try_from(time.tv_sec).ok()?,
        u32::try_from(time.tv_nsec).ok()?,
    ))
}

#[cfg(not(target_os = "linux"))]
fn cpu_time() -> Option<Duration> {
    None
}
