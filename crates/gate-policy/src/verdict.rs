//! What a policy says about one order, and the stable reason codes. No policy text lives here.

use std::borrow::Cow;

use gate_types::Notional;

/// The stable reason codes, as they appear in tokens and logs.
pub mod reason {
    /// The client is in `suspended_clients`.
    pub const CLIENT_SUSPENDED: &str = "client_suspended";
    /// `instruments` is set and the symbol is not in it.
    pub const INSTRUMENT_UNKNOWN: &str = "instrument_unknown";
    /// Neither a default nor the client's own entry sets limits.
    pub const LIMITS_MISSING: &str = "limits_missing";
    /// Gross exposure with this order would be above the limit.
    pub const MAX_EXPOSURE: &str = "max_exposure";
    /// The order's notional is above the limit.
    pub const MAX_ORDER_NOTIONAL: &str = "max_order_notional";
    /// The order's quantity is above the limit.
    pub const MAX_ORDER_QTY: &str = "max_order_qty";
    /// The client had as many orders authorized in the last second as it may.
    pub const ORDER_RATE: &str = "order_rate";
    /// The price is too far from the reference price.
    pub const PRICE_COLLAR: &str = "price_collar";
    /// A price collar is set, and there is no reference price to compare with.
    pub const REFERENCE_PRICE_MISSING: &str = "reference_price_missing";
    /// The symbol is in `restricted_symbols`.
    pub const RESTRICTED_SYMBOL: &str = "restricted_symbol";

    /// Every reason of the built-in rules, in the order in which a verdict lists them.
    pub const BUILTIN: [&str; 10] = [
        CLIENT_SUSPENDED,
        INSTRUMENT_UNKNOWN,
        LIMITS_MISSING,
        MAX_EXPOSURE,
        MAX_ORDER_NOTIONAL,
        MAX_ORDER_QTY,
        ORDER_RATE,
        PRICE_COLLAR,
        REFERENCE_PRICE_MISSING,
        RESTRICTED_SYMBOL,
    ];

    /// The policy denied and gave no reason.
    pub const POLICY_DENIED: &str = "policy_denied";
    /// Evaluation failed, or panicked.
    pub const POLICY_ERROR: &str = "policy_error";
    /// The policy's answer is not of the documented shape.
    pub const POLICY_SHAPE: &str = "policy_shape";
    /// Evaluation ran into its instruction or time limit.
    pub const POLICY_TIMEOUT: &str = "policy_timeout";
    /// The policy has no answer for this order.
    pub const POLICY_UNDEFINED: &str = "policy_undefined";

    /// The reasons of a policy that failed instead of judging.
    pub const FAULTS: [&str; 4] = [POLICY_ERROR, POLICY_SHAPE, POLICY_TIMEOUT, POLICY_UNDEFINED];
}

/// A policy's answer for one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the order may go on. Anything but an explicit allow is `false`.
    pub allow: bool,
    /// Why not, sorted and unique. INVARIANT: not empty when `allow` is `false`.
    pub reasons: Vec<Cow<'static, str>>,
    /// The client's exposure limit, which the ledger enforces whatever the policy says.
    pub max_exposure: Option<Notional>,
}

impl Verdict {
    /// A verdict from its parts: reasons are sorted and made unique; a denial without a reason
    /// gets [`reason::POLICY_DENIED`].
    #[must_use]
    pub fn new(
        allow: bool,
        mut reasons: Vec<Cow<'static, str>>,
        max_exposure: Option<Notional>,
    ) -> Self {
        reasons.sort_unstable();
        reasons.dedup();
        if !allow && reasons.is_empty() {
            reasons.push(Cow::Borrowed(reason::POLICY_DENIED));
        }
        Self {
            allow,
            reasons,
            max_exposure,
        }
    }

    /// An allow without a reason.
    #[must_use]
    pub const fn allowed(max_exposure: Option<Notional>) -> Self {
        Self {
            allow: true,
            reasons: Vec::new(),
            max_exposure,
        }
    }

    /// A block for one reason.
    #[must_use]
    pub fn blocked(reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            allow: false,
            reasons: vec![reason.into()],
            max_exposure: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_always_has_a_reason() {
        assert_eq!(
            Verdict::new(false, vec![], None).reasons,
            [reason::POLICY_DENIED]
        );
        assert!(Verdict::new(true, vec![], None).reasons.is_empty());
    }

    #[test]
    fn reasons_are_sorted_and_unique() {
        let reasons = ["b", "a", "b"].map(Cow::Borrowed).to_vec();
        assert_eq!(Verdict::new(false, reasons, None).reasons, ["a", "b"]);
        assert!(reason::BUILTIN.is_sorted());
    }
}
