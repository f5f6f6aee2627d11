//! What comes after a decision: releases and fills, and the questions about an order.

use gate_types::{ClientId, Decimal, Exposure, Notional, OrderId, Qty, Side, Timestamp};

use crate::account::{Event, What, notional};
use crate::error::ReleaseError;
use crate::ledger::Ledger;
use crate::order::{Mark, Order, OrderKey, Phase, nanos_to_decimal};
use crate::record::{Record, ReleaseRecord, Seq};

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderState {
    /// Its decision: read it with [`Ledger::decision`].
    pub decision: Seq,
    /// Where it stands.
    pub phase: Phase,
    /// Buy or sell.
    pub side: Side,
    /// Q: quantity ordered.
    pub ordered: Decimal,
    /// Quantity traded, over-fills included.
    pub filled: Decimal,
    /// X: quantity released or expired.
    pub ended: Decimal,
    /// L: quantity that may still trade.
    pub open: Decimal,
    /// H: the hold that stands for it.
    pub held: Notional,
    /// More traded than was ordered.
    pub over_filled: bool,
    /// When its token expires; `None` once it ended.
    pub expires: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Its token expired and the venue said nothing of it, neither a fill nor a release: the hold stays and
    /// counts.
    pub in_doubt: bool,
}

impl OrderState {
    pub(crate) fn of(order: &Order, now: Timestamp) -> Self {
        let hold = order.hold();
        let blocked = order.phase() == Phase::Blocked;
        let quantity = |nanos: u128| nanos_to_decimal(if blocked { 0 } else { nanos });
        Self {
            decision: Seq::new(order.seq),
            phase: order.phase(),
            side: order.side(),
            ordered: order.ordered(),
            filled: quantity(hold.filled.saturating_add(hold.over)),
            ended: quantity(hold.ended),
            open: quantity(hold.open()),
            held: notional(hold.held),
            over_filled: hold.over > 0,
            expires: order.expires(),
            ended_at: order.ended_at(),
            in_doubt: order.is_in_doubt(now),
        }
    }
}

/// The outcome of [`Ledger::release`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Released {
    /// The record this wrote; `None` when nothing was open, or it was a repetition.
    pub seq: Option<Seq>,
    /// Answer once this is durable: what was said before may still be on its way to the disk.
    pub wait_for: Seq,
    /// The hold that this gave back.
    pub freed: Notional,
    /// The order after it.
    pub order: OrderState,
    /// The client after it.
    pub exposure: Exposure,
}

impl Ledger {
    /// Gives back the hold of an order that will not trade: all that is open, or `qty` of it
    /// (no more than is open). Repeating it changes nothing; the same reason and quantity for
    /// the same order again is taken for a repetition.
    ///
    /// # Errors
    /// [`ReleaseError`]; then nothing changed.
    pub fn release(
        &self,
        client_id: &ClientId<'_>,
        order_id: &OrderId<'_>,
        reason: &str,
        qty: Option<Qty>,
    ) -> Result<Released, ReleaseError> {
        let (now, key) = (self.clock.now(), OrderKey::of(order_id));
        let books = self.books.read();
        let account = books
            .known_account(client_id.as_str())
            .ok_or(ReleaseError::UnknownOrder)?;
        let mut account = account.lock();
        let order = account
            .remembered(&key, now, self.config.dedupe_window_ns)
            .ok_or(ReleaseError::UnknownOrder)?;
        let mark = qty.map(|qty| Mark::of_release(reason, qty, 0));
        let repeated = mark.is_some_and(|mark| order.mark(&mark.key).is_some());
        if repeated || !order.is_live() {
            let order = OrderState::of(order, now);
            return Ok(Released {
                seq: None,
                wait_for: Seq::new(account.last_seq),
                freed: Notional::ZERO,
                order,
                exposure: account.exposure(now),
            });
        }

        let open = qty.map(|qty| qty.decimal().nanos());
        let (_, freed) = order.hold().release(open);
        let record = Record::Release(ReleaseRecord {
            client_id: client_id.as_str().into(),
            order_id: order_id.as_str().into(),
            reason: reason.into(),
            qty,
            freed: notional(freed),
        });
        let seq = self.push(now, &record)?;
        let what = What::Release {
            qty: open,
            mark: mark.map(|mark| Mark { seq, ..mark }),
        };
        let event = Event {
            seq,
            at: now,
            order: key,
            what,
        };
        let effect = books.apply(&mut account, &event);
        let order = account.orders.get(&key).ok_or(ReleaseError::UnknownOrder)?;
        Ok(Released {
            seq: Some(Seq::new(seq)),
            wait_for: Seq::new(seq),
            freed: notional(effect.freed),
            order: OrderState::of(order, now),
            exposure: account.exposure(now),
        })
    }

    /// Where an order stands; `None` when it is not remembered.
    pub fn order(&self, client_id: &ClientId<'_>, order_id: &OrderId<'_>) -> Option<OrderState> {
        let now = self.clock.now();
        let account = self.books.read().known_account(client_id.as_str())?;
        let account = account.lock();
        let key = OrderKey::of(order_id);
        let order = account.remembered(&key, now, self.config.dedupe_window_ns)?;
        Some(OrderState::of(order, now))
    }

    /// A client's exposure; all zero for a client that was never seen.
    pub fn exposure(&self, client_id: &ClientId<'_>) -> Exposure {
        let now = self.clock.now();
        let account = self.books.read().known_account(client_id.as_str());
        account.map_or_else(Exposure::default, |account| account.lock().exposure(now))
    }
}
