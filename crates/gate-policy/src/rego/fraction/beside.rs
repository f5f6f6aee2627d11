//! What an `f64` leaves out of a result, for the evaluation that this thread is making.

use std::cell::RefCell;
use std::collections::HashMap;

use regorus::LimitError;

use super::extended::Extended;
use super::unheld::Unheld;

/// An evaluation ends that comes to more such results.
const MAX_KEPT: usize = 4_096;

thread_local! {
    /// By the number's bits.
    static KEPT: RefCell<HashMap<u64, Extended>> = RefCell::default();
}

/// To be called before every evaluation: what an earlier one made is nothing to it, and what the data has is there.
pub(crate) fn begin(data: &Unheld) {
    KEPT.with_borrow_mut(|kept| {
        kept.clear();
        kept.extend(data.each());
    });
}

/// All that is kept, and it is kept no longer.
pub(super) fn take() -> HashMap<u64, Extended> {
    KEPT.take()
}

/// `number` stands for `result`, and for no earlier one.
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

/// `number` is itself.
pub(super) fn clear(number: f64) {
    KEPT.with_borrow_mut(|kept| kept.remove(&number.to_bits()));
}

/// What the number stands for, where that is not the number itself.
pub(super) fn recall(number: f64) -> Option<Extended> {
    KEPT.with_borrow(|kept| kept.get(&number.to_bits()).copied())
}
