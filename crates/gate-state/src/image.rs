//! An account as bytes and back: the same bytes for the same state, whatever way led to it.
//! Snapshots store it; the state hash covers it.

use gate_types::{Decimal, Qty, Side, Timestamp};

use crate::account::Account;
use crate::order::{Mark, NewSlot, Order, OrderKey, Phase, Progress};
use crate::rate::RateWindow;
use crate::wire::{In, Malformed, Out};

/// Symbols as text: their numbers are this process's own.
pub(crate) trait SymbolNames {
    fn text(&self, number: u32) -> std::sync::Arc<str>;
    fn number(&self, text: &str) -> u32;
}

/// Appends the account, as of `now`: what would be forgotten by then is left out.
pub(crate) fn encode(
    client_id: &str,
    account: &Account,
    now: Timestamp,
    window_ns: u64,
    symbols: &impl SymbolNames,
    buffer: &mut Vec<u8>,
) {
    let mut out = Out(buffer);
    out.text(client_id);
    out.uint(account.last_seq);
    let rate = if account.rate.count(now) == 0 {
        RateWindow::default()
    } else {
        account.rate
    };
    let (second, current, previous) = rate.parts();
    out.uint(second);
    out.uint(current);
    out.uint(previous);

    let mut positions: Vec<_> = account
        .positions
        .iter()
        .filter(|(_, net)| *net != 0)
        .map(|(symbol, net)| (symbols.text(*symbol), *net))
        .collect();
    positions.sort_unstable();
    out.uint(count(positions.len()));
    for (symbol, net) in positions {
        out.text(&symbol);
        out.byte(u8::from(net < 0));
        out.uint(net.unsigned_abs());
    }

    let mut orders: Vec<_> = account
        .orders
        .iter()
        .filter(|(key, _)| account.remembered(key, now, window_ns).is_some())
        .collect();
    orders.sort_unstable_by_key(|(key, _)| **key);
    out.uint(count(orders.len()));
    for (key, order) in orders {
        encode_order(key, order, symbols, &mut out);
    }
}

fn encode_order(key: &OrderKey, order: &Order, symbols: &impl SymbolNames, out: &mut Out<'_>) {
    out.fixed(&key.0);
    out.fixed(&order.digest);
    out.uint(order.seq);
    out.byte(order.phase().code());
    out.byte(u8::from(order.side() == Side::Sell));
    out.uint(order.ordered_nanos());
    out.uint(order.initial());
    out.uint(order.stamp());
    if order.phase() != Phase::Blocked {
        out.text(&symbols.text(order.symbol));
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
    out.uint(count(progress.marks.len()));
    for mark in &progress.marks {
        out.fixed(&mark.key);
        out.fixed(&mark.content);
        out.uint(mark.seq);
    }
}

/// Reads an account and its client's name.
pub(crate) fn decode<'a>(
    from: &mut In<'a>,
    symbols: &impl SymbolNames,
) -> Result<(&'a str, Account), Malformed> {
    let client_id = from.text()?;
    let last_seq = from.u64()?;
    let rate = RateWindow::from_parts(from.u64()?, narrow(from)?, narrow(from)?);
    let mut positions = Vec::new();
    for _ in 0..from.u64()? {
        let symbol = symbols.number(from.text()?);
        let negative = from.byte()? == 1;
        let size = i128::try_from(from.u128()?).map_err(|_| Malformed)?;
        let net = if negative {
            size.saturating_neg()
        } else {
            size
        };
        positions.push((symbol, net));
    }
    let mut orders = Vec::new();
    for _ in 0..from.u64()? {
        orders.push(decode_order(from, symbols)?);
    }
    Ok((
        client_id,
        Account::restored(orders, positions, rate, last_seq),
    ))
}

fn decode_order(
    from: &mut In<'_>,
    symbols: &impl SymbolNames,
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
    let slot = NewSlot {
        digest,
        seq,
        qty,
        hold: from.u128()?,
        stamp: Timestamp::from_unix_nanos(from.u64()?),
        symbol: match phase {
            Phase::Blocked => u32::MAX,
            _ => symbols.number(from.text()?),
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

fn narrow(from: &mut In<'_>) -> Result<u32, Malformed> {
    u32::try_from(from.u64()?).map_err(|_| Malformed)
}

fn count(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
