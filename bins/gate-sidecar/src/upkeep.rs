//! The ledger's housekeeping, on a thread of its own: bring a failed journal back, forget what
//! ended long ago, and picture the state now and then so that the next start is quick.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use gate_api::Gate;
use gate_state::Seq;

/// How often the ledger is looked after.
const PERIOD: Duration = Duration::from_secs(1);
/// Records after which a new snapshot is worth its work: what a start replays at the most.
const RECORDS_PER_SNAPSHOT: u64 = 1_000_000;

/// The running thread.
pub(crate) struct Upkeep {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Upkeep {
    pub(crate) fn start(gate: Arc<Gate>) -> std::io::Result<Self> {
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new()
            .name("gate-upkeep".to_owned())
            .spawn(move || look_after(&gate, &stopped))?;
        Ok(Self { stop, thread })
    }

    /// Ends the thread, after a last snapshot.
    pub(crate) fn stop(self) {
        drop(self.stop);
        if self.thread.join().is_err() {
            tracing::error!("the upkeep thread had panicked");
        }
    }
}

fn look_after(gate: &Gate, stopped: &Receiver<()>) {
    let ledger = gate.ledger();
    let mut pictured = ledger.durable_seq();
    let mut failing = false;
    while stopped.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout) {
        match ledger.maintain() {
            Ok(_) => failing = false,
            Err(error) if !failing => {
                failing = true;
                let reason = format!("{:#}", anyhow::Error::from(error));
                tracing::error!(reason, "the journal cannot be brought back yet; trying on");
            }
            Err(_) => {}
        }
        if ledger.durable_seq().get().saturating_sub(pictured.get()) >= RECORDS_PER_SNAPSHOT {
            pictured = snapshot(gate).unwrap_or(pictured);
        }
    }
    if ledger.durable_seq() > pictured {
        snapshot(gate);
    }
}

fn snapshot(gate: &Gate) -> Option<Seq> {
    match gate.ledger().snapshot() {
        Ok(seq) => Some(seq),
        Err(error) => {
            let reason = format!("{:#}", anyhow::Error::from(error));
            tracing::warn!(
                reason,
                "no snapshot; the next start replays more of the journal"
            );
            None
        }
    }
}
