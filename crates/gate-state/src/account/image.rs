//! An account as bytes and back: the same bytes for the same state, whatever way led to it.
//! Snapshots store it; the state hash covers it.

use gate_types::{Decimal, Qty, Side, Timestamp};

use super::Account;
use super::key::{Mark, OrderKey};
use super::order::{Order, OrderSlot, Progress};
use super::rate::RateWindow;
use super::state::Phase;
use crate::books::symbols::Texts;
use crate::record::wire::{In, Malformed, Out};

/// What of an account goes into a snapshot. Taken under the account's lock, in as little time as
/// copying takes; sorted and written down without it. Used again for the next account.
#[derive(Default)]
pub(crate) struct AccountImage {
    last_seq: u64,
    /// When they were, in nanoseconds.
    orders_of_second: Vec<u64>,
    positions: Vec<(u32, i128)>,
    orders: Vec<(OrderKey, Order)>,
}

impl AccountImage {
    /// The account as of `now`, and every order that is in memory: one that would be forgotten by then may
    /// still be filled, by a clock that was put back.
    pub(crate) fn take(&mut self, account: &Account, now: Timestamp) {
        self.last_seq = account.last_seq;
        self.orders_of_second.clear();
        self.orders_of_second.extend(account.rate.counted(now));
        self.positions.clear();
        self.positions.extend(account.positions());
        let orders = account.orders.iter();
        self.orders.clear();
        self.orders
            .extend(orders.map(|(key, order)| (*key, order.clone())));
    }

    /// Leaves out what would be forgotten by `now`.
    pub(crate) fn forget(&mut self, now: Timestamp, window_ns: u64) {
        self.orders
            .retain(|(_, order)| order.is_remembered(now, window_ns));
    }

    /// The newest record that it contains.
    pub(crate) const fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// Appends it to the buffer.
    pub(crate) fn encode(&mut self, client_id: &str, symbols: &Texts, buffer: &mut Vec<u8>) {
        let mut out = Out(buffer);
        out.text(client_id);
        out.uint(self.last_seq);
        out.count(self.orders_of_second.len());
        for time in &self.orders_of_second {
            out.uint(*time);
        }

        let positions = self.positions.iter();
        let mut positions: Vec<_> = positions
            .map(|(symbol, net)| (text(symbols, *symbol), *net))
            .collect();
        positions.sort_unstable();
        out.count(positions.len());
        for (symbol, net) in positions {
            out.text(symbol);
            out.signed(net);
        }

        self.orders.sort_unstable_by_key(|(key, _)| *key);
        out.count(self.orders.len());
        for (key, order) in &self.orders {
            encode_order(key, order, symbols, &mut out);
        }
    }
}

fn text(symbols: &Texts, number: u32) -> &str {
    symbols.get(number).map_or("", |text| text)
}

fn encode_order(key: &OrderKey, order: &Order, symbols: &Texts, out: &mut Out<'_>) {
    out.fixed(&key.0);
    out.fixed(&order.digest);
    out.uint(order.seq);
    out.byte(order.phase().code());
    out.byte(u8::from(order.side() == Side::Sell));
    out.uint(order.ordered_nanos());
    out.uint(order.initial());
    out.uint(order.stamp());
    if order.phase() != Phase::Blocked {
        out.text(text(symbols, order.symbol));
    }
    let Some(progress) = order.progress() else {
        out.byte(0);
        return;
    };
    out.byte(1);
    out.uint(progress.held);
    out.uint(progress.filled);
    out.uint(progress.ended);
    out.uint(progress.over);
    out.count(progress.marks.len());
    for mark in &progress.marks {
        out.fixed(&mark.key);
        out.fixed(&mark.content);
        out.uint(mark.seq);
    }
}

/// Reads an account and its client's name.
pub(crate) fn decode<'a>(
    from: &mut In<'a>,
    number_of: &impl Fn(&str) -> u32,
) -> Result<(&'a str, Account), Malformed> {
    let client_id = from.text()?;
    let last_seq = from.u64()?;
    let mut times = Vec::new();
    for _ in 0..from.u64()? {
        times.push(from.u64()?);
    }
    let rate = RateWindow::of(times);
    let mut positions = Vec::new();
    for _ in 0..from.u64()? {
        let symbol = number_of(from.text()?);
        positions.push((symbol, from.signed()?));
    }
    let mut orders = Vec::new();
    for _ in 0..from.u64()? {
        orders.push(decode_order(from, number_of)?);
    }
    Ok((
        client_id,
        Account::restored(orders, positions, rate, last_seq),
    ))
}

fn decode_order(
    from: &mut In<'_>,
    number_of: &impl Fn(&str) -> u32,
) -> Result<(OrderKey, Order), Malformed> {
    let key = OrderKey(from.fixed()?);
    let digest = from.fixed()?;
    let seq = from.u64()?;
    let phase = Phase::from_code(from.byte()?).ok_or(Malformed)?;
    let side = match from.byte()? {
        0 => Side::Buy,
        1 => Side::Sell,
        _ => return Err(Malformed),
    };
    let qty = Decimal::from_nanos(from.u128()?)
        .and_then(Qty::new)
        .map_err(|_| Malformed)?;
    let slot = OrderSlot {
        digest,
        seq,
        qty,
        hold: from.u128()?,
        stamp: Timestamp::from_unix_nanos(from.u64()?),
        symbol: match phase {
            Phase::Blocked => u32::MAX,
            _ => number_of(from.text()?),
        },
        side,
        phase,
    };
    let mut order = Order::new(&slot);
    match from.byte()? {
        0 => {}
        1 => {
            let mut progress = Progress {
                held: from.u128()?,
                filled: from.u128()?,
                ended: from.u128()?,
                over: from.u128()?,
                marks: Vec::new(),
            };
            for _ in 0..from.u64()? {
                progress.marks.push(Mark {
                    key: from.fixed()?,
                    content: from.fixed()?,
                    seq: from.u64()?,
                });
            }
            order.set_progress(progress);
        }
        _ => return Err(Malformed),
    }
    Ok((key, order))
}
