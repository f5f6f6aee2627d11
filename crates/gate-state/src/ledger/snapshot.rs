//! Taking a snapshot while orders go on being decided. Accounts are copied one after the other; each
//! carries the number of its newest record.

use std::cell::Cell;
use std::sync::atomic::Ordering;

use gate_types::Timestamp;
use rusqlite::OptionalExtension;

use super::Ledger;
use crate::account::image::AccountImage;
use crate::books::kill::ThrownSwitch;
use crate::books::symbols::Texts;
use crate::error::{NotDurable, SnapshotError};
use crate::record::Seq;
use crate::record::chain::{ChainHash, ChainPoint};
use crate::record::codec;
use crate::record::wire::Out;
use crate::snapshot::trickle::{Speed, Trickle};
use crate::snapshot::{MAGIC, swap};
use crate::store::{signed, unsigned};

impl Ledger {
    /// Takes a snapshot of the state, so that the next start replays only what follows. Returns from where
    /// on. Blocks until everything recorded so far is durable and every account is written down,
    /// but holds up each client only while it is being written down.
    ///
    /// # Errors
    /// [`SnapshotError`]; the one before is kept.
    pub fn snapshot(&self) -> Result<Seq, SnapshotError> {
        let _one_at_a_time = self.snapshots.lock();
        let recoveries = self.recoveries.load(Ordering::Acquire);
        {
            // From here on no account is closed: whoever was closing one is done once this lock
            // is taken.
            let _books = self.books.write();
            self.taking_snapshot.store(true, Ordering::SeqCst);
        }
        let written = self.write_snapshot();
        self.taking_snapshot.store(false, Ordering::SeqCst);
        let begin = written?;
        if self.recoveries.load(Ordering::Acquire) != recoveries {
            return Err(SnapshotError::Recovered);
        }
        self.paths.check_lock::<SnapshotError>(&self.lock)?;
        swap(&self.paths.snapshot_spare, &self.paths.snapshot)?;
        self.paths.sync_names()?;
        self.snapshot_seq.store(begin.seq.get(), Ordering::Release);
        Ok(begin.seq)
    }

    fn write_snapshot(&self) -> Result<ChainPoint, SnapshotError> {
        // An account that was closed is not in the snapshot, so that its last record must not come
        // after where the snapshot begins. It may still be queued.
        self.durable
            .wait_for_the_journal(self.queue.last_allotted())?;
        let begin = self.row_end(u64::MAX)?;
        let begin = begin.unwrap_or_else(|| ChainPoint::genesis(&self.store_id));
        self.paths.check_lock::<SnapshotError>(&self.lock)?;
        // Before the spare is written over: which of the two is the spare must be on disk.
        self.paths.sync_names()?;
        let commits = Cell::new(0);
        let speed = || self.speed(&commits);
        let mut file = Trickle::over(self.paths.open_spare()?, &*self.clock, &speed);
        let now = self.clock.now();
        let Head {
            bytes: head,
            clients,
            mut end,
        } = self.head(&begin, now);
        file.write(&head)?;
        let mut bytes = Vec::new();
        let mut copy = AccountImage::default();
        let mut symbols = Texts::default();
        for client in clients {
            {
                let books = self.books.read();
                let Some(account) = books.known_account(&client) else {
                    continue;
                };
                copy.take(&account.lock(), now);
                books.symbols.catch_up(&mut symbols);
            }
            bytes.clear();
            bytes.push(1);
            copy.encode(&client, &symbols, &mut bytes);
            end = end.max(copy.last_seq());
            file.write(&bytes)?;
        }
        // What the snapshot contains must be on disk before the snapshot counts.
        self.durable.wait_for_the_journal(end)?;
        let end = self.row_end(end)?;
        let end = end.unwrap_or(begin);
        bytes.clear();
        bytes.push(0);
        let mut out = Out(&mut bytes);
        out.uint(end.seq.get());
        out.fixed(&end.hash.0);
        file.write(&bytes)?;
        file.finish()?;
        Ok(begin)
    }

    /// The end of the row that has record `seq`, or of the last row before it.
    fn row_end(&self, seq: u64) -> Result<Option<ChainPoint>, SnapshotError> {
        self.readers.with(&self.paths, |conn| {
            let found = conn.query_row(
                "SELECT last_seq, chain_hash FROM journal WHERE first_seq <= ?1 \
                 ORDER BY first_seq DESC LIMIT 1",
                [signed(seq)],
                |row| {
                    Ok(ChainPoint {
                        seq: Seq::new(unsigned(row.get(0)?)),
                        hash: ChainHash(row.get(1)?),
                    })
                },
            );
            Ok(found.optional()?)
        })
    }

    /// How to go on: gently while others commit. Does not when the journal has failed, since it is
    /// recovered by whoever takes snapshots, nor when the ledger is closed.
    fn speed(&self, commits: &Cell<u64>) -> Result<Speed, SnapshotError> {
        if self.queue.is_closing() {
            return Err(SnapshotError::Closed);
        }
        if self.durable.has_failed() {
            return Err(SnapshotError::NotDurable(NotDurable));
        }
        let count = self.commits.count();
        let idle = commits.replace(count) == count;
        Ok(if idle { Speed::Full } else { Speed::Gentle })
    }

    fn head(&self, begin: &ChainPoint, now: Timestamp) -> Head {
        let books = self.books.read();
        let mut head = MAGIC.to_vec();
        let mut out = Out(&mut head);
        out.fixed(&self.store_id);
        out.uint(begin.seq.get());
        out.fixed(&begin.hash.0);
        let mut body = Vec::new();
        let contexts = books.contexts();
        out.count(contexts.len());
        for (id, context) in contexts {
            body.clear();
            codec::encode(now, &*context, &mut body);
            out.uint(id.seq().get());
            out.bytes(&body);
        }
        let kills: Vec<_> = books.kills.thrown().cloned().collect();
        out.count(kills.len());
        for ThrownSwitch { at, kill } in kills {
            body.clear();
            codec::encode(at, &kill, &mut body);
            out.bytes(&body);
        }
        Head {
            bytes: head,
            clients: books.clients(),
            // A switch is thrown under the books' lock: its record may be queued still.
            end: begin.seq.get().max(self.queue.last_allotted()),
        }
    }
}

/// What a snapshot begins with.
struct Head {
    bytes: Vec<u8>,
    /// Whose accounts follow.
    clients: Vec<Box<str>>,
    /// The newest record that it may contain.
    end: u64,
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::sync::{Arc, OnceLock, Weak};

    use gate_types::{Clock, ManualClock};

    use super::*;
    use crate::config::LedgerConfig;
    use crate::ledger::opened::opened;
    use crate::record::{KillRecord, KillScope};

    /// Throws a switch while a snapshot is being written, between its beginning and its accounts.
    struct Meanwhile {
        clock: ManualClock,
        ledger: OnceLock<Weak<Ledger>>,
        is_armed: AtomicBool,
    }

    impl Clock for Meanwhile {
        fn now(&self) -> Timestamp {
            self.clock.now()
        }

        fn monotonic_ns(&self) -> u64 {
            let ledger = self.ledger.get().and_then(Weak::upgrade);
            if let Some(ledger) = ledger
                && self.is_armed.swap(false, Ordering::SeqCst)
            {
                ledger.kill(&switch(KillScope::All)).unwrap();
            }
            self.clock.monotonic_ns()
        }
    }

    fn switch(scope: KillScope<'static>) -> KillRecord<'static> {
        KillRecord {
            scope,
            on: true,
            actor: "ops".into(),
            reason: "drill".into(),
        }
    }

    /// A database that is put back is as long as the snapshot one day, with another history.
    #[test]
    fn a_snapshot_of_a_history_that_was_lost_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(Meanwhile {
            clock: ManualClock::at(Timestamp::from_unix_seconds(9)),
            ledger: OnceLock::new(),
            is_armed: false.into(),
        });
        let open = || {
            let config = LedgerConfig::new(dir.path());
            Arc::new(Ledger::open(config, clock.clone()).unwrap())
        };
        let throw = |ledger: &Ledger, symbol: &'static str| {
            let scope = KillScope::Symbol(symbol.into());
            let thrown = ledger.kill(&switch(scope)).unwrap();
            ledger.wait(thrown.seq).unwrap();
        };
        let thrown = |ledger: &Ledger| {
            let mut thrown: Vec<String> = ledger
                .kills()
                .iter()
                .map(|switch| format!("{:?}", switch.kill.scope))
                .collect();
            thrown.sort_unstable();
            thrown
        };
        let ledger = open();
        throw(&ledger, "AAPL");
        let copy = dir.path().join("copy.db");
        let database = dir.path().join("ledger.db");
        let reader = rusqlite::Connection::open(&database).unwrap();
        reader
            .execute("VACUUM INTO ?1", [copy.to_str().unwrap()])
            .unwrap();
        drop(reader);
        clock.ledger.set(Arc::downgrade(&ledger)).unwrap();
        clock.is_armed.store(true, Ordering::SeqCst);
        assert_eq!(ledger.snapshot().unwrap(), Seq::new(1));
        assert!(!clock.is_armed.load(Ordering::SeqCst));
        // The snapshot is good for the history that it is of.
        drop(ledger);
        let ledger = open();
        assert_eq!(ledger.health().snapshot_seq, Seq::new(1));
        assert_eq!(thrown(&ledger).len(), 2);
        drop(ledger);

        std::fs::rename(&copy, &database).unwrap();
        let _ = std::fs::remove_file(dir.path().join("ledger.db-wal"));
        let ledger = open();
        assert_eq!(ledger.health().snapshot_seq, Seq::ZERO);
        throw(&ledger, "GME");
        let before = thrown(&ledger);
        assert_eq!(before.len(), 2);
        drop(ledger);
        let ledger = open();
        assert_eq!(ledger.health().snapshot_seq, Seq::ZERO);
        assert_eq!(thrown(&ledger), before);
    }

    /// A store that was pruned cannot start without the snapshot that an older build wrote.
    #[test]
    fn a_snapshot_of_the_format_before_is_read() {
        use ring::digest::{SHA256, digest};
        let (dir, clock, ledger) = opened(|_| {});
        let thrown = ledger.kill(&switch(KillScope::All)).unwrap();
        ledger.wait(thrown.seq).unwrap();
        assert_eq!(ledger.snapshot().unwrap(), thrown.seq);
        drop(ledger);
        let file = dir.path().join("ledger.snapshot");
        let mut bytes = std::fs::read(&file).unwrap();
        // It ended without the hash of its end.
        bytes.truncate(bytes.len() - 32 - 32);
        bytes[..16].copy_from_slice(b"gate snapshot 2\n");
        let hash = digest(&SHA256, &bytes);
        bytes.extend_from_slice(hash.as_ref());
        std::fs::write(&file, bytes).unwrap();
        let ledger = Ledger::open(LedgerConfig::new(dir.path()), clock).unwrap();
        assert_eq!(ledger.health().snapshot_seq, thrown.seq);
        assert_eq!(ledger.kills().len(), 1);
    }

    /// A snapshot must not say that a switch is off before the journal does.
    #[test]
    fn a_snapshot_waits_for_the_switches_in_it() {
        let (_dir, _clock, ledger) = opened(|_| {});
        let switch = |on| KillRecord {
            scope: KillScope::All,
            on,
            actor: "ops".into(),
            reason: "drill".into(),
        };
        let thrown = ledger.kill(&switch(true)).unwrap().seq;
        ledger.wait(thrown).unwrap();
        // Until this ends nothing more gets to the disk.
        let (block, blocked) = std::sync::mpsc::channel::<()>();
        let work = move |_: &crate::store::Appender| blocked.recv().is_err();
        ledger.queue.push_job(Box::new(work)).unwrap();
        let lifted = ledger.kill(&switch(false)).unwrap().seq;
        let begin = ChainPoint {
            seq: thrown,
            hash: ChainHash([0; 32]),
        };
        let head = ledger.head(&begin, ledger.clock.now());
        assert_eq!(head.end, lifted.get());
        assert_eq!(ledger.poll_durable(lifted), std::task::Poll::Pending);
        drop(block);
        ledger.wait(lifted).unwrap();
    }
}
