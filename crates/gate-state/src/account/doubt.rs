//! Holds in doubt: the token expired and neither a fill nor a release came. A queue by token
//! expiry finds them without a scan of all orders. No clock, no totals.

use std::collections::VecDeque;

use gate_types::Timestamp;

use super::Orders;
use super::key::OrderKey;
use super::order::Order;

/// Orders by token expiry, and those in doubt.
#[derive(Debug, Default)]
pub(super) struct Doubt {
    /// (Token expiry in nanoseconds, order); sorted.
    to_expire: VecDeque<(u64, OrderKey)>,
    expired: Vec<OrderKey>,
}

impl Doubt {
    /// From orders in memory; the first [`Self::pass`] finds those in doubt.
    pub(super) fn of(orders: &Orders) -> Self {
        let untouched = |(key, order): (&OrderKey, &Order)| {
            let expires = order.expires()?.unix_nanos();
            order.progress().is_none().then_some((expires, *key))
        };
        let mut to_expire: Vec<_> = orders.iter().filter_map(untouched).collect();
        to_expire.sort_unstable();
        Self {
            to_expire: to_expire.into(),
            expired: Vec::new(),
        }
    }

    /// Adds an authorized order: nearly always at the end, but the clock can be put back.
    pub(super) fn expect(&mut self, expires: Timestamp, key: OrderKey) {
        let at = expires.unix_nanos();
        let place = match self.to_expire.back() {
            Some((last, _)) if *last > at => {
                self.to_expire.partition_point(|(known, _)| *known <= at)
            }
            _ => self.to_expire.len(),
        };
        self.to_expire.insert(place, (at, key));
    }

    /// Finds the orders whose token expired by `now`, and drops those that were heard of since.
    pub(super) fn pass(&mut self, orders: &Orders, now: Timestamp) {
        // Expiry is not checked again: after the clock is put back, an order must stay here so that
        // it is found when it expires again.
        let is_unheard = |key: &OrderKey| orders.get(key).is_some_and(Order::is_unheard);
        self.expired.retain(is_unheard);
        while let Some((expires, key)) = self.to_expire.front().copied() {
            // The id may have been used again since.
            let is_same = |order: &Order| order.stamp() == expires;
            let may_expire = is_unheard(&key) && orders.get(&key).is_some_and(is_same);
            match (expires <= now.unix_nanos(), may_expire) {
                (true, true) => self.expired.push(key),
                (false, true) => break,
                // What was heard of need not be waited for, which may be for a day.
                (_, false) => {}
            }
            self.to_expire.pop_front();
        }
        if self.to_expire.capacity() > self.to_expire.len().saturating_mul(4) {
            self.to_expire.shrink_to_fit();
        }
    }

    /// Orders in doubt whose token expired at or before `deadline`, as of the last [`Self::pass`];
    /// oldest decision first.
    pub(super) fn since<'o>(
        &self,
        orders: &'o Orders,
        deadline: Timestamp,
    ) -> Vec<(OrderKey, &'o Order)> {
        let found = self.expired.iter().filter_map(|key| {
            let order = orders.get(key)?;
            order.is_in_doubt(deadline).then_some((*key, order))
        });
        let mut found: Vec<_> = found.collect();
        found.sort_unstable_by_key(|(_, order)| order.seq);
        // An id that was used again may stand there for both of its orders.
        found.dedup_by_key(|(_, order)| order.seq);
        found
    }
}

#[cfg(test)]
mod tests {
    use gate_types::{Qty, Side};

    use super::*;
    use crate::account::order::OrderSlot;
    use crate::account::state::Phase;

    /// A token may be good for a day, and orders end within a second.
    #[test]
    fn what_was_heard_of_takes_no_room_until_its_token_expires() {
        let mut orders = Orders::default();
        let mut doubt = Doubt::default();
        let expires = Timestamp::from_unix_seconds(86_400);
        for n in 0..100_u64 {
            let key = OrderKey::of_text(&format!("o-{n}"));
            let phase = if n < 90 { Phase::Released } else { Phase::Live };
            let slot = OrderSlot {
                digest: [0; 16],
                seq: n,
                qty: Qty::parse("1").unwrap(),
                hold: 1,
                stamp: expires,
                symbol: 0,
                side: Side::Buy,
                phase,
            };
            orders.insert(key, Order::new(&slot));
            doubt.expect(expires, key);
        }
        doubt.pass(&orders, Timestamp::from_unix_seconds(1));
        assert_eq!(doubt.to_expire.len(), 10);
        assert!(doubt.expired.is_empty());
        doubt.pass(&orders, expires);
        assert_eq!(doubt.expired.len(), 10);
    }
}
