//! A decision on its way: the request's arrival, the answer that waits, and the outcome.

use gate_state::{Seq, WaitFor};

use crate::answer::{Answer, TokenForm};
use crate::timing::Timing;

/// When a request arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    pub(crate) at_ns: u64,
}

/// A decision that is made, held and signed, but not yet known to be durable. No byte of it
/// may leave before the ledger has committed [`Pending::wait_for`].
///
/// Dropped, as when its caller hangs up, it is not undone: what it holds stays held, and the same
/// order again gets its answer.
#[must_use = "no answer leaves until it is completed, and the order stays held"]
#[derive(Debug)]
pub struct Pending {
    pub(crate) seq: Seq,
    pub(crate) form: TokenForm,
    pub(crate) timing: Timing,
    /// When the stopwatch was started and last read, in monotonic nanoseconds.
    pub(crate) marks_ns: (u64, u64),
    /// The reply so far; `None` for a replay, which is read from the journal.
    pub(crate) answer: Option<Answer>,
}

/// The outcome of a request, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Whether the order was AUTHORIZED; if not, it was BLOCKED.
    pub authorized: bool,
    /// Whether the answer was read back from the journal.
    pub replayed: bool,
    /// The reason, if the policy failed instead of judging (`gate_policy::reason::FAULTS`).
    pub fault: Option<&'static str>,
    /// How long each part took.
    pub timing: Timing,
}

impl Pending {
    /// What must be durable before the answer leaves. A replay is read back from the journal, so it
    /// waits for the disk whatever the durability.
    #[must_use]
    pub const fn wait_for(&self) -> WaitFor {
        match self.answer {
            Some(_) => WaitFor::Commit(self.seq),
            None => WaitFor::Disk(self.seq),
        }
    }
}
