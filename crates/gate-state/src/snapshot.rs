//! A snapshot: the state in a file of its own, so that a start need not read the journal from
//! its beginning. Derived and disposable: what does not match the journal exactly is ignored.
//!
//! Accounts are copied one after the other while the others go on. Each carries the number of
//! its newest record; a start replays the journal from where the snapshot began, and skips for
//! each account what it already contains.

use std::cell::Cell;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use gate_types::Timestamp;
use parking_lot::Mutex;
use ring::digest::{SHA256, digest};
use rusqlite::{Connection, OptionalExtension};

use crate::account_copy::{self, AccountCopy, Symbols};
use crate::books::Books;
use crate::chain::ChainHash;
use crate::codec;
use crate::error::{NotDurable, SnapshotError};
use crate::export::{LinePolicy, Policies};
use crate::ledger::Ledger;
use crate::rebuild::Tail;
use crate::record::{ContextId, DecisionContext, Record, Seq};
use crate::store::{Paths, signed, unsigned};
use crate::trickle::{Speed, Trickle};
use crate::wire::{In, Malformed, Out};

const MAGIC: &[u8; 16] = b"gate snapshot 2\n";
const HASH_BYTES: usize = 32;

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
        let (begin, end) = written?;
        // What the snapshot contains must be on disk before the snapshot counts.
        self.durable.wait(end)?;
        if self.recoveries.load(Ordering::Acquire) != recoveries {
            return Err(SnapshotError::Recovered);
        }
        swap(&self.paths.snapshot_spare, &self.paths.snapshot)?;
        self.paths.sync_names()?;
        self.snapshot_seq.store(begin.seq, Ordering::Release);
        Ok(Seq::new(begin.seq))
    }

    fn write_snapshot(&self) -> Result<(Tail, u64), SnapshotError> {
        // An account that was closed is not in the snapshot, so that its last record must not come
        // after where the snapshot begins. It may still be queued.
        self.durable.wait(self.queue.last_allotted())?;
        let begin = self.readers.with(&self.paths, |conn| {
            let last = conn.query_row(
                "SELECT last_seq, chain_hash FROM journal ORDER BY first_seq DESC LIMIT 1",
                [],
                |row| Ok((unsigned(row.get(0)?), row.get(1)?)),
            );
            Ok::<_, SnapshotError>(last.optional()?)
        })?;
        let begin = begin.map_or_else(
            || Tail {
                seq: 0,
                chain: ChainHash::genesis(&self.store_id),
            },
            |(seq, hash)| Tail {
                seq,
                chain: ChainHash(hash),
            },
        );
        // Before the spare is written over: which of the two is the spare must be on disk.
        self.paths.sync_names()?;
        let commits = Cell::new(0);
        let speed = || self.speed(&commits);
        let mut file = Trickle::over(&self.paths.snapshot_spare, &*self.clock, &speed)?;
        let now = self.clock.now();
        let Head {
            bytes: head,
            clients,
            mut end,
        } = self.head(&begin, now);
        file.write(&head)?;
        let mut bytes = Vec::new();
        let mut copy = AccountCopy::default();
        let mut symbols = Symbols::new();
        for client in clients {
            {
                let books = self.books.read();
                let Some(account) = books.known_account(&client) else {
                    continue;
                };
                copy.take(&account.lock(), now);
                books.catch_up(&mut symbols);
            }
            bytes.clear();
            bytes.push(1);
            copy.encode(&client, &symbols, &mut bytes);
            end = end.max(copy.last_seq());
            file.write(&bytes)?;
        }
        bytes.clear();
        bytes.push(0);
        Out(&mut bytes).uint(end);
        file.write(&bytes)?;
        file.finish()?;
        Ok((begin, end))
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

    fn head(&self, begin: &Tail, now: Timestamp) -> Head {
        let books = self.books.read();
        let mut head = MAGIC.to_vec();
        let mut out = Out(&mut head);
        out.fixed(&self.store_id);
        out.uint(begin.seq);
        out.fixed(&begin.chain.0);
        let mut body = Vec::new();
        let contexts = books.contexts();
        out.uint(u64::try_from(contexts.len()).unwrap_or(u64::MAX));
        for (id, context) in contexts {
            body.clear();
            codec::encode(now, &Record::Context((*context).clone()), &mut body);
            out.uint(id.seq().get());
            out.bytes(&body);
        }
        let kills: Vec<_> = books.kills.thrown().cloned().collect();
        out.uint(u64::try_from(kills.len()).unwrap_or(u64::MAX));
        for kill in kills {
            body.clear();
            codec::encode(now, &Record::Kill(kill), &mut body);
            out.bytes(&body);
        }
        Head {
            bytes: head,
            clients: books.clients(),
            // A switch is thrown under the books' lock: its record may be queued still.
            end: begin.seq.max(self.queue.last_allotted()),
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

/// The new snapshot takes the old one's name, and the old one becomes the spare: freeing the space
/// of a large file holds up the disk, and the next snapshot needs it again.
fn swap(spare: &Path, snapshot: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;
        match renameat_with(CWD, spare, CWD, snapshot, RenameFlags::EXCHANGE) {
            // There is no old one, or the file system cannot.
            Err(Errno::NOENT | Errno::INVAL | Errno::NOSYS | Errno::NOTSUP | Errno::PERM) => {}
            changed => return Ok(changed?),
        }
    }
    std::fs::rename(spare, snapshot)
}

/// The snapshot's bytes; `None` when they are not as they were written.
fn content(paths: &Paths) -> io::Result<Option<Vec<u8>>> {
    // The process that has the store may have written over what is being read, once it was no longer
    // the snapshot in force: then there is a newer one.
    for _ in 0..3 {
        let mut bytes = std::fs::read(&paths.snapshot)?;
        if let Some((content, hash)) = bytes.split_last_chunk::<HASH_BYTES>()
            && digest(&SHA256, content).as_ref() == hash
        {
            bytes.truncate(content.len());
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}

/// A snapshot that belongs to this journal.
pub(crate) struct Snapshot {
    pub(crate) books: Books,
    /// Where the journal is to be replayed from.
    pub(crate) begin: Tail,
}

/// Reads the snapshot, if there is one and it is of this journal.
pub(crate) fn load(paths: &Paths, conn: &Connection, store_id: &[u8; 16]) -> Option<Snapshot> {
    let Some(content) = content(paths).ok()? else {
        tracing::warn!("snapshot is damaged; reading the whole journal");
        return None;
    };
    let snapshot = read(&content, store_id)
        .ok()
        .filter(|(snapshot, end)| belongs(conn, &snapshot.begin, *end).unwrap_or(false));
    if snapshot.is_none() {
        tracing::warn!("snapshot is not of this journal; reading the whole of it");
    }
    snapshot.map(|(snapshot, _)| snapshot)
}

/// Whether the journal has the row that the snapshot begins at, and reaches as far as it does.
fn belongs(conn: &Connection, begin: &Tail, end: u64) -> Result<bool, rusqlite::Error> {
    let hash: Option<[u8; 32]> = conn
        .query_row(
            "SELECT chain_hash FROM journal WHERE first_seq <= ?1 AND last_seq = ?1 \
             ORDER BY first_seq DESC LIMIT 1",
            [signed(begin.seq)],
            |row| row.get(0),
        )
        .optional()?;
    let last: Option<i64> =
        conn.query_row("SELECT max(last_seq) FROM journal", [], |row| row.get(0))?;
    Ok(hash == Some(begin.chain.0) && last.is_some_and(|last| end <= unsigned(last)))
}

/// The contexts that a snapshot names, by number; none when there is no snapshot of this store.
pub(crate) fn contexts(paths: &Paths, store_id: &[u8; 16]) -> Policies {
    let Ok(Some(content)) = content(paths) else {
        return Policies::default();
    };
    let mut books = Books::default();
    let read = read_contexts(&mut In(&content), store_id, &mut books);
    let contexts = read.map(|_| books.contexts()).unwrap_or_default();
    let named = |(id, context): (ContextId, Arc<DecisionContext>)| {
        (id.seq().get(), LinePolicy::new(&context))
    };
    contexts.into_iter().map(named).collect()
}

/// The head of a snapshot, as far as its contexts go. Returns where the snapshot begins.
fn read_contexts(
    from: &mut In<'_>,
    store_id: &[u8; 16],
    books: &mut Books,
) -> Result<Tail, Malformed> {
    if from.fixed::<16>()? != *MAGIC || from.fixed::<16>()? != *store_id {
        return Err(Malformed);
    }
    let begin = Tail {
        seq: from.u64()?,
        chain: ChainHash(from.fixed()?),
    };
    for _ in 0..from.u64()? {
        let id = ContextId::of(from.u64()?);
        let Record::Context(context) = codec::decode(from.bytes()?)?.record else {
            return Err(Malformed);
        };
        books.add_context(id, context);
    }
    Ok(begin)
}

fn read(content: &[u8], store_id: &[u8; 16]) -> Result<(Snapshot, u64), Malformed> {
    let mut from = In(content);
    let mut books = Books::default();
    let begin = read_contexts(&mut from, store_id, &mut books)?;
    for _ in 0..from.u64()? {
        let Record::Kill(kill) = codec::decode(from.bytes()?)?.record else {
            return Err(Malformed);
        };
        books.kills.apply(&kill);
    }
    while from.byte()? == 1 {
        let (client, account) = account_copy::decode(&mut from, &|text| books.symbol_number(text))?;
        books.restore(client, Arc::new(Mutex::new(account)));
    }
    let end = from.u64()?;
    from.end()?;
    Ok((Snapshot { books, begin }, end))
}

#[cfg(test)]
mod tests {
    use gate_types::ManualClock;

    use super::*;
    use crate::config::LedgerConfig;
    use crate::record::{KillRecord, KillScope};

    /// A snapshot must not say that a switch is off before the journal does.
    #[test]
    fn a_snapshot_waits_for_the_switches_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_unix_seconds(9)));
        let ledger = Ledger::open(LedgerConfig::new(dir.path()), clock).unwrap();
        let switch = |on| KillRecord {
            scope: KillScope::All,
            on,
            actor: "ops".into(),
            reason: "drill".into(),
        };
        let thrown = ledger.kill(&switch(true)).unwrap();
        ledger.wait(thrown).unwrap();
        // Until this ends nothing more gets to the disk.
        let (block, blocked) = std::sync::mpsc::channel::<()>();
        let work = move |_: &crate::store::Appender| blocked.recv().is_err();
        ledger.queue.push_job(Box::new(work)).unwrap();
        let lifted = ledger.kill(&switch(false)).unwrap();
        let begin = Tail {
            seq: thrown.get(),
            chain: ChainHash([0; 32]),
        };
        let head = ledger.head(&begin, ledger.clock.now());
        assert_eq!(head.end, lifted.get());
        assert_eq!(ledger.poll_durable(lifted), std::task::Poll::Pending);
        drop(block);
        ledger.wait(lifted).unwrap();
    }
}
