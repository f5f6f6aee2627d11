//! Loading a bundle beside order flow: on a thread of its own, at a low priority, within a
//! time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use gate_policy::Policy;

use crate::build;
use crate::config::Config;

/// The longest a load may take. What a bundle can make slow has bounds of its own far below; this
/// one is for what nobody thought of.
const LOAD_TIME: Duration = Duration::from_secs(120);

/// A tenth of the processor beside a thread that wants all of it. Not the lowest there is: the
/// tests of a bundle have time limits, and a busy machine must not be a reason to refuse it.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// Loads one bundle at a time.
#[derive(Default)]
pub(super) struct Loader {
    /// Set while the thread runs, which may be longer than it is waited for.
    running: Arc<AtomicBool>,
}

impl Loader {
    /// The policy that the settings name, compiled and tested; the one `in_force` itself when it
    /// is of the same revision and content.
    pub(super) fn load(
        &self,
        config: &Config,
        in_force: Arc<dyn Policy>,
    ) -> Result<Arc<dyn Policy>> {
        ensure!(
            !self.running.swap(true, Ordering::AcqRel),
            "an earlier load has not come to its end yet"
        );
        let (done, outcome) = channel();
        let (config, running) = (config.clone(), Arc::clone(&self.running));
        let work = move || {
            lower_priority();
            let loaded = build::policy_unless(&config, &in_force);
            let loaded = loaded.map(|policy| policy.unwrap_or(in_force));
            running.store(false, Ordering::Release);
            // Nobody waits any more when it came too late; then it is let go here.
            let _ = done.send(loaded);
        };
        let spawned = std::thread::Builder::new()
            .name("gate-load".to_owned())
            .spawn(work);
        if spawned.is_err() {
            self.running.store(false, Ordering::Release);
        }
        spawned.context("cannot start a thread")?;
        match outcome.recv_timeout(LOAD_TIME) {
            Ok(loaded) => loaded,
            Err(RecvTimeoutError::Timeout) => bail!("it takes longer than {LOAD_TIME:?}"),
            Err(RecvTimeoutError::Disconnected) => {
                self.running.store(false, Ordering::Release);
                bail!("it panicked")
            }
        }
    }
}

/// Orders go first: what is loaded here has time. Only this thread is lowered, which is why the
/// loaded policy is put in force by another one: a thread that seldom runs must hold no lock that
/// orders need.
fn lower_priority() {
    // On Linux a thread has a niceness of its own; elsewhere this would lower the whole process.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::debug!(%error, "the priority stays as it is");
    }
}
