//! An account's byte form, for snapshots and the state hash. Equal states give equal bytes,
//! whatever led to them.

use gate_types::{Decimal, Qty, Side, Timestamp};

use super::Account;
use super::key::{Mark, OrderKey};
use super::order::{Order, OrderSlot, Progress};
use super::rate::RateWindow;
use super::state::Phase;
use crate::books::symbols::Texts;
use crate::record::wire::{In, Malformed, Out};

/// Copy of an account for a snapshot. Copied under the account's lock, sorted and encoded without
/// it. Reused for the next account.
#[derive(Default)]
pub(crate) struct AccountImage {
    last_seq: u64,
    /// Times of the orders of the last second, in nanoseconds.
    orders_of_second: Vec<u64>,
    positions: Vec<(u32, i128)>,
    orders: Vec<(OrderKey, Order)>,
}

impl AccountImage {
    /// Copies the account as of `now` with every order in memory: after the clock is put back, an
    /// order past its window may still be filled.
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

    /// Drops orders past their dedupe window at `now`.
    pub(crate) fn forget(&mut self, now: Timestamp, window_ns: u64) {
        self.orders
            .retain(|(_, order)| order.is_remembered(now, window_ns));
    }

    /// Number of the newest record that it contains.
    pub(crate) const fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// Appends the byte form to `buffer`.
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

/// Reads an account and its client's id.
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
