//! What an `f64` leaves out of a result, for the evaluation that this thread is making.

use std::cell::RefCell;

use super::extended::Extended;

/// So many results are known; then each new one takes the place of the oldest.
const MAX_KEPT: usize = 64;

thread_local! {
    static KEPT: RefCell<Kept> = const { RefCell::new(Kept { results: Vec::new(), next: 0 }) };
}

struct Kept {
    results: Vec<(f64, Extended)>,
    next: usize,
}

/// To be called before every evaluation: what an earlier one made is nothing to it.
pub(crate) fn forget() {
    KEPT.with_borrow_mut(|kept| {
        kept.results.clear();
        kept.next = 0;
    });
}

/// `number` stands for `result`, and for no earlier one.
pub(super) fn keep(number: f64, result: Extended) {
    KEPT.with_borrow_mut(|kept| {
        let known = kept.results.iter().position(|(known, _)| *known == number);
        let place = known.unwrap_or(kept.next);
        match kept.results.get_mut(place) {
            Some(old) => *old = (number, result),
            None => kept.results.push((number, result)),
        }
        if known.is_none() {
            kept.next = (kept.next + 1) % MAX_KEPT;
        }
    });
}

/// What the number stands for, where that is not the number itself.
pub(super) fn recall(number: f64) -> Option<Extended> {
    KEPT.with_borrow(|kept| {
        let mut results = kept.results.iter();
        results
            .find(|(known, _)| *known == number)
            .map(|(_, result)| *result)
    })
}
