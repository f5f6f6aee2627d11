//! Ctrl-C ends the load; what was measured until then is reported.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// A shell's exit status for a program that SIGINT ended.
const ENDED_BY_SIGINT: i32 = 130;

/// What the first SIGINT or SIGTERM sets to true; the second ends the process. For all runs of a
/// command: one that begins after the signal ends at once.
pub(super) fn on_signal() -> io::Result<Arc<AtomicBool>> {
    let interrupted = Arc::default();
    for signal in [SIGINT, SIGTERM] {
        // Actions run in the order of their registration: the first signal finds the flag unset.
        flag::register_conditional_shutdown(signal, ENDED_BY_SIGINT, Arc::clone(&interrupted))?;
        flag::register(signal, Arc::clone(&interrupted))?;
    }
    Ok(interrupted)
}
