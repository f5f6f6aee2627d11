//! The ledger's housekeeping thread: recovers a failed journal, forgets orders that ended long ago,
//! takes snapshots so that the next start is quick, and prunes the journal if retention is set.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use gate_api::Gate;
use gate_types::Clock;

use crate::metrics::Metrics;
use crate::retention;

/// How often the ledger is maintained.
const PERIOD: Duration = Duration::from_secs(1);
/// Periods between two prunings.
const PRUNE_EVERY: u64 = 3_600;

/// The running thread.
pub(crate) struct Upkeep {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Upkeep {
    /// Starts the thread. `retention_days`: days for which the journal is kept; 0: for ever.
    pub(crate) fn start(
        gate: Arc<Gate>,
        metrics: Arc<Metrics>,
        clock: Arc<dyn Clock>,
        retention_days: u64,
    ) -> std::io::Result<Self> {
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new()
            .name("gate-upkeep".to_owned())
            .spawn(move || look_after(&gate, &metrics, &*clock, retention_days, &stopped))?;
        Ok(Self { stop, thread })
    }

    /// Stops the thread and waits for its end.
    pub(crate) fn stop(self) {
        drop(self.stop);
        if self.thread.join().is_err() {
            tracing::error!("the upkeep thread had panicked");
        }
    }
}

fn look_after(
    gate: &Gate,
    metrics: &Metrics,
    clock: &dyn Clock,
    retention_days: u64,
    stopped: &Receiver<()>,
) {
    let mut round = Round::default();
    let mut panicked = false;
    while stopped.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout) {
        // A panic must not end the thread that recovers a failed journal: the next period tries again.
        let done = catch_unwind(AssertUnwindSafe(|| {
            let ending = || stopped.try_recv() != Err(TryRecvError::Empty);
            round.run(gate, metrics, clock, retention_days, ending);
        }));
        if done.is_err() && !panicked {
            tracing::error!("housekeeping panicked; trying on");
        }
        panicked = done.is_err();
    }
}

/// What one period leaves for the next.
#[derive(Default)]
struct Round {
    periods: u64,
    failing: bool,
    /// Pruning stays due while the journal cannot be written.
    is_pruning_due: bool,
}

impl Round {
    fn run(
        &mut self,
        gate: &Gate,
        metrics: &Metrics,
        clock: &dyn Clock,
        retention_days: u64,
        ending: impl Fn() -> bool,
    ) {
        let is_hour = self.periods.is_multiple_of(PRUNE_EVERY);
        self.periods = self.periods.wrapping_add(1);
        self.is_pruning_due |= retention_days > 0 && is_hour;
        match gate.ledger().maintain() {
            Ok(done) => {
                self.failing = false;
                metrics.expired(done.expired);
            }
            Err(error) if !self.failing => {
                self.failing = true;
                let reason = format!("{:#}", anyhow::Error::from(error));
                tracing::error!(reason, "the journal cannot be brought back yet; trying on");
            }
            Err(_) => {}
        }
        if self.is_pruning_due && !self.failing && !ending() {
            self.is_pruning_due = false;
            retention::prune(gate, clock.now(), retention_days);
        }
    }
}
