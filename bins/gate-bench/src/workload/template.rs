//! One kind of request as bytes, with fixed places for the ids that change.

use std::ops::Range;

use super::{Kind, OrderRef, WorkloadConfig};

const INDEX_DIGITS: usize = 10;
/// Stands where an id goes; none of these bytes occurs elsewhere in a request.
const ORDER_MARK: char = '\u{1}';
const CLIENT_MARK: char = '\u{2}';
const EXEC_MARK: char = '\u{3}';

#[derive(Debug)]
pub(super) struct Template {
    bytes: Vec<u8>,
    order: Option<Range<usize>>,
    client: Option<Range<usize>>,
    exec: Option<Range<usize>>,
}

/// Digits in a client's name; all names of a run have the same length.
pub(super) fn client_digits(clients: u64) -> usize {
    clients.saturating_sub(1).to_string().len().max(5)
}

impl Template {
    pub(super) fn new(kind: Kind, config: &WorkloadConfig, host: &str) -> Self {
        let body = body(kind, config);
        let marked = format!(
            "POST {} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            kind.path(),
            body.len(),
        );
        let order = find_slot(&marked, ORDER_MARK);
        let client = find_slot(&marked, CLIENT_MARK);
        let exec = find_slot(&marked, EXEC_MARK);
        Self {
            bytes: marked.into_bytes(),
            order,
            client,
            exec,
        }
    }

    /// Writes the ids in; `index` is the request's own, which names an execution.
    pub(super) fn patch(&mut self, order: OrderRef, index: u64) -> &[u8] {
        write_digits(&mut self.bytes, self.order.as_ref(), order.index);
        write_digits(&mut self.bytes, self.client.as_ref(), order.client);
        write_digits(&mut self.bytes, self.exec.as_ref(), index);
        &self.bytes
    }
}

fn body(kind: Kind, config: &WorkloadConfig) -> String {
    let order = slot(ORDER_MARK, INDEX_DIGITS);
    let client = slot(CLIENT_MARK, client_digits(config.clients));
    let exec = slot(EXEC_MARK, INDEX_DIGITS);
    let WorkloadConfig {
        run_id, qty, price, ..
    } = config;
    match kind {
        Kind::Authorize | Kind::Blocked | Kind::Replay => {
            let order = order_json(kind, config, &format!("{run_id}-{order}"));
            format!(r#"{{"order":{order},"context":{{"client_id":"c{client}"}}}}"#)
        }
        Kind::Release => format!(
            r#"{{"client_id":"c{client}","client_order_id":"{run_id}-{order}","reason":"canceled"}}"#
        ),
        Kind::Fill => format!(
            r#"{{"client_id":"c{client}","client_order_id":"{run_id}-{order}","exec_id":"{run_id}-x{exec}","qty":{qty},"price":{price}}}"#
        ),
    }
}

/// The `order` member, as it is sent.
pub(super) fn order_json(kind: Kind, config: &WorkloadConfig, name: &str) -> String {
    let WorkloadConfig { qty, price, .. } = config;
    let symbol = match kind {
        Kind::Blocked => &config.blocked_symbol,
        _ => &config.symbol,
    };
    format!(
        r#"{{"client_order_id":"{name}","symbol":"{symbol}","side":"BUY","qty":{qty},"price":{price}}}"#
    )
}

fn slot(mark: char, width: usize) -> String {
    std::iter::repeat_n(mark, width).collect()
}

fn find_slot(text: &str, mark: char) -> Option<Range<usize>> {
    let start = text.find(mark)?;
    let end = text.rfind(mark)? + mark.len_utf8();
    Some(start..end)
}

/// The decimal digits of `value`, right-aligned and padded with zeros.
fn write_digits(bytes: &mut [u8], slot: Option<&Range<usize>>, mut value: u64) {
    let Some(slot) = slot.and_then(|range| bytes.get_mut(range.clone())) else {
        return;
    };
    for digit in slot.iter_mut().rev() {
        *digit = b'0' + u8::try_from(value % 10).unwrap_or(0);
        value /= 10;
    }
}
