//! What was applied and is not yet durable: what it changed, and the answer that waits for the disk.

use gate_state::WaitFor;

use crate::gate::Gate;
use crate::problem::Problem;

/// What an event changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Nothing: it was known, or there was nothing left to free.
    Nothing,
    /// Some hold was given back.
    Release,
    /// Some of the order traded.
    Fill,
    /// Some that had been released or expired traded.
    LateFill,
    /// More traded than was ordered.
    OverFill,
    /// A kill switch was thrown or lifted.
    Kill,
    /// A position was put right.
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

    /// What it changed.
    pub const fn change(&self) -> Change {
        self.what
    }
}

impl Gate {
    /// The answer to an event that is durable.
    ///
    /// # Errors
    /// `not_durable` when it is not.
    pub fn answer(&self, applied: Applied) -> Result<Vec<u8>, Problem> {
        self.ensure_durable(applied.wait_for)?;
        Ok(applied.body)
    }
}
