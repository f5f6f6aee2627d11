//! The [`Policy`] trait, and what goes into an evaluation. No engine lives here.

use std::fmt;

use gate_types::{ContractSize, Exposure, Notional, Price, Qty, Side, Timestamp};
use serde_json::{Map, Value};

use crate::verdict::Verdict;

/// A policy in force. An embedder may bring its own implementation.
///
/// An implementation does no I/O, reads no clock and never panics across this boundary.
pub trait Policy: Send + Sync {
    /// Which bundle this is.
    fn identity(&self) -> &PolicyIdentity;

    /// Judges one order. Infallible: what fails inside is a block with a stable reason.
    fn evaluate(&self, input: &PolicyInput<'_>) -> Verdict;

    /// Explains to a person why [`Self::evaluate`] blocks with a reason of Gate's own
    /// (`policy_error` and the like); `None` if it does not, or nothing more is known. It may be
    /// slow: no order waits for it.
    fn explain(&self, _input: &PolicyInput<'_>) -> Option<String> {
        None
    }

    /// Units that one unit of quantity of `symbol` stands for; one when not set.
    fn contract_size(&self, symbol: &str) -> ContractSize;

    /// The exposure limit to show for a client; `None` when the policy has no such typed limit.
    fn max_exposure(&self, client_id: &str) -> Option<Notional>;

    /// Evaluates a document below `data`, as OPA's Data API does; `None` is undefined.
    ///
    /// # Errors
    /// [`QueryError`].
    fn query(&self, path: &[&str], input: &Value) -> Result<Option<Value>, QueryError>;
}

/// Which bundle made a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyIdentity {
    /// The manifest's revision; empty when it names none.
    pub revision: String,
    /// The hash of the bundle's files.
    pub hash: PolicyHash,
    /// What evaluates it.
    pub engine: Engine,
}

/// What evaluates a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Engine {
    /// The built-in rules over `data.json`.
    Builtin,
    /// The bundle's own Rego.
    Rego,
}

impl Engine {
    /// `"builtin"` or `"rego"`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Builtin => "builtin",
            Self::Rego => "rego",
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// SHA-256 over a bundle's files; see [`Bundle::hash`](crate::Bundle::hash). Shown as
/// lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PolicyHash(pub [u8; 32]);

impl fmt::Display for PolicyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PolicyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One order as a policy sees it: checked once at the edge, exact, with its exposure.
#[derive(Debug, Clone, Copy)]
pub struct PolicyInput<'a> {
    /// Who sends the order.
    pub client_id: &'a str,
    /// The client's name for it.
    pub client_order_id: &'a str,
    /// The instrument.
    pub symbol: &'a str,
    /// Buy or sell.
    pub side: Side,
    /// How much.
    pub qty: Qty,
    /// The limit price.
    pub price: Price,
    /// Further members of `order`. A name that Gate sets itself is ignored here.
    pub order_extra: &'a Map<String, Value>,
    /// Further members of `context`, `client_id` apart.
    pub context_extra: &'a Map<String, Value>,
    /// `qty × price × contract size`, rounded up to a micro.
    pub notional: Notional,
    /// The client's exposure before this order.
    pub exposure: Exposure,
    /// When the order was received.
    pub now: Timestamp,
}

/// Why a Data API query has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The path or input is longer or deeper than allowed.
    #[error("{0} is beyond the limit")]
    TooLarge(&'static str),
    /// Evaluation failed.
    #[error("evaluation failed: {0}")]
    Evaluation(String),
    /// Evaluation ran into its instruction or time limit.
    #[error("evaluation ran into its limit")]
    Timeout,
}
