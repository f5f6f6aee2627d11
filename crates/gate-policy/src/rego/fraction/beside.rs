//! The side table: what an `f64` drops from a result, for this thread's current evaluation.

use std::cell::RefCell;
use std::collections::HashMap;

use regorus::LimitError;

use super::extended::Extended;
use super::inexact::Inexact;

/// The most entries; one more ends the evaluation.
const MAX_KEPT: usize = 4_096;

thread_local! {
    /// By the bits of the `f64` that stands for the result.
    static KEPT: RefCell<HashMap<u64, Extended>> = RefCell::default();
}

/// Resets the table to the data's numbers. To be called before every evaluation.
pub(crate) fn begin(data: &Inexact) {
    KEPT.with_borrow_mut(|kept| {
        kept.clear();
        kept.extend(data.each());
    });
}

/// Takes all entries out of the table.
pub(super) fn take() -> HashMap<u64, Extended> {
    KEPT.take()
}

/// Lets `number` stand for `result`, and for no earlier one. Fails on too many entries.
pub(super) fn keep(number: f64, result: Extended) -> Result<(), LimitError> {
    KEPT.with_borrow_mut(|kept| {
        kept.insert(number.to_bits(), result);
        if kept.len() <= MAX_KEPT {
            return Ok(());
        }
        Err(LimitError::MemoryLimitExceeded {
            usage: u64::try_from(kept.len()).unwrap_or(u64::MAX),
            limit: u64::try_from(MAX_KEPT).unwrap_or(u64::MAX),
        })
    })
}

/// Lets `number` stand for itself.
pub(super) fn clear(number: f64) {
    KEPT.with_borrow_mut(|kept| kept.remove(&number.to_bits()));
}

/// The result that `number` stands for, unless it stands for itself.
pub(super) fn recall(number: f64) -> Option<Extended> {
    KEPT.with_borrow(|kept| kept.get(&number.to_bits()).copied())
}
