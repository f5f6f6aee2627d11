//! Replay of the whole journal: reads every row in order, verifies the chain, and applies each
//! record through the same transition function as live traffic.

use rusqlite::Connection;

use super::verify::Verifier;
use crate::books::Books;
use crate::config::LONGEST_DEDUPE_WINDOW_NS;
use crate::error::OpenError;
use crate::record::Seq;
use crate::record::chain::ChainPoint;
use crate::snapshot::Snapshot;
use crate::store::{anchor, row_after};

/// Rebuilds the books and returns them with the journal's end. Starts at the snapshot, if there is
/// one. The dedupe window is at least the longest that the journal can have been written with.
pub(crate) fn rebuild(
    conn: &Connection,
    store_id: &[u8; 16],
    snapshot: Option<Snapshot>,
    window_ns: u64,
) -> Result<(Books, ChainPoint), OpenError> {
    let start = anchor::begin(conn, store_id)?;
    let snapshot = match snapshot {
        Some(snapshot) if snapshot.begin.seq >= start.seq => snapshot,
        // What was pruned is only in the snapshot.
        _ if start.seq > Seq::ZERO => return Err(OpenError::SnapshotMissing),
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
    let mut after = snapshot.begin.seq.get();
    while let Some(row) = row_after(conn, after)? {
        verifier.row(&row, |entry, _| {
            books.replay(entry, window_ns).map_err(OpenError::from)
        })?;
        after = row.first;
    }
    Ok((books, verifier.tail))
}
