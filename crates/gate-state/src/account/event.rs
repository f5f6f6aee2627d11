//! Changes of one client's account, as values made from records, live and in replay.

use gate_types::{Qty, Side, Timestamp};

use super::key::{Mark, OrderKey, short_digest};
use crate::record::{DecisionRecord, ExpireRecord, FillRecord, ReleaseRecord, Status};

/// One change of a client's account, as the journal records it.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) seq: u64,
    pub(crate) at: Timestamp,
    pub(crate) order: OrderKey,
    pub(crate) what: What,
}

#[derive(Debug, Clone)]
pub(crate) enum What {
    /// An order was decided.
    Decide(NewOrder),
    /// The venue says that `qty` (nanos; `None`: all that is open) will not trade.
    Release {
        qty: Option<u128>,
        mark: Option<Mark>,
    },
    /// The venue traded `qty` (nanos) for `notional` (micros).
    Fill {
        qty: u128,
        notional: u128,
        mark: Mark,
    },
    /// The hold was in doubt for longer than configured.
    Expire,
}

/// An order as it was decided.
#[derive(Debug, Clone)]
pub(crate) struct NewOrder {
    pub(crate) digest: [u8; 16],
    pub(crate) symbol: u32,
    pub(crate) side: Side,
    pub(crate) qty: Qty,
    /// In micros; `None` if the order was blocked.
    pub(crate) hold: Option<u128>,
    /// Expiry of its token.
    pub(crate) expires: Timestamp,
}

impl Event {
    /// An order was decided. `symbol`: its symbol's number, meaningless if it was blocked.
    pub(crate) fn decided(
        (seq, at): (u64, Timestamp),
        order: OrderKey,
        decision: &DecisionRecord<'_>,
        symbol: u32,
    ) -> Self {
        let what = What::Decide(NewOrder {
            digest: short_digest(&decision.digest),
            symbol,
            side: decision.side,
            qty: decision.qty,
            hold: match decision.status {
                Status::Authorized => Some(decision.notional.micros()),
                Status::Blocked => None,
            },
            expires: decision.expires,
        });
        Self {
            seq,
            at,
            order,
            what,
        }
    }

    /// Some of an order, or all that is open, will not trade. `mark`: only for a release by
    /// quantity.
    pub(crate) fn released(
        (seq, at): (u64, Timestamp),
        order: OrderKey,
        release: &ReleaseRecord<'_>,
        mark: Option<Mark>,
    ) -> Self {
        let what = What::Release {
            qty: release.qty.map(|qty| qty.decimal().nanos()),
            mark: mark.map(|mark| Mark { seq, ..mark }),
        };
        Self {
            seq,
            at,
            order,
            what,
        }
    }

    /// Some of an order traded.
    pub(crate) fn filled(
        (seq, at): (u64, Timestamp),
        order: OrderKey,
        fill: &FillRecord<'_>,
        mark: Mark,
    ) -> Self {
        let what = What::Fill {
            qty: fill.qty.decimal().nanos(),
            notional: fill.notional.micros(),
            mark: Mark { seq, ..mark },
        };
        Self {
            seq,
            at,
            order,
            what,
        }
    }

    /// A hold in doubt was given back.
    pub(crate) const fn expired((seq, at): (u64, Timestamp), expire: &ExpireRecord<'_>) -> Self {
        Self {
            seq,
            at,
            order: OrderKey(expire.order_key),
            what: What::Expire,
        }
    }
}
