//! From the journal to the state in memory: reads every row in order, verifies the chain, and
//! applies each record through the same transition function as live traffic.

use rusqlite::Connection;

use crate::account::{Event, What, net_notional};
use crate::books::Books;
use crate::chain::{ChainHash, Frames};
use crate::codec::decode;
use crate::config::LONGEST_DEDUPE_WINDOW_NS;
use crate::error::{Damage, DamageKind, OpenError};
use crate::order::{Mark, OrderKey};
use crate::record::{ContextId, Entry, PositionRecord, Record, Seq, Status};
use crate::snapshot::Snapshot;
use crate::store::{self, Row};

/// Ended orders dropped from memory at most, for each decision of the same client.
pub(crate) const FORGET_PER_DECISION: usize = 4;

/// Where the journal ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tail {
    pub(crate) seq: u64,
    pub(crate) chain: ChainHash,
}

/// Follows the chain over rows, and says where it breaks.
pub(crate) struct Verifier {
    pub(crate) tail: Tail,
}

impl Verifier {
    /// Checks one row; hands over each of its records, with the chain as of it.
    pub(crate) fn row<E: From<Damage>>(
        &mut self,
        row: &Row,
        mut each: impl FnMut(&Entry<'_>, &Tail) -> Result<(), E>,
    ) -> Result<(), E> {
        let (first, last) = (row.first, row.last);
        let expected = self.tail.seq.saturating_add(1);
        if first > expected {
            return Err(damage(expected, DamageKind::Missing).into());
        }
        if first < expected {
            return Err(damage(self.tail.seq, DamageKind::Inserted).into());
        }
        for frame in Frames(&row.frames) {
            let expected = self.tail.seq.saturating_add(1);
            let frame = frame.map_err(|_| damage(expected, DamageKind::Malformed))?;
            let chain = self.tail.chain.next(frame.body);
            let found = frame.seq().unwrap_or_default();
            if chain.tag() != frame.tag {
                let what = match found.cmp(&expected) {
                    std::cmp::Ordering::Less => DamageKind::Inserted,
                    std::cmp::Ordering::Equal => DamageKind::Changed,
                    std::cmp::Ordering::Greater => DamageKind::Missing,
                };
                return Err(damage(expected, what).into());
            }
            if found != expected {
                return Err(damage(expected, DamageKind::Row).into());
            }
            let entry = decode(frame.body).map_err(|_| damage(expected, DamageKind::Malformed))?;
            self.tail = Tail {
                seq: expected,
                chain,
            };
            each(&entry, &self.tail)?;
        }
        if self.tail.seq != last || self.tail.chain.0.as_slice() != row.chain_hash {
            return Err(damage(self.tail.seq.max(first), DamageKind::Row).into());
        }
        Ok(())
    }
}

pub(crate) const fn damage(seq: u64, what: DamageKind) -> Damage {
    Damage {
        seq: Seq::new(seq),
        what,
    }
}

/// Builds the books from the journal: from a snapshot of them on, if there is one. They remember for as
/// long as whoever wrote the journal may have, and that is `window_ns` if it is longer.
pub(crate) fn rebuild(
    conn: &Connection,
    store_id: &[u8; 16],
    snapshot: Option<Snapshot>,
    window_ns: u64,
) -> Result<(Books, Tail), OpenError> {
    let start = store::begin(conn, store_id)?;
    let snapshot = match snapshot {
        Some(snapshot) if snapshot.begin.seq >= start.seq => snapshot,
        // What was pruned is only in a snapshot.
        _ if start.seq > 0 => return Err(OpenError::SnapshotMissing),
        _ => Snapshot {
            books: Books::default(),
            begin: start,
        },
    };
    let mut books = snapshot.books;
    let mut verifier = Verifier {
        tail: snapshot.begin,
    };
    let window_ns = window_ns.max(LONGEST_DEDUPE_WINDOW_NS);
    let mut after = snapshot.begin.seq;
    while let Some(row) = store::row_after(conn, after)? {
        verifier.row(&row, |entry, _| {
            replay(&mut books, entry, window_ns).map_err(OpenError::from)
        })?;
        after = row.first;
    }
    Ok((books, verifier.tail))
}

/// Applies one record to the books.
pub(crate) fn replay(books: &mut Books, entry: &Entry<'_>, window_ns: u64) -> Result<(), Damage> {
    let (seq, at) = (entry.seq.get(), entry.at);
    let event = |order, what| Event {
        seq,
        at,
        order,
        what,
    };
    let (client, event, expected) = match &entry.record {
        Record::Context(context) => {
            books.add_context(ContextId::of(seq), context.clone());
            return Ok(());
        }
        Record::Kill(kill) => {
            books.kills.apply(kill);
            return Ok(());
        }
        Record::Void => return Ok(()),
        Record::Position(position) => return put_right(books, seq, position),
        Record::Decision(decision) => {
            let hold = match decision.status {
                Status::Authorized => Some(decision.notional.micros()),
                Status::Blocked => None,
            };
            let what = What::Decide {
                digest: short(&decision.digest),
                symbol: hold.map_or(u32::MAX, |_| books.symbol_number(&decision.symbol)),
                side: decision.side,
                qty: decision.qty,
                hold,
                expires: decision.expires,
            };
            let key = OrderKey::of_text(&decision.order_id);
            (&decision.client_id, event(key, what), 0)
        }
        Record::Release(release) => {
            let what = What::Release {
                qty: release.qty.map(|qty| qty.decimal().nanos()),
                mark: release
                    .qty
                    .map(|qty| Mark::of_release(&release.reason, qty, seq)),
            };
            let key = OrderKey::of_text(&release.order_id);
            (&release.client_id, event(key, what), release.freed.micros())
        }
        Record::Fill(fill) => {
            let what = What::Fill {
                qty: fill.qty.decimal().nanos(),
                notional: fill.notional.micros(),
                mark: Mark::of_fill(&fill.exec_id, fill.qty, fill.price, seq),
            };
            let key = OrderKey::of_text(&fill.order_id);
            (&fill.client_id, event(key, what), fill.converted.micros())
        }
        Record::Expire(expire) => (
            &expire.client_id,
            event(OrderKey(expire.order_key), What::Expire),
            expire.freed.micros(),
        ),
    };
    apply(books, client, &event, expected, window_ns)
}

fn apply(
    books: &Books,
    client: &str,
    event: &Event,
    freed: u128,
    window_ns: u64,
) -> Result<(), Damage> {
    let account = books.account(client);
    let mut account = account.lock();
    if account.last_seq >= event.seq {
        // The snapshot was taken after this happened.
        return Ok(());
    }
    if matches!(event.what, What::Decide { .. }) {
        books.forget(&mut account, event.at, window_ns, FORGET_PER_DECISION);
    }
    let effect = books.apply(&mut account, event);
    if effect.unknown || effect.freed != freed {
        return Err(damage(event.seq, DamageKind::Contradiction));
    }
    Ok(())
}

fn put_right(books: &Books, seq: u64, position: &PositionRecord<'_>) -> Result<(), Damage> {
    let account = books.account(&position.client_id);
    let mut account = account.lock();
    if account.last_seq >= seq {
        // The snapshot was taken after this happened.
        return Ok(());
    }
    let symbol = books.symbol_number(&position.symbol);
    if net_notional(account.position(symbol)) != position.before {
        return Err(damage(seq, DamageKind::Contradiction));
    }
    account.set_position(seq, symbol, position.after.micros());
    Ok(())
}

/// As much of an order's digest as is kept in memory.
pub(crate) fn short(digest: &[u8; 32]) -> [u8; 16] {
    digest.first_chunk().copied().unwrap_or_default()
}
