//! Retention: cuts off the beginning of the journal behind a signed anchor, from which the rest
//! still verifies. Only records that a snapshot contains and that concern no remembered order.

use std::sync::atomic::Ordering;
use std::sync::mpsc;

use gate_types::Timestamp;

use super::Ledger;
use crate::error::{NotDurable, SnapshotError};
use crate::record::Seq;
use crate::record::chain::{ChainHash, ChainPoint, Frames};
use crate::record::codec::decode;
use crate::store::anchor::Anchor;
use crate::store::{Appender, Row, row_after};

/// Rows deleted in one transaction of the writer, which takes a few milliseconds.
const ROWS_PER_STEP: u32 = 32;

impl Ledger {
    /// Cuts off records older than `older_than` that no remembered order needs, and leaves an
    /// anchor with the signature from `sign`. Takes a snapshot first, which is part of the store
    /// from then on. `None` if there was nothing to cut off. Orders are decided meanwhile.
    ///
    /// # Errors
    /// [`SnapshotError`]; what was cut off by then is behind the anchor.
    pub fn prune(
        &self,
        older_than: Timestamp,
        sign: impl FnOnce(&Anchor) -> Vec<u8>,
    ) -> Result<Option<Anchor>, SnapshotError> {
        self.forget_ended();
        let needed = self.oldest_remembered().map_or(u64::MAX, Seq::get);
        let before = needed.saturating_sub(1);
        if self.last_row_before(before, older_than)?.is_none() {
            return Ok(None);
        }
        let begins = self.snapshot()?.get();
        // The snapshot's own row stays: the snapshot is checked against it.
        let bound = begins.min(needed).saturating_sub(1);
        let Some(point) = self.last_row_before(bound, older_than)? else {
            return Ok(None);
        };
        let anchor = Anchor {
            store_id: self.store_id,
            point,
            at: self.clock.now(),
        };
        let signature = sign(&anchor);
        self.on_writer(move |appender| appender.set_anchor(&anchor, &signature))?;
        let last = point.seq.get();
        self.begin_seq.store(last, Ordering::Release);
        while self.on_writer(move |appender| appender.delete_rows(last, ROWS_PER_STEP))? > 0 {}
        Ok(Some(anchor))
    }

    /// The oldest decision still in memory: nothing from there on can be cut off.
    pub fn oldest_remembered(&self) -> Option<Seq> {
        let clients = self.books.read().clients();
        let oldest = |client: &str| {
            // Locked anew for each client, so that a kill switch need not wait for all of them.
            let account = self.books.read().known_account(client)?;
            let account = account.lock();
            account.orders().map(|order| order.seq).min()
        };
        let oldest = clients.iter().filter_map(|client| oldest(client)).min();
        oldest.map(Seq::new)
    }

    /// Drops orders of every client that ended longer ago than the dedupe window.
    fn forget_ended(&self) {
        let now = self.clock.now();
        let clients = self.books.read().clients();
        for client in clients {
            // Taken anew for each, so that a kill switch need not wait for all of them.
            let forget = || {
                let books = self.books.read();
                let account = books.known_account(&client)?;
                Some(self.forget(&books, &account, now))
            };
            while forget().is_some_and(|forgotten| forgotten > 0) {}
        }
    }

    /// The end of the last leading row that ends by record `bound` and is older than `older_than`.
    fn last_row_before(
        &self,
        bound: u64,
        older_than: Timestamp,
    ) -> Result<Option<ChainPoint>, SnapshotError> {
        let (mut after, mut found) = (0, None);
        while let Some(row) = self.row_after(after)? {
            let newest = Frames(&row.frames).last().and_then(Result::ok);
            let at = newest.and_then(|frame| decode(frame.body).ok().map(|entry| entry.at));
            if row.last > bound || at.is_none_or(|at| at >= older_than) {
                break;
            }
            let Some(hash) = row.chain_hash.first_chunk() else {
                break;
            };
            found = Some(ChainPoint {
                seq: Seq::new(row.last),
                hash: ChainHash(*hash),
            });
            after = row.first;
        }
        Ok(found)
    }

    fn row_after(&self, seq: u64) -> Result<Option<Row>, SnapshotError> {
        self.readers
            .with(&self.paths, |conn| Ok(row_after(conn, seq)?))
    }

    /// Runs a job on the writer's thread between two commits and waits for its outcome.
    fn on_writer<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Appender) -> Result<T, rusqlite::Error> + Send + 'static,
    ) -> Result<T, SnapshotError> {
        let (done, outcome) = mpsc::sync_channel(1);
        self.queue.push_job(Box::new(move |appender| {
            let outcome = job(appender);
            let sound = outcome.is_ok();
            // The receiver may be gone.
            let _ = done.send(outcome);
            sound
        }))?;
        Ok(outcome.recv().map_err(|_| NotDurable)??)
    }
}
