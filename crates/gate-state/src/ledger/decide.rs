//! Deciding an order: dedupe, exposure, judgement, limit, hold and record, under one client's
//! lock.

use std::borrow::Cow;

use gate_types::{ClientId, Exposure, Notional, OrderId, Price, Qty, Side, Symbol, Timestamp};

use super::Ledger;
use crate::account::event::Event;
use crate::account::key::{OrderKey, short_digest};
use crate::books::FORGET_PER_DECISION;
use crate::error::DecideError;
use crate::record::{ContextId, DecisionRecord, Seq, Status};

/// Reason code: the order would exceed the client's exposure limit.
pub const MAX_EXPOSURE: &str = "max_exposure";
/// Reason code: the policy refused without a reason.
pub const POLICY_DENIED: &str = "policy_denied";

/// An order to decide.
#[derive(Debug, Clone, Copy)]
pub struct NewOrder<'a> {
    /// The client.
    pub client_id: &'a ClientId<'a>,
    /// The client's id of the order.
    pub order_id: &'a OrderId<'a>,
    /// The instrument.
    pub symbol: &'a Symbol<'a>,
    /// Buy or sell.
    pub side: Side,
    /// Quantity.
    pub qty: Qty,
    /// Price of one unit.
    pub price: Price,
    /// What the order puts at risk.
    pub notional: Notional,
    /// SHA-256 of the order in canonical form: the same id with another digest is a conflict.
    pub digest: [u8; 32],
    /// The request's trace id.
    pub trace_id: [u8; 16],
    /// Time of the decision.
    pub now: Timestamp,
    /// Expiry of its token.
    pub expires: Timestamp,
    /// The context it is decided in; must be the newest.
    pub context: ContextId,
}

impl NewOrder<'_> {
    fn record(&self, ruling: &Ruling, before: Exposure) -> DecisionRecord<'_> {
        DecisionRecord {
            client_id: self.client_id.as_str().into(),
            order_id: self.order_id.as_str().into(),
            symbol: self.symbol.as_str().into(),
            side: self.side,
            qty: self.qty,
            price: self.price,
            notional: self.notional,
            digest: self.digest,
            trace_id: self.trace_id,
            expires: self.expires,
            context: self.context,
            status: ruling.status,
            reasons: ruling.reasons.clone(),
            before,
            limit: ruling.limit,
        }
    }
}

/// A policy's judgement of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// Whether the policy allows the order.
    pub allow: bool,
    /// Its reasons, on the record whether it allows the order or not; [`MAX_EXPOSURE`] replaces
    /// them when only the limit blocks.
    pub reasons: Vec<Cow<'static, str>>,
    /// Limit on the client's gross exposure; checked here, exactly.
    pub max_exposure: Option<Notional>,
}

/// A new decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Number of its record.
    pub seq: Seq,
    /// The ruling.
    pub status: Status,
    /// Why; never empty when blocked.
    pub reasons: Vec<Cow<'static, str>>,
    /// The client's exposure before it: the judgement was made on this.
    pub before: Exposure,
    /// The client's exposure after it.
    pub after: Exposure,
    /// The hold; zero when blocked.
    pub hold: Notional,
    /// The limit that was checked, if there is one.
    pub limit: Option<Notional>,
    /// Room below the limit before this order.
    pub headroom: Option<Notional>,
}

/// The outcome of [`Ledger::decide`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(
    clippy::large_enum_variant,
    reason = "the large variant is the usual one and lives on the stack of one call"
)]
pub enum Decided {
    /// Decided now.
    New(Decision),
    /// The same order was decided before: [`Ledger::decision`] has the outcome.
    Replayed {
        /// Number of that decision's record.
        seq: Seq,
    },
}

impl Ledger {
    /// Decides an order, once: judge and limit see exactly the exposure that the hold is added to,
    /// and no other order of the client comes in between. Never waits for the disk: answer only
    /// once [`Ledger::wait`] or a [`CommitListener`](crate::CommitListener) says that the record is
    /// durable.
    ///
    /// `judge` runs under the client's lock and must not call the ledger.
    ///
    /// # Errors
    /// [`DecideError`]; then nothing was held or stored.
    pub fn decide(
        &self,
        order: &NewOrder<'_>,
        judge: impl FnOnce(&Exposure) -> Judgement,
    ) -> Result<Decided, DecideError> {
        let key = OrderKey::of(order.order_id);
        let digest = short_digest(&order.digest);
        let window_ns = self.config.dedupe_window_ns;
        let books = self.books.read();
        let client = order.client_id.as_str();
        let account = match books.known_account(client) {
            Some(known) => known,
            None => {
                // Refused orders must not leave accounts.
                self.queue.admits()?;
                books.account(client)
            }
        };
        let mut account = account.lock();

        if let Some(known) = account.remembered(&key, order.now, window_ns) {
            let seq = Seq::new(known.seq);
            return if known.digest == digest {
                Ok(Decided::Replayed { seq })
            } else {
                Err(DecideError::Conflict { seq })
            };
        }
        if books.newest_context() != Some(order.context) {
            return Err(DecideError::ContextReplaced);
        }
        self.queue.admits()?;
        books.forget(&mut account, order.now, window_ns, FORGET_PER_DECISION);
        if books.remembered() >= self.config.max_orders {
            return Err(DecideError::MemoryFull);
        }
        if account.len() >= self.config.max_orders_per_client {
            return Err(DecideError::ClientFull);
        }

        let before = account.exposure(order.now);
        let stopped = books
            .kills
            .blocks(order.client_id.as_str(), order.symbol.as_str());
        let ruling = match stopped {
            Some(reason) => Ruling::stopped(reason),
            None => Ruling::of(judge(&before), order.notional, &before),
        };
        let record = order.record(&ruling, before);
        let (status, hold, after) = (record.status, record.hold(), record.after());
        let symbol = books.symbol_of(&record, self.config.max_symbols);
        let symbol = symbol.ok_or(DecideError::SymbolsFull)?;
        // Nothing has changed yet: a refused push leaves no trace.
        let seq = self.push(order.now, &record)?;
        let event = Event::decided((seq, order.now), key, &record, symbol);
        books.apply(&mut account, &event);
        Ok(Decided::New(Decision {
            seq: Seq::new(seq),
            status,
            before,
            after,
            hold,
            limit: ruling.limit,
            headroom: ruling.limit.map(|limit| before.headroom(limit)),
            reasons: ruling.reasons,
        }))
    }
}

/// Judgement and limit combined.
struct Ruling {
    status: Status,
    reasons: Vec<Cow<'static, str>>,
    limit: Option<Notional>,
}

impl Ruling {
    fn stopped(reason: &'static str) -> Self {
        Self {
            status: Status::Blocked,
            reasons: vec![reason.into()],
            limit: None,
        }
    }

    fn of(judgement: Judgement, notional: Notional, before: &Exposure) -> Self {
        let limit = judgement.max_exposure;
        let (status, reasons) = match (judgement.allow, before.admits(notional, limit)) {
            (true, true) => (Status::Authorized, judgement.reasons),
            (true, false) => (Status::Blocked, vec![MAX_EXPOSURE.into()]),
            // Fail closed, and never without a reason.
            (false, _) if judgement.reasons.is_empty() => {
                (Status::Blocked, vec![POLICY_DENIED.into()])
            }
            (false, _) => (Status::Blocked, judgement.reasons),
        };
        Self {
            status,
            reasons,
            limit,
        }
    }
}
