//! One client's account, and the transition function: (state, event) → (state, effect).
//!
//! Live traffic and replay both go through [`Account::apply`]. No clock, no lock, no I/O, and no
//! refusal: what may be refused is decided before an event is made.

mod doubt;
pub(crate) mod event;
mod hold;
pub(crate) mod image;
pub(crate) mod key;
pub(crate) mod order;
mod rate;
pub(crate) mod state;

use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasherDefault;

use gate_types::{Exposure, NetNotional, Notional, Side, Timestamp};

use doubt::Doubt;
use event::{Event, NewOrder, What};
use hold::Hold;
use key::{KeyHasher, OrderKey};
use order::{Order, OrderSlot};
use rate::RateWindow;
use state::Phase;

/// What an event did, beside changing the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Effect {
    /// Hold given back (release, expiry) or turned into filled exposure (fill), in micros.
    pub(crate) freed: u128,
    /// The event named an order that is not here: the journal and the state disagree.
    pub(crate) unknown: bool,
}

type Orders = HashMap<OrderKey, Order, BuildHasherDefault<KeyHasher>>;

/// One client.
#[derive(Debug, Default)]
pub(crate) struct Account {
    orders: Orders,
    /// Ended orders, sorted: (nanoseconds, order). Whatever is forgotten goes in this order, live and
    /// in a replay.
    ended: VecDeque<(u64, OrderKey)>,
    /// Net filled notional per symbol, in micros, without zeros; a buy adds.
    positions: Vec<(u32, i128)>,
    reserved: u128,
    filled: u128,
    open_orders: u64,
    rate: RateWindow,
    doubt: Doubt,
    /// Number of the newest record applied.
    last_seq: u64,
}

impl Account {
    /// An account with these orders and positions; the totals are computed from them.
    pub(crate) fn restored(
        orders: Vec<(OrderKey, Order)>,
        positions: Vec<(u32, i128)>,
        rate: RateWindow,
        last_seq: u64,
    ) -> Self {
        let mut ended: Vec<_> = orders
            .iter()
            .filter(|(_, order)| !order.is_live())
            .map(|(key, order)| (order.stamp(), *key))
            .collect();
        ended.sort_unstable();
        let mut account = Self {
            orders: orders.into_iter().collect(),
            ended: ended.into(),
            positions,
            rate,
            last_seq,
            ..Self::default()
        };
        (account.reserved, account.filled, account.open_orders) = account.recomputed();
        account.doubt = Doubt::of(&account.orders);
        account
    }

    /// Number of the newest record applied.
    pub(crate) const fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// Orders in memory, including those past their dedupe window.
    pub(crate) fn len(&self) -> usize {
        self.orders.len()
    }

    /// The orders in memory, unsorted.
    pub(crate) fn orders(&self) -> impl Iterator<Item = &Order> {
        self.orders.values()
    }

    /// The order, if it is in memory, even past its dedupe window.
    pub(crate) fn order(&self, key: &OrderKey) -> Option<&Order> {
        self.orders.get(key)
    }

    /// Moves the rate window and the holds in doubt on to `now`.
    pub(crate) fn pass(&mut self, now: Timestamp) {
        self.rate.pass(now);
        self.doubt.pass(&self.orders, now);
    }

    /// The exposure as of `now`.
    pub(crate) fn exposure(&self, now: Timestamp) -> Exposure {
        let gross = self.reserved.saturating_add(self.filled);
        Exposure {
            reserved: notional(self.reserved),
            filled: notional(self.filled),
            gross: notional(gross),
            open_orders: self.open_orders,
            orders_last_second: self.rate.count(now),
        }
    }

    /// The order, unless it ended longer than `window_ns` before `now`.
    pub(crate) fn remembered(
        &self,
        key: &OrderKey,
        now: Timestamp,
        window_ns: u64,
    ) -> Option<&Order> {
        let order = self.orders.get(key)?;
        order.is_remembered(now, window_ns).then_some(order)
    }

    /// Applies one event.
    pub(crate) fn apply(&mut self, event: &Event) -> Effect {
        self.last_seq = event.seq;
        if let What::Decide(new) = &event.what {
            self.decide(event, new);
            return Effect::default();
        }
        let Some(order) = self.orders.get_mut(&event.order) else {
            return Effect {
                unknown: true,
                ..Effect::default()
            };
        };
        let (was_live, before) = (order.is_live(), order.hold());
        let (freed, traded) = step(order, event);
        let position = traded.map(|notional| (order.symbol, order.side(), notional));
        self.settle(event, &before, was_live);
        if let Some((symbol, side, notional)) = position {
            self.trade(symbol, side, notional);
        }
        Effect {
            freed,
            unknown: false,
        }
    }

    fn decide(&mut self, event: &Event, new: &NewOrder) {
        let (phase, stamp) = match new.hold {
            Some(_) => (Phase::Live, new.expires),
            None => (Phase::Blocked, event.at),
        };
        let order = Order::new(&OrderSlot {
            digest: new.digest,
            seq: event.seq,
            qty: new.qty,
            hold: new.hold.unwrap_or_default(),
            stamp,
            symbol: new.symbol,
            side: new.side,
            phase,
        });
        if let Some(before) = self.orders.insert(event.order, order) {
            // The id is used again, past its window.
            self.drop_end(before.stamp(), event.order);
        }
        match new.hold {
            Some(hold) => {
                self.reserved = self.reserved.saturating_add(hold);
                self.open_orders = self.open_orders.saturating_add(1);
                self.rate.record(event.at);
                self.doubt.expect(new.expires, event.order);
            }
            None => {
                self.rate.pass(event.at);
                self.note_end(event.at.unix_nanos(), event.order);
            }
        }
    }

    /// Inserts into `ended`, sorted: nearly always at the end, but the clock can be put back.
    fn note_end(&mut self, at: u64, order: OrderKey) {
        let end = (at, order);
        let place = match self.ended.back() {
            Some(last) if *last > end => self.ended.partition_point(|ended| *ended <= end),
            _ => self.ended.len(),
        };
        self.ended.insert(place, end);
    }

    fn drop_end(&mut self, at: u64, order: OrderKey) {
        if let Ok(place) = self.ended.binary_search(&(at, order)) {
            self.ended.remove(place);
        }
    }

    /// Updates the totals after a step of one order.
    fn settle(&mut self, event: &Event, before: &Hold, was_live: bool) {
        let Some(order) = self.orders.get(&event.order) else {
            return;
        };
        let freed = before.held.saturating_sub(order.hold().held);
        self.reserved = self.reserved.saturating_sub(freed);
        if was_live && !order.is_live() {
            self.open_orders = self.open_orders.saturating_sub(1);
            let stamp = order.stamp();
            self.note_end(stamp, event.order);
        }
    }

    fn trade(&mut self, symbol: u32, side: Side, notional: u128) {
        let signed = i128::try_from(notional).unwrap_or(i128::MAX);
        let signed = match side {
            Side::Buy => signed,
            Side::Sell => signed.saturating_neg(),
        };
        self.move_position(symbol, self.position(symbol).saturating_add(signed));
    }

    /// Net filled notional in a symbol, in micros.
    pub(crate) fn position(&self, symbol: u32) -> i128 {
        let held = self.positions.iter().find(|(of, _)| *of == symbol);
        held.map_or(0, |(_, net)| *net)
    }

    /// Net filled notional of each symbol, in micros, without zeros.
    pub(crate) fn positions(&self) -> impl Iterator<Item = (u32, i128)> {
        self.positions.iter().copied()
    }

    /// Sets the net position in a symbol to what an operator says.
    pub(crate) fn set_position(&mut self, seq: u64, symbol: u32, net: i128) {
        self.last_seq = seq;
        self.move_position(symbol, net);
    }

    fn move_position(&mut self, symbol: u32, to: i128) {
        let place = self.positions.iter().rposition(|(of, _)| *of == symbol);
        let before = place.map_or(0, |place| self.positions.swap_remove(place).1);
        if to != 0 {
            self.positions.push((symbol, to));
        }
        self.filled = self
            .filled
            .saturating_sub(before.unsigned_abs())
            .saturating_add(to.unsigned_abs());
    }

    /// Drops orders that ended `window_ns` or longer before `now`, oldest first and at most
    /// `limit`. Returns how many went.
    pub(crate) fn forget(&mut self, now: Timestamp, window_ns: u64, limit: usize) -> usize {
        let mut gone = 0_usize;
        for _ in 0..limit {
            match self.ended.front() {
                Some((at, _)) if at.saturating_add(window_ns) <= now.unix_nanos() => {}
                _ => break,
            }
            let Some((_, key)) = self.ended.pop_front() else {
                break;
            };
            if self.orders.remove(&key).is_some() {
                gone = gone.saturating_add(1);
            }
        }
        if gone > 0 && self.orders.capacity() > self.orders.len().saturating_mul(4) {
            self.orders.shrink_to_fit();
            self.ended.shrink_to_fit();
        }
        gone
    }

    /// Whether nothing distinguishes it from a new account as of `now`.
    pub(crate) fn is_blank(&self, now: Timestamp) -> bool {
        self.orders.is_empty() && self.is_idle(now)
    }

    /// Like [`Self::is_blank`], but orders past their window at `now` do not count.
    pub(crate) fn is_blank_as_of(&self, now: Timestamp, window_ns: u64) -> bool {
        let remembered = |order: &Order| order.is_remembered(now, window_ns);
        self.is_idle(now) && !self.orders.values().any(remembered)
    }

    fn is_idle(&self, now: Timestamp) -> bool {
        self.rate.count(now) == 0 && self.positions.is_empty()
    }

    /// Orders in doubt whose token expired at or before `deadline`, as of the last [`Self::pass`].
    pub(crate) fn in_doubt_since(&self, deadline: Timestamp) -> Vec<(OrderKey, &Order)> {
        self.doubt.since(&self.orders, deadline)
    }

    /// The totals (reserved, filled, open orders), recomputed from the orders and positions
    /// alone.
    pub(crate) fn recomputed(&self) -> (u128, u128, u64) {
        let reserved = self.orders.values().map(|order| order.hold().held).sum();
        let filled = self
            .positions
            .iter()
            .map(|(_, net)| net.unsigned_abs())
            .sum();
        let open = self.orders.values().filter(|order| order.is_live()).count();
        (reserved, filled, u64::try_from(open).unwrap_or(u64::MAX))
    }
}

/// Applies an event to an existing order. Returns the hold freed or converted and the notional
/// traded, in micros.
fn step(order: &mut Order, event: &Event) -> (u128, Option<u128>) {
    let before = order.hold();
    match &event.what {
        What::Decide(_) => (0, None),
        What::Release { qty, mark } => {
            let (hold, freed) = before.release(*qty);
            order.store(&hold, *mark, (Phase::Released, event.at));
            (freed, None)
        }
        What::Expire => {
            let (hold, freed) = before.release(None);
            order.store(&hold, None, (Phase::Expired, event.at));
            (freed, None)
        }
        What::Fill {
            qty,
            notional,
            mark,
        } => {
            let step = before.fill(*qty);
            order.store(&step.hold, Some(*mark), (Phase::Filled, event.at));
            (step.converted, Some(*notional))
        }
    }
}

/// Micros as an amount, capped at [`Notional::MAX`].
pub(crate) fn notional(micros: u128) -> Notional {
    Notional::from_micros(micros).unwrap_or(Notional::MAX)
}

/// Micros as a net amount, capped at the largest of its sign.
pub(crate) fn net_notional(micros: i128) -> NetNotional {
    let largest = if micros < 0 {
        NetNotional::MIN
    } else {
        NetNotional::MAX
    };
    NetNotional::from_micros(micros).unwrap_or(largest)
}
