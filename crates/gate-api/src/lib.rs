//! The decision pipeline and its contract: wire types, problems, and [`Gate`], which takes an order
//! from bytes to a signed, durable reply.
//!
//! No sockets and no runtime here. A server calls [`Gate::authorize`], waits for
//! [`Pending::wait_for`] in its own way, and sends what [`Gate::complete`] returns;
//! [`Gate::authorize_blocking`] does all three on one thread:
//!
//! ```
//! use std::sync::Arc;
//!
//! use gate_api::{Gate, Settings, TokenForm};
//! use gate_policy::{Bundle, Engine, activate};
//! use gate_state::{Ledger, LedgerConfig};
//! use gate_token::KeyRing;
//! use gate_types::{ManualClock, Timestamp};
//!
//! # let dir = tempfile::tempdir()?;
//! let clock = Arc::new(ManualClock::at(Timestamp::from_unix_seconds(1_768_545_650)));
//! let gate = Gate::new(
//!     Ledger::open(LedgerConfig::new(dir.path()), clock.clone())?,
//!     activate(&Bundle::sample(Engine::Rego)?)?,
//!     Arc::new(KeyRing::generate("k1")?),
//!     Settings { issuer: "gate".into(), audience: "venue".into(), token_ttl_s: 60 },
//!     clock,
//! )?;
//! let order = br#"{"order":{"client_order_id":"o-1","symbol":"AAPL","side":"BUY","qty":100,
//!                  "price":185.50},"context":{"client_id":"c5"}}"#;
//! let reply = gate.authorize_blocking(order, TokenForm::Object)?;
//! let reply: serde_json::Value = serde_json::from_slice(&reply)?;
//! assert_eq!(reply["status"], "AUTHORIZED");
//! assert_eq!(reply["decision_token"]["payload"]["notional"], "18550");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod active;
mod gate;
mod pending;

mod request;

mod answer;
mod timing;

mod applied;
mod kill;
mod positions;
mod venue;

mod data_api;
mod open_orders;
mod verify;
mod views;

mod problem;

pub use active::SetupError;
pub use answer::TokenForm;
pub use applied::{Applied, Change};
pub use data_api::MAX_ANSWER_BYTES;
pub use gate::{Gate, Settings};
pub use open_orders::{FoundOpenOrders, MAX_OPEN_ORDERS, Page};
pub use pending::{Arrival, Outcome, Pending};
pub use problem::{Code, Problem};
pub use request::MAX_BODY_BYTES;
pub use timing::Timing;
pub use views::FoundOrder;
