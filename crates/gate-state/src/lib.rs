//! The exposure ledger: what every client has at risk, held in memory, derived from a journal.
//!
//! An order is decided under its client's lock: exposure, judgement, limit, hold and the
//! record's number are one step, so that no two orders can both pass a limit that only one
//! fits. The record is queued in the same step; one thread writes the journal, and one sync
//! serves everyone who waits. What is in memory can always be rebuilt from the journal, and the
//! journal is the audit record: one sequence without gaps, each record hashed over the one
//! before.
//!
//! ```
//! use std::sync::Arc;
//! use gate_state::*;
//! use gate_types::*;
//!
//! # let dir = tempfile::tempdir()?;
//! let clock = Arc::new(ManualClock::at(Timestamp::from_unix_seconds(1_700_000_000)));
//! let ledger = Ledger::open(LedgerConfig::new(dir.path()), clock.clone())?;
//! let context = ledger.set_context(DecisionContext {
//!     policy_revision: "r1".into(), policy_hash: [0; 32], engine: "builtin".into(),
//!     kid: "k1".into(), iss: "gate".into(), aud: "venue".into(),
//! })?;
//! let (client_id, order_id) = (ClientId::new("c5")?, OrderId::new("o-1")?);
//! let order = NewOrder {
//!     client_id: &client_id, order_id: &order_id, symbol: &Symbol::new("AAPL")?,
//!     side: Side::Buy, qty: Qty::parse("100")?, price: Price::parse("185.55")?,
//!     notional: Notional::parse("18555")?, digest: [1; 32], trace_id: [2; 16],
//!     now: clock.now(), expires: clock.now().saturating_add_nanos(30_000_000_000), context,
//! };
//! let limit = Some(Notional::parse("20000")?);
//! let judge = |_: &Exposure| Judgement { allow: true, reasons: vec![], max_exposure: limit };
//! let Decided::New(decision) = ledger.decide(&order, judge)? else { unreachable!() };
//! ledger.wait(decision.seq)?; // one fsync serves everyone who waits here
//! assert_eq!(decision.status, Status::Authorized);
//! assert_eq!(ledger.exposure(&client_id).gross.to_string(), "18555");
//!
//! // The same order again: the same decision, nothing held twice.
//! assert_eq!(ledger.decide(&order, judge)?, Decided::Replayed { seq: decision.seq });
//! ledger.release(&client_id, &order_id, "canceled", None)?;
//! assert_eq!(ledger.exposure(&client_id), Exposure { orders_last_second: 1, ..Exposure::default() });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![deny(
    clippy::float_arithmetic,
    clippy::arithmetic_side_effects,
    clippy::as_conversions
)]
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        reason = "tests compute their expectations in the plain way"
    )
)]

// Lowest layer first.
mod config;
mod error;

// What the journal says, as values and as bytes.
mod record;

// One client: orders, positions, and what an event does to them. No clock, no lock, no I/O.
mod account;
// All clients in memory.
mod books;

// From a record to the disk: the queue, its one writer, and who waits.
mod commit;
// The journal, read: by a start and by auditors.
mod journal;
// The state in a file, so that a start need not read the whole journal.
mod snapshot;
// The SQLite file.
mod store;

// The public operations.
mod ledger;

pub use account::state::{OrderState, Phase};
pub use books::kill::ThrownSwitch;
pub use commit::checkpoint::CheckpointWork;
pub use commit::durable::{CommitListener, WaitFor};
pub use commit::times::CommitTimes;
pub use config::{Durability, LONGEST_DEDUPE_WINDOW_NS, LedgerConfig};
pub use error::{
    Damage, DamageKind, DecideError, Displaced, FillError, NotDurable, OpenError, PositionError,
    ReadError, RecordError, ReleaseError, SnapshotError,
};
pub use gate_types::Exposure;
pub use journal::line::{Line, LineDecision, LineExposure, LinePolicy, LineRecord};
pub use journal::view::{OrderView, StoreView};
pub use journal::{Journal, Lines, Verified};
pub use ledger::{
    Decided, Decision, Filled, Health, InDoubt, JournalState, Judgement, Ledger, MAX_EXPOSURE,
    Maintained, NewFill, NewOrder, OpenOrders, POLICY_DENIED, PositionSet, Released, SetPosition,
    SqliteInfo, StoredDecision, Switched,
};
pub use record::chain::{ChainHash, ChainHashError, ChainPoint};
pub use record::{
    ContextId, DecisionContext, DecisionRecord, Entry, ExpireRecord, FillRecord, KillRecord,
    KillScope, PositionRecord, Record, ReleaseRecord, Seq, Status,
};
pub use store::anchor::Anchor;
