//! Policy bundles: from an OPA bundle to a verdict on an order, without I/O on the way.
//!
//! A [`Bundle`] is loaded (directory, `.tar.gz`, embedded files), [`activate()`]d off the decision
//! path, and is then a [`Policy`] that judges orders. A bundle with Rego is compiled by regorus and
//! evaluated directly or on its register machine; one without is evaluated by the built-in rules over its
//! typed `data.json`. Whatever goes wrong inside an evaluation is a block with a stable reason.
//!
//! There is no clock, no network and no float arithmetic on money here; files are read only by
//! the loaders.
//!
//! ```
//! use gate_policy::{Bundle, Engine, PolicyInput, activate};
//! use gate_types::{Exposure, Notional, Price, Qty, Side, Timestamp};
//!
//! let policy = activate(&Bundle::sample(Engine::Rego)?)?;
//! let (qty, price) = (Qty::parse("100")?, Price::parse("185.50")?);
//! let none = serde_json::Map::new();
//! let verdict = policy.evaluate(&PolicyInput {
//!     client_id: "c5",
//!     client_order_id: "o-1",
//!     symbol: "AAPL",
//!     side: Side::Buy,
//!     qty,
//!     price,
//!     order_extra: &none,
//!     context_extra: &none,
//!     notional: Notional::of(qty, price, policy.contract_size("AAPL"))?,
//!     exposure: Exposure::default(),
//!     now: Timestamp::default(),
//! });
//! assert!(verdict.allow, "{:?}", verdict.reasons);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bundle;
mod policy;
mod verdict;

mod activate;
mod pacing;
mod recorded;
mod report;
mod sample;
mod selftest;

mod rego;
mod rules;

mod data;
mod input_bounds;
mod json;

pub use activate::{ActivateError, activate, activate_beside, activate_with};
pub use bundle::{
    Bundle, BundleError, BundleStamp, MAX_ARCHIVE_BYTES, MAX_BUNDLE_BYTES, MAX_FILE_BYTES,
    MAX_FILES, MAX_PATH_BYTES, MAX_PATH_DEPTH, Manifest, RegoVersion, SignatureError,
    VerificationKey,
};
pub use input_bounds::{MAX_INPUT_DEPTH, MAX_INPUT_NODES};
pub use json::{MAX_JSON_DEPTH, StrictError};
pub use policy::{Engine, Policy, PolicyHash, PolicyIdentity, PolicyInput, QueryError};
pub use recorded::{RecordedError, RecordedInput, RecordedProblem};
pub use rego::{
    ALLOWED_BUILTINS, CompileError, ENTRYPOINT, EvalLimits, MAX_MADE_BYTES, MAX_NUMBER_BITS,
    MAX_PATTERN_BYTES, MAX_PATTERN_STEPS, MAX_REASON_BYTES, MAX_REASONS, MAX_REGO_CHAIN,
    MAX_REGO_NESTING, PREPARED,
};
pub use report::{Change, CheckReport, DiffReport, check, diff, test};
pub use rules::{Collar, DataError, DataProblem, Limits, TypedData};
pub use selftest::{TestFailure, TestProblem, TestReport, VectorError};
pub use verdict::{Verdict, reason};
