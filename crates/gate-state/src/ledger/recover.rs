//! Recovery after a failed commit: rebuilds what is in memory from what is really on the disk.

use std::collections::BTreeMap;
use std::io;
use std::ops::RangeInclusive;
use std::sync::atomic::Ordering;

use super::{Ledger, Loaded, load};
use crate::books::Books;
use crate::commit::queue::Chunk;
use crate::error::OpenError;
use crate::record::chain::{close_frame, hex, number_frame, open_frame};
use crate::record::codec::encode;
use crate::record::{ContextId, Record};
use crate::store::{Appender, check_noted};

impl Ledger {
    /// After a failed commit, once its cause is gone: reads the store anew and rebuilds everything
    /// in memory from what is really on disk. Numbers that were allotted but are not on disk become
    /// void records (contexts are written again). Does nothing if nothing failed. Only ever goes on
    /// with the store that was opened, in the directory that was opened: never with an empty one.
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
        if !self.stop(&mut threads) {
            let here = "a commit listener cannot recover the journal";
            return Err(OpenError::Io(io::Error::new(io::ErrorKind::Deadlock, here)));
        }
        let Loaded {
            mut books,
            tail,
            conn,
            begin_seq,
            ..
        } = {
            let _no_reader = self.readers.shut();
            self.load_again()?
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
            self.durable.fail_again();
            return Err(error);
        }
        drop(current);
        drop(threads);
        tracing::info!(durable, last, "journal recovered");
        // No lock is held: a listener may ask for the health, and sees a ledger that works.
        self.durable.tell_recovered();
        Ok(())
    }

    /// As [`load`], of this ledger's own store. Writes nothing to another.
    fn load_again(&self) -> Result<Loaded, OpenError> {
        self.paths.check_lock::<OpenError>(&self.lock)?;
        // Before SQLite makes an empty file of it.
        if !self.paths.has_journal()? {
            return Err(OpenError::JournalMissing);
        }
        let noted = hex(&self.store_id);
        let loaded = load(&self.config, &self.paths, &*self.clock, Some(&noted))?;
        // Again: the directory may have been replaced meanwhile.
        check_noted(Some(&noted), &loaded.store_id)?;
        self.paths.check_lock::<OpenError>(&self.lock)?;
        Ok(loaded)
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

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use crate::ledger::opened::opened;

    /// A daemon changes its working directory after it has started.
    #[test]
    fn a_relative_directory_is_settled_when_the_ledger_is_opened() {
        let (_dir, _clock, ledger) = opened(|config| {
            let here = std::env::current_dir().unwrap();
            // The way up to the root, and down from there.
            let up: PathBuf = here.components().skip(1).map(|_| "..").collect();
            config.dir = up.join(config.dir.strip_prefix("/").unwrap());
            assert!(config.dir.is_relative());
        });
        assert!(ledger.config.dir.is_absolute());
        assert!(ledger.paths.database.is_absolute());
    }
}
