//! A decision between its parts: from a request's arrival to what is counted of it.

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
#[must_use = "a decision is nothing until it is completed"]
#[derive(Debug)]
pub struct Pending {
    pub(crate) seq: Seq,
    pub(crate) form: TokenForm,
    pub(crate) timing: Timing,
    /// When the watch was started and last read, in monotonic nanoseconds.
    pub(crate) marks_ns: (u64, u64),
    /// The reply so far; absent when it is read back from the journal.
    pub(crate) answer: Option<Answer>,
}

/// What became of a request, for whoever counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// AUTHORIZED rather than BLOCKED.
    pub authorized: bool,
    /// The answer was read back from the journal.
    pub replayed: bool,
    /// The reason, where the policy did not judge but failed (`gate_policy::reason::FAULTS`).
    pub fault: Option<&'static str>,
    /// How long each part took.
    pub timing: Timing,
}

impl Pending {
    /// What must be durable first. A reply that was given before is read back from the disk, so that it
    /// waits until it is there, whatever the durability.
    #[must_use]
    pub const fn wait_for(&self) -> WaitFor {
        match self.answer {
            Some(_) => WaitFor::Commit(self.seq),
            None => WaitFor::Disk(self.seq),
        }
    }
}
