//! Recovery after a failed commit: rebuilds what is in memory from what is really on the disk.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::atomic::Ordering;

use super::{Ledger, Loaded, load};
use crate::books::Books;
use crate::commit::queue::Chunk;
use crate::error::OpenError;
use crate::record::chain::{close_frame, number_frame, open_frame};
use crate::record::codec::encode;
use crate::record::{ContextId, Record};
use crate::store::Appender;

impl Ledger {
    /// After a failed commit, once its cause is gone: reads the store anew and rebuilds everything
    /// in memory from what is really on disk. Numbers that were allotted but are not on disk become
    /// void records (contexts are written again). Does nothing if nothing failed.
    ///
    /// # Errors
    /// [`OpenError`]; the ledger still refuses, and this can be tried again.
    pub fn recover(&self) -> Result<(), OpenError> {
        let mut threads = self.threads.lock();
        if self.queue.is_closing() {
            return Err(OpenError::Closed);
        }
        if !self.queue.is_poisoned() {
            return Ok(());
        }
        self.stop(&mut threads);
        let Loaded {
            mut books,
            tail,
            conn,
            begin_seq,
            ..
        } = {
            let _no_reader = self.readers.shut();
            load(&self.config, &self.paths, &*self.clock)?
        };
        // The earlier failure is reported once to each open file: taken here, since it is settled
        // now.
        let _ = self.database.sync_data();
        let mut appender = Appender::new(conn, tail.hash)?;
        let durable = tail.seq.get();
        let last = self.queue.last_allotted().max(durable);
        let void = durable.saturating_add(1)..=last;
        self.durable.void(void.clone());
        self.fill_up(void, &mut appender, &mut books)?;
        // Nobody is inside `decide` while this lock is held, and no number was allotted since the
        // failure.
        let mut current = self.books.write();
        // The old books are dropped after the lock is released: that takes a while.
        std::mem::swap(&mut *current, &mut books);
        self.recoveries.fetch_add(1, Ordering::AcqRel);
        self.begin_seq.store(begin_seq, Ordering::Release);
        self.queue.reopen(last);
        self.durable.recovered(last);
        if let Err(error) = self.start(&mut threads, appender) {
            self.queue.poison();
            self.durable.fail();
            return Err(error);
        }
        tracing::info!(durable, last, "journal recovered");
        Ok(())
    }

    /// Writes records for the numbers that were allotted and lost: contexts again, since decisions
    /// go on naming them, and voids for all others.
    fn fill_up(
        &self,
        lost: RangeInclusive<u64>,
        appender: &mut Appender,
        books: &mut Books,
    ) -> Result<(), OpenError> {
        let known: BTreeMap<_, _> = self.books.read().contexts().into_iter().collect();
        let (mut chunk, mut frame) = (Chunk::default(), Vec::new());
        for seq in lost {
            let id = ContextId::of(seq);
            let record = known.get(&id).map_or(Record::Void, |context| {
                books.add_context(id, (**context).clone());
                Record::Context((**context).clone())
            });
            open_frame(&mut frame);
            encode(self.clock.now(), &record, &mut frame);
            close_frame(&mut frame);
            number_frame(&mut frame, seq);
            if !chunk.has_room_for(&frame) {
                appender.commit(&chunk.seqs(), &mut chunk.frames)?;
                chunk = Chunk::default();
            }
            chunk.append(seq, &frame);
        }
        if !chunk.frames.is_empty() {
            appender.commit(&chunk.seqs(), &mut chunk.frames)?;
        }
        Ok(())
    }
}
