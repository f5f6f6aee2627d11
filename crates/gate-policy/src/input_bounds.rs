//! Limits on the size of a policy's input, whichever engine evaluates it.

use serde_json::Value as Json;

use crate::policy::PolicyInput;

/// The deepest nesting of the members a caller adds to an order.
pub const MAX_INPUT_DEPTH: usize = 32;
/// The most values in the members a caller adds to an order.
pub const MAX_INPUT_NODES: usize = 4_096;

/// The input is deeper or larger than allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLarge;

/// Whether a document is within the limits.
pub(crate) fn check(json: &Json) -> Result<(), TooLarge> {
    let mut budget = MAX_INPUT_NODES;
    measure(json, 0, &mut budget)
}

/// Whether the members that the caller added are within the limits.
pub(crate) fn fits(input: &PolicyInput<'_>) -> bool {
    let mut budget = MAX_INPUT_NODES;
    let mut added = input
        .order_extra
        .values()
        .chain(input.context_extra.values());
    added.all(|member| measure(member, 1, &mut budget).is_ok())
}

/// Subtracts a document's values from the budget.
fn measure(json: &Json, depth: usize, budget: &mut usize) -> Result<(), TooLarge> {
    *budget = budget.checked_sub(1).ok_or(TooLarge)?;
    if depth > MAX_INPUT_DEPTH {
        return Err(TooLarge);
    }
    let inner = depth.saturating_add(1);
    match json {
        Json::Array(items) => items
            .iter()
            .try_for_each(|item| measure(item, inner, budget)),
        Json::Object(members) => members
            .values()
            .try_for_each(|member| measure(member, inner, budget)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => Ok(()),
    }
}
