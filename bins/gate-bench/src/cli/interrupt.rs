//! Ctrl-C ends the load; what was measured until then is reported.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// A shell's exit status for a program that SIGINT ended.
const ENDED_BY_SIGINT: i32 = 130;

/// Sets `interrupted` on the first SIGINT or SIGTERM; the second ends the process.
pub(super) fn on_signal(interrupted: &Arc<AtomicBool>) -> io::Result<()> {
    for signal in [SIGINT, SIGTERM] {
        // Actions run in the order of their registration: the first signal finds the flag unset.
        flag::register_conditional_shutdown(signal, ENDED_BY_SIGINT, Arc::clone(interrupted))?;
        flag::register(signal, Arc::clone(interrupted))?;
    }
    Ok(())
}
