//! Queries: they change nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use gate_types::{ClientId, Exposure, NetNotional, Notional, OrderId, Timestamp};

use super::Ledger;
use crate::account::key::OrderKey;
use crate::account::notional;
use crate::account::order::Order;
use crate::account::state::OrderState;
use crate::error::ReadError;
use crate::journal::read::find;
use crate::record::{DecisionContext, DecisionRecord, Entry, Record, Seq};

/// A recorded decision with its context: enough to make its token again, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDecision {
    /// Number of its record.
    pub seq: Seq,
    /// When it was made.
    pub at: Timestamp,
    /// The decision.
    pub record: DecisionRecord<'static>,
    /// The policy and key that were in force.
    pub context: Arc<DecisionContext>,
}

/// Totals of the holds in doubt: the venue must be asked about these orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InDoubt {
    /// Number of orders.
    pub orders: u64,
    /// Sum of their holds.
    pub held: Notional,
}

/// Some of a client's open orders: [`Ledger::open_orders`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenOrders {
    /// In the order of their decisions.
    pub orders: Vec<OrderState>,
    /// Whether there are later ones.
    pub more: bool,
    /// The client's newest record: once it is durable, so is everything that the states rest on.
    pub as_of: Seq,
}

impl Ledger {
    /// The holds in doubt, as of housekeeping's last visit to each client: up to sixteen calls of
    /// [`Ledger::maintain`] ago.
    pub fn in_doubt(&self) -> InDoubt {
        let (now, accounts) = (self.clock.now(), self.books.read().accounts());
        let (mut orders, mut held) = (0_u64, 0_u128);
        for account in accounts {
            for (_, order) in account.lock().in_doubt_since(now) {
                orders = orders.saturating_add(1);
                held = held.saturating_add(order.hold().held);
            }
        }
        InDoubt {
            orders,
            held: notional(held),
        }
    }

    /// An order's state; `None` if it is not remembered.
    pub fn order(&self, client_id: &ClientId<'_>, order_id: &OrderId<'_>) -> Option<OrderState> {
        self.order_as_of(client_id, order_id)
            .map(|(order, _)| order)
    }

    /// An order's state and its client's newest record: once that is durable, so is everything that
    /// the state rests on.
    pub fn order_as_of(
        &self,
        client_id: &ClientId<'_>,
        order_id: &OrderId<'_>,
    ) -> Option<(OrderState, Seq)> {
        let now = self.clock.now();
        let account = self.books.read().known_account(client_id.as_str())?;
        let account = account.lock();
        let key = OrderKey::of(order_id);
        let order = account.remembered(&key, now, self.config.dedupe_window_ns)?;
        Some((OrderState::of(order, now), Seq::new(account.last_seq())))
    }

    /// The first `most` of a client's open orders that were decided after the record `after`; none
    /// for a client that was never seen. Looks at every remembered order of the client, under its
    /// lock.
    pub fn open_orders(&self, client_id: &ClientId<'_>, after: Seq, most: usize) -> OpenOrders {
        let now = self.clock.now();
        let (mut first, mut more, mut as_of) = (BTreeMap::new(), false, Seq::ZERO);
        let account = self.books.read().known_account(client_id.as_str());
        if let Some(account) = account {
            let account = account.lock();
            as_of = Seq::new(account.last_seq());
            let is_asked_for = |order: &&Order| order.is_live() && order.seq > after.get();
            for order in account.orders().filter(is_asked_for) {
                first.insert(order.seq, OrderState::of(order, now));
                if first.len() > most {
                    first.pop_last();
                    more = true;
                }
            }
        }
        OpenOrders {
            orders: first.into_values().collect(),
            more,
            as_of,
        }
    }

    /// A client's exposure; all zero for a client that was never seen.
    pub fn exposure(&self, client_id: &ClientId<'_>) -> Exposure {
        let now = self.clock.now();
        let account = self.books.read().known_account(client_id.as_str());
        account.map_or_else(Exposure::default, |account| account.lock().exposure(now))
    }

    /// A client's nonzero net positions, by symbol.
    pub fn positions(&self, client_id: &ClientId<'_>) -> Vec<(Arc<str>, NetNotional)> {
        self.books.read().positions(client_id.as_str())
    }

    /// Reads a decision from the journal. Blocks until its record is durable.
    ///
    /// # Errors
    /// [`ReadError`]; `NotFound` also when the record is no decision, and when there is none yet.
    pub fn decision(&self, seq: Seq) -> Result<StoredDecision, ReadError> {
        if !self.is_allotted(seq) {
            return Err(ReadError::NotFound);
        }
        self.durable.wait(seq.get())?;
        let decision = |entry: &Entry<'_>| {
            let Record::Decision(record) = &entry.record else {
                return None;
            };
            Some((entry.at, record.clone().into_owned()))
        };
        let found = self
            .readers
            .with(&self.paths, |conn| find(conn, seq.get(), decision))?;
        let (at, record) = found.flatten().ok_or(ReadError::NotFound)?;
        let context = self.books.read().context(record.context);
        Ok(StoredDecision {
            seq,
            at,
            record,
            context: context.ok_or(ReadError::NotFound)?,
        })
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    use crate::commit::durable::WaitFor;
    use crate::error::NotDurable;
    use crate::ledger::opened::opened;

    /// Nobody would ever be woken, or only by a record of somebody else's.
    #[test]
    fn nobody_waits_for_a_number_that_no_record_has() {
        let (_dir, _clock, ledger) = opened(|_| {});
        let first = Seq::new(1);
        let read = ledger.decision(first);
        assert!(matches!(read, Err(ReadError::NotFound)), "{read:?}");
        assert_eq!(ledger.wait(first), Err(NotDurable));
        assert_eq!(ledger.wait(WaitFor::Disk(first)), Err(NotDurable));
        let context = DecisionContext {
            policy_revision: "r1".into(),
            policy_hash: [0; 32],
            engine: "builtin".into(),
            kid: "k1".into(),
            iss: "gate".into(),
            aud: "venue".into(),
        };
        assert_eq!(ledger.set_context(context).unwrap().seq(), first);
        assert_eq!(ledger.wait(first), Ok(()));
    }

    /// A thread that reads for one caller has others to serve.
    #[test]
    fn nobody_waits_to_read_from_a_store_that_is_being_recovered() {
        let (_dir, _clock, ledger) = opened(|_| {});
        let shut = ledger.readers.shut();
        let read = ledger.decision(Seq::ZERO);
        assert!(matches!(read, Err(ReadError::NotDurable(_))), "{read:?}");
        drop(shut);
        let read = ledger.decision(Seq::ZERO);
        assert!(matches!(read, Err(ReadError::NotFound)), "{read:?}");
    }
}
