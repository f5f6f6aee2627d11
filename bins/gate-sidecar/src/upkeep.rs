//! The ledger's housekeeping, on a thread of its own: it brings a failed journal back, forgets
//! what ended long ago, takes a snapshot now and then so that the next start is quick, and
//! prunes the journal when it is told for how long to keep it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use gate_api::Gate;
use gate_types::Clock;

use crate::metrics::Metrics;
use crate::retention;

/// How often the ledger is looked after.
const PERIOD: Duration = Duration::from_secs(1);
/// Of those periods, how many go by between two prunings.
const PRUNE_EVERY: u64 = 3_600;

/// The running thread.
pub(crate) struct Upkeep {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Upkeep {
    /// `retention_days`: for how long the journal is kept; 0: for ever.
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

    /// Ends the thread.
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
    let mut failing = false;
    let mut periods = 0_u64;
    let mut is_due = false;
    while stopped.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout) {
        // A panic must not end what recovers a failed journal: it is told, and the next period tries again.
        let Ok(maintained) = catch_unwind(AssertUnwindSafe(|| gate.ledger().maintain())) else {
            tracing::error!("housekeeping panicked; trying on");
            continue;
        };
        match maintained {
            Ok(done) => {
                failing = false;
                metrics.expired(done.expired);
            }
            Err(error) if !failing => {
                failing = true;
                let reason = format!("{:#}", anyhow::Error::from(error));
                tracing::error!(reason, "the journal cannot be brought back yet; trying on");
            }
            Err(_) => {}
        }
        let ending = stopped.try_recv() != Err(TryRecvError::Empty);
        // It stays due while the journal cannot be written.
        is_due |= retention_days > 0 && periods.is_multiple_of(PRUNE_EVERY);
        if is_due && !failing && !ending {
            is_due = false;
            retention::prune(gate, clock.now(), retention_days);
        }
        periods = periods.wrapping_add(1);
    }
}
