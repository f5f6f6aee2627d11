//! A naive model of the ledger: it remembers everything and adds it up each time.

use std::collections::{BTreeMap, BTreeSet};

use gate_state::Phase;

pub(crate) const SECOND: u64 = 1_000_000_000;

#[derive(Debug, Clone)]
pub(crate) struct ModelOrder {
    pub(crate) variant: u8,
    pub(crate) seq: u64,
    pub(crate) phase: Phase,
    pub(crate) symbol: u8,
    pub(crate) buy: bool,
    /// In tenths of a unit.
    pub(crate) ordered: u128,
    /// Each part of a fill: open, late, over.
    pub(crate) fills: Vec<(u8, u128, u128)>,
    /// Quantity ended by releases, less what late fills took back.
    pub(crate) ended: u128,
    pub(crate) filled: u128,
    pub(crate) over: u128,
    pub(crate) initial: u128,
    pub(crate) converted: u128,
    pub(crate) released: u128,
    pub(crate) partial_releases: BTreeSet<(u8, u128)>,
    pub(crate) expires: u64,
    pub(crate) ended_at: Option<u64>,
}

impl ModelOrder {
    pub(crate) fn open(&self) -> u128 {
        if self.phase == Phase::Blocked {
            return 0;
        }
        self.ordered - self.filled - self.ended
    }

    /// By the definition of H, not step by step.
    pub(crate) fn held(&self) -> u128 {
        if self.ended_at.is_some() {
            return 0;
        }
        (self.initial * self.open()).div_ceil(self.ordered)
    }

    /// Its token expired before anything was heard of it.
    pub(crate) fn is_in_doubt(&self, now: u64) -> bool {
        let heard_of = !self.fills.is_empty() || !self.partial_releases.is_empty();
        self.ended_at.is_none() && !heard_of && self.expires <= now
    }

    fn end(&mut self, phase: Phase, now: u64) {
        if self.open() == 0 && self.ended_at.is_none() {
            self.phase = phase;
            self.ended_at = Some(now);
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) orders: BTreeMap<(u8, u8), ModelOrder>,
    /// (client, symbol, notional) of every execution; a sale is negative.
    pub(crate) trades: Vec<(u8, u8, i128)>,
    pub(crate) authorized: Vec<(u8, u64)>,
    pub(crate) limits: BTreeMap<u8, u128>,
    pub(crate) kills: BTreeSet<(u8, u8)>,
    pub(crate) records: u64,
    pub(crate) window: u64,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    New {
        authorized: bool,
        reason: Option<&'static str>,
    },
    Replayed(u64),
    Conflict(u64),
    Unknown,
    Blocked,
    Repeated,
    Unexpected(i128),
    /// The position before.
    Set(i128),
    Applied {
        freed: u128,
        late: bool,
        over: bool,
    },
}

pub(crate) struct Reserve {
    pub(crate) key: (u8, u8),
    pub(crate) variant: u8,
    pub(crate) symbol: u8,
    pub(crate) buy: bool,
    pub(crate) qty: u128,
    pub(crate) amount: u128,
}

impl Model {
    pub(crate) fn totals(&self, client: u8) -> (u128, u128, u64) {
        let mine = |order: &(&(u8, u8), &ModelOrder)| order.0.0 == client;
        let reserved = self.orders.iter().filter(mine).map(|(_, o)| o.held()).sum();
        let live = |order: &(&(u8, u8), &ModelOrder)| order.1.ended_at.is_none();
        let open = self.orders.iter().filter(mine).filter(live).count();
        let nets = self.positions(client);
        let filled = nets.values().map(|net| net.unsigned_abs()).sum();
        (reserved, filled, u64::try_from(open).unwrap())
    }

    /// Nonzero net notional by symbol.
    pub(crate) fn positions(&self, client: u8) -> BTreeMap<u8, i128> {
        let mut nets: BTreeMap<u8, i128> = BTreeMap::new();
        for (_, symbol, signed) in self.trades.iter().filter(|trade| trade.0 == client) {
            *nets.entry(*symbol).or_default() += signed;
        }
        nets.retain(|_, net| *net != 0);
        nets
    }

    /// Sets a position, by a trade of the difference.
    pub(crate) fn set_position(
        &mut self,
        (client, symbol): (u8, u8),
        net: i128,
        expected: Option<i128>,
    ) -> Outcome {
        let before = *self.positions(client).get(&symbol).unwrap_or(&0);
        if net == before {
            return Outcome::Repeated;
        }
        if expected.is_some_and(|expected| expected != before) {
            return Outcome::Unexpected(before);
        }
        self.trades.push((client, symbol, net - before));
        self.records += 1;
        Outcome::Set(before)
    }

    pub(crate) fn rate(&self, client: u8, now: u64) -> u64 {
        let counts = |(who, at): &&(u8, u64)| *who == client && at + SECOND > now;
        u64::try_from(self.authorized.iter().filter(counts).count()).unwrap()
    }

    fn forget(&mut self, key: (u8, u8), now: u64) {
        let gone = |order: &ModelOrder| order.ended_at.is_some_and(|at| at + self.window <= now);
        if self.orders.get(&key).is_some_and(gone) {
            self.orders.remove(&key);
        }
    }

    pub(crate) fn reserve(&mut self, r: &Reserve, now: u64) -> Outcome {
        self.forget(r.key, now);
        if let Some(order) = self.orders.get(&r.key) {
            return if order.variant == r.variant {
                Outcome::Replayed(order.seq)
            } else {
                Outcome::Conflict(order.seq)
            };
        }
        let (client, _) = r.key;
        let (reserved, filled, _) = self.totals(client);
        let fits = self
            .limits
            .get(&client)
            .is_none_or(|limit| reserved + filled + r.amount <= *limit);
        let reason = if self.kills.contains(&(0, 0)) {
            Some("kill_switch_all")
        } else if self.kills.contains(&(1, client)) {
            Some("kill_switch_client")
        } else if self.kills.contains(&(2, r.symbol)) {
            Some("kill_switch_symbol")
        } else {
            (!fits).then_some("max_exposure")
        };
        self.records += 1;
        let authorized = reason.is_none();
        if authorized {
            self.authorized.push((client, now));
        }
        let order = ModelOrder {
            variant: r.variant,
            seq: self.records,
            phase: if authorized {
                Phase::Live
            } else {
                Phase::Blocked
            },
            symbol: r.symbol,
            buy: r.buy,
            ordered: r.qty,
            fills: Vec::new(),
            ended: 0,
            filled: 0,
            over: 0,
            initial: if authorized { r.amount } else { 0 },
            converted: 0,
            released: 0,
            partial_releases: BTreeSet::new(),
            expires: now + 30 * SECOND,
            ended_at: (!authorized).then_some(now),
        };
        self.orders.insert(r.key, order);
        Outcome::New { authorized, reason }
    }

    pub(crate) fn release(
        &mut self,
        key: (u8, u8),
        reason: u8,
        qty: Option<u128>,
        now: u64,
    ) -> Outcome {
        self.forget(key, now);
        let Some(order) = self.orders.get_mut(&key) else {
            return Outcome::Unknown;
        };
        let known = |qty| order.partial_releases.contains(&(reason, qty));
        if order.ended_at.is_some() || qty.is_some_and(known) {
            return Outcome::Repeated;
        }
        let before = order.held();
        order.ended += qty.unwrap_or(u128::MAX).min(order.open());
        order.partial_releases.extend(qty.map(|qty| (reason, qty)));
        order.end(Phase::Released, now);
        let freed = before - order.held();
        order.released += freed;
        self.records += 1;
        Outcome::Applied {
            freed,
            late: false,
            over: false,
        }
    }

    pub(crate) fn fill(
        &mut self,
        key: (u8, u8),
        exec: u8,
        qty: u128,
        price: u128,
        now: u64,
    ) -> Outcome {
        self.forget(key, now);
        let Some(order) = self.orders.get_mut(&key) else {
            return Outcome::Unknown;
        };
        if order.phase == Phase::Blocked {
            return Outcome::Blocked;
        }
        if let Some((_, q, p)) = order.fills.iter().find(|(id, _, _)| *id == exec) {
            return if (*q, *p) == (qty, price) {
                Outcome::Repeated
            } else {
                Outcome::Conflict(0)
            };
        }
        let before = order.held();
        order.fills.push((exec, qty, price));
        // In tenths: open first, then ended, then beyond.
        let (mut late, mut over) = (false, false);
        for _ in 0..qty {
            if order.open() > 0 {
                order.filled += 1;
            } else if order.ended > 0 {
                order.ended -= 1;
                order.filled += 1;
                late = true;
            } else {
                order.over += 1;
                over = true;
            }
        }
        order.end(Phase::Filled, now);
        let freed = before - order.held();
        order.converted += freed;
        let notional = i128::try_from(qty * price * 100_000).unwrap();
        let signed = if order.buy { notional } else { -notional };
        self.trades.push((key.0, order.symbol, signed));
        self.records += 1;
        Outcome::Applied { freed, late, over }
    }

    /// As after housekeeping has visited every client.
    pub(crate) fn maintain(&mut self, grace: Option<u64>, now: u64) {
        let Some(grace) = grace else { return };
        for order in self.orders.values_mut() {
            if order.is_in_doubt(now.saturating_sub(grace)) {
                order.released += order.held();
                order.ended += order.open();
                order.end(Phase::Expired, now);
                self.records += 1;
            }
        }
    }
}
