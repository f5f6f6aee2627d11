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

// The pure core: no clock, no lock, no I/O.
mod account;
mod account_copy;
mod hold;
mod kill;
mod order;
mod rate;

// The journal's bytes.
mod chain;
mod codec;
mod record;
mod wire;

// The journal and the state seen from outside.
mod export;
mod journal;
mod view;

// The rim: locks, threads, SQLite.
mod books;
mod checkpoint;
mod commits;
mod config;
mod decide;
mod durable;
#[cfg(test)]
#[path = "durable/tests.rs"]
mod durable_tests;
mod error;
mod fill;
mod health;
mod ledger;
mod life;
mod operate;
mod pace;
#[cfg(test)]
#[path = "pace/tests.rs"]
mod pace_tests;
mod position;
mod prune;
mod queue;
#[cfg(test)]
#[path = "queue/tests.rs"]
mod queue_tests;
mod read;
mod rebuild;
mod recover;
mod resync;
mod snapshot;
mod store;
mod sync;
mod trickle;
mod writer;

pub use chain::{ChainHash, ChainHashError};
pub use checkpoint::CheckpointWork;
pub use commits::CommitTimes;
pub use config::{Durability, LONGEST_DEDUPE_WINDOW_NS, LedgerConfig};
pub use decide::{Decided, Decision, Judgement, MAX_EXPOSURE, NewOrder, POLICY_DENIED};
pub use durable::{CommitListener, WaitFor};
pub use error::{
    Damage, DamageKind, DecideError, FillError, NotDurable, OpenError, PositionError, ReadError,
    RecordError, ReleaseError, SnapshotError,
};
pub use export::{Line, LineDecision, LineExposure, LinePolicy, LineRecord};
pub use fill::{Filled, NewFill};
pub use gate_types::Exposure;
pub use health::{Health, JournalState, SqliteInfo};
pub use journal::{ChainPoint, Journal, Lines, Verified};
pub use ledger::Ledger;
pub use life::{OrderState, Released};
pub use operate::Maintained;
pub use order::Phase;
pub use position::{PositionSet, SetPosition};
pub use prune::Anchor;
pub use read::StoredDecision;
pub use record::{
    ContextId, DecisionContext, DecisionRecord, Entry, ExpireRecord, FillRecord, KillRecord,
    KillScope, PositionRecord, Record, ReleaseRecord, Seq, Status,
};
pub use view::{OrderView, StoreView};
