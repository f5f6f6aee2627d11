//! The ledger's housekeeping, on a thread of its own: it brings a failed journal back, forgets
//! what ended long ago, and pictures the state now and then so that the next start is quick.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use gate_api::Gate;

/// How often the ledger is looked after.
const PERIOD: Duration = Duration::from_secs(1);

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

    /// Ends the thread.
    pub(crate) fn stop(self) {
        drop(self.stop);
        if self.thread.join().is_err() {
            tracing::error!("the upkeep thread had panicked");
        }
    }
}

fn look_after(gate: &Gate, stopped: &Receiver<()>) {
    let mut failing = false;
    while stopped.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout) {
        match gate.ledger().maintain() {
            Ok(_) => failing = false,
            Err(error) if !failing => {
                failing = true;
                let reason = format!("{:#}", anyhow::Error::from(error));
                tracing::error!(reason, "the journal cannot be brought back yet; trying on");
            }
            Err(_) => {}
        }
    }
}
