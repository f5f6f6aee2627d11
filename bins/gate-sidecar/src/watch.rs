//! Watches the bundle on disk and reloads it once it changed and is stable. Polls metadata, because
//! file system notifications miss network mounts, swapped links and Kubernetes volumes.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use crate::http::Shared;
use crate::reload::{Look, Trigger};

/// Looks after which a refused reload is retried without a change: the journal may be writable
/// again.
const LOOKS_PER_RETRY: u32 = 30;

/// The running thread; it ends soon after this is dropped.
pub(crate) struct Watch {
    _stop: Sender<()>,
}

impl Watch {
    /// Starts the thread, which looks every `period`.
    pub(crate) fn start(shared: Arc<Shared>, period: Duration) -> std::io::Result<Self> {
        let (stop, stopped) = channel();
        std::thread::Builder::new()
            .name("gate-watch".to_owned())
            .spawn(move || watch(&shared, period, &stopped))?;
        Ok(Self { _stop: stop })
    }
}

fn watch(shared: &Shared, period: Duration, stopped: &Receiver<()>) {
    let mut rest = Rest::new();
    while stopped.recv_timeout(period) == Err(RecvTimeoutError::Timeout) {
        if rest.is_due(shared.reloader.look()) {
            // The reload logs and counts its own outcome.
            let outcome = shared.reloader.reload(&shared.gate, Trigger::Changed);
            rest.acted(outcome.is_ok());
        }
    }
}

/// Decides when to reload: at the second of two equal looks, once per change. A file that is still
/// being written looks different each time.
struct Rest<L = Look> {
    last: Option<L>,
    /// Whether `last` was acted upon.
    done: bool,
    /// Looks left until the next attempt, after a failure.
    retry_in: Option<u32>,
}

impl<L: PartialEq> Rest<L> {
    const fn new() -> Self {
        Self {
            last: None,
            done: false,
            retry_in: None,
        }
    }

    fn is_due(&mut self, look: L) -> bool {
        if self.last.as_ref() != Some(&look) {
            *self = Self {
                last: Some(look),
                done: false,
                retry_in: None,
            };
            return false;
        }
        match &mut self.retry_in {
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
            None => !self.done,
        }
    }

    fn acted(&mut self, succeeded: bool) {
        self.done = true;
        self.retry_in = (!succeeded).then_some(LOOKS_PER_RETRY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_at_rest_is_acted_upon_and_only_once() {
        let mut rest = Rest::new();
        let mut acted = String::new();
        for look in "aaabcddda".chars() {
            let due = rest.is_due(look);
            if due {
                rest.acted(true);
            }
            acted.push(if due { '!' } else { '.' });
        }
        assert_eq!(acted, ".!....!..");
    }

    #[test]
    fn a_failure_is_tried_again_after_a_while() {
        let mut rest = Rest::new();
        let mut acts = 0;
        for _ in 0..2 + 2 * (LOOKS_PER_RETRY + 1) {
            if rest.is_due('a') {
                acts += 1;
                rest.acted(false);
            }
        }
        assert_eq!(acts, 3);
    }
}
