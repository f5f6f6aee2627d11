//! A naive model of exposure, computed from the requests. Shares no code with the ledger but the
//! parsing of amounts.

use std::collections::BTreeMap;

use gate_types::Notional;
use serde_json::Value;

use super::record::{Ask, What};

/// One order, in thousandths of a unit.
struct Order {
    client: String,
    sell: bool,
    ordered: u64,
    open: u64,
    ended: u64,
    /// Micros held for the whole order.
    hold: u128,
}

/// All orders and trades of some clients.
#[derive(Default)]
pub(crate) struct Book {
    orders: BTreeMap<(String, String), Order>,
    /// Net micros traded per client, sells negative. There is only one symbol.
    traded: BTreeMap<String, i128>,
}

/// Thousandths times nanos, in micros, rounded up.
fn micros(qty: u64, price: u64) -> u128 {
    (u128::from(qty) * u128::from(price)).div_ceil(1_000_000)
}

impl Book {
    /// Whether the request leaves a record: a release of an order that is not open does not.
    pub(crate) fn leaves_record(&self, ask: &Ask) -> bool {
        let key = (ask.client.clone(), ask.order.clone());
        match ask.what {
            What::Release { .. } => self.orders.get(&key).is_some_and(|order| order.open > 0),
            _ => true,
        }
    }

    pub(crate) fn apply(&mut self, ask: &Ask, authorized: bool) {
        let key = (ask.client.clone(), ask.order.clone());
        match ask.what {
            What::Order { sell, qty, price } if authorized => {
                let order = Order {
                    client: ask.client.clone(),
                    sell,
                    ordered: qty,
                    open: qty,
                    ended: 0,
                    hold: micros(qty, price),
                };
                self.orders.insert(key, order);
            }
            What::Order { .. } => {}
            What::Fill { qty, price, .. } => {
                let Some(order) = self.orders.get_mut(&key) else {
                    return;
                };
                let from_open = qty.min(order.open);
                order.open -= from_open;
                order.ended -= (qty - from_open).min(order.ended);
                let traded = i128::try_from(micros(qty, price)).unwrap();
                let sign = if order.sell { -1 } else { 1 };
                *self.traded.entry(ask.client.clone()).or_default() += sign * traded;
            }
            What::Release { qty, .. } => {
                let Some(order) = self.orders.get_mut(&key) else {
                    return;
                };
                let some = qty.unwrap_or(u64::MAX).min(order.open);
                order.open -= some;
                order.ended += some;
            }
        }
    }

    /// Compares a client's exposure with what the sidecar shows; describes the difference, if any.
    pub(crate) fn differs(&self, client: &str, shown: &Value) -> Option<String> {
        let live = || {
            let orders = self.orders.values();
            orders.filter(|order| order.client == client && order.open > 0)
        };
        let held = |order: &Order| {
            (order.hold * u128::from(order.open)).div_ceil(u128::from(order.ordered))
        };
        let reserved: u128 = live().map(held).sum();
        let filled = self.traded.get(client).map_or(0, |net| net.unsigned_abs());
        let amount = |name: &str| {
            Notional::parse(shown[name].as_str().unwrap())
                .unwrap()
                .micros()
        };
        let found = (amount("reserved"), amount("filled"), amount("gross"));
        let open = u64::try_from(live().count()).unwrap();
        let same = found == (reserved, filled, reserved + filled)
            && shown["open_orders"].as_u64() == Some(open);
        (!same).then(|| {
            format!("{client}: reserved {reserved}, filled {filled}, {open} open, but {shown}")
        })
    }
}
