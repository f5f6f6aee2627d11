//! An order's state, as callers see it.

use gate_types::{Decimal, Notional, Side, Timestamp};

use super::notional;
use super::order::{Order, nanos_to_decimal};
use crate::record::Seq;

/// Phase of an order's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Authorized, and some of it is still open.
    Live,
    /// Refused; it never had a hold.
    Blocked,
    /// Ended by a fill.
    Filled,
    /// Ended by a release.
    Released,
    /// Ended because it was in doubt for longer than the operator allows.
    Expired,
}

impl Phase {
    /// `"live"`, `"blocked"`, `"filled"`, `"released"`, `"expired"`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Blocked => "blocked",
            Self::Filled => "filled",
            Self::Released => "released",
            Self::Expired => "expired",
        }
    }

    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Live => 0,
            Self::Blocked => 1,
            Self::Filled => 2,
            Self::Released => 3,
            Self::Expired => 4,
        }
    }

    pub(crate) const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Live,
            1 => Self::Blocked,
            2 => Self::Filled,
            3 => Self::Released,
            4 => Self::Expired,
            _ => return None,
        })
    }
}

/// State of one order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderState {
    /// The number of its decision: read it with [`Ledger::decision`](crate::Ledger::decision).
    pub decision: Seq,
    /// Its phase.
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
    /// H: the hold for the open quantity.
    pub held: Notional,
    /// Whether more traded than was ordered.
    pub over_filled: bool,
    /// When its token expires; `None` once it ended.
    pub expires: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Its token expired and the venue reported neither a fill nor a release. The hold still
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
