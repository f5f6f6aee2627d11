//! Events that are applied but not yet durable, and the answer that waits for the disk.

use gate_state::WaitFor;

use crate::gate::Gate;
use crate::problem::Problem;

/// The effect of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Nothing: a repetition, or nothing was left to change.
    Nothing,
    /// Some hold was given back.
    Release,
    /// Some of the order traded.
    Fill,
    /// Some quantity traded that had been released or expired.
    LateFill,
    /// More traded than was ordered.
    OverFill,
    /// A kill switch was thrown or lifted.
    Kill,
    /// A position was set.
    Position,
}

/// An event that is applied, but not yet known to be durable.
#[derive(Debug)]
#[must_use = "the answer leaves by `Gate::answer`, once `wait_for` is durable"]
pub struct Applied {
    pub(crate) wait_for: WaitFor,
    pub(crate) what: Change,
    pub(crate) body: Vec<u8>,
}

impl Applied {
    /// What must be durable before the answer leaves.
    pub const fn wait_for(&self) -> WaitFor {
        self.wait_for
    }

    /// Its effect.
    pub const fn change(&self) -> Change {
        self.what
    }
}

impl Gate {
    /// The answer to an event that is durable.
    ///
    /// # Errors
    /// `not_durable` if it is not, or not yet.
    pub fn answer(&self, applied: Applied) -> Result<Vec<u8>, Problem> {
        self.ensure_durable(applied.wait_for)?;
        Ok(applied.body)
    }
}
