//! A snapshot: the state in a file of its own, so that a start need not read the journal from
//! its beginning. Derived and disposable: what does not match the journal exactly is ignored.
//!
//! Each account in it carries the number of its newest record; a start replays the journal from where the
//! snapshot began, and skips for each account what it already contains. How one is taken is in
//! `ledger/snapshot.rs`.

pub(crate) mod trickle;

use std::io;
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use ring::digest::{SHA256, digest};
use rusqlite::{Connection, OptionalExtension};

use crate::account::image;
use crate::books::Books;
use crate::error::OpenError;
use crate::record::chain::{ChainHash, ChainPoint};
use crate::record::codec;
use crate::record::wire::{In, Malformed};
use crate::record::{ContextId, DecisionContext, Record, Seq};
use crate::store::{Paths, signed, unsigned};

pub(crate) const MAGIC: &[u8; 16] = b"gate snapshot 3\n";
/// A snapshot whose end has no hash. A store that was pruned needs the one that it has.
const MAGIC_BEFORE: &[u8; 16] = b"gate snapshot 2\n";
const HASH_BYTES: usize = 32;

/// The new snapshot takes the old one's name, and the old one becomes the spare: freeing the space
/// of a large file holds up the disk, and the next snapshot needs it again.
pub(crate) fn swap(spare: &Path, snapshot: &Path) -> io::Result<()> {
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
    pub(crate) begin: ChainPoint,
}

/// Reads the snapshot, if there is one and it is of this journal.
///
/// # Errors
/// When the file is there and cannot be read, or the journal cannot.
pub(crate) fn load(
    paths: &Paths,
    conn: &Connection,
    store_id: &[u8; 16],
) -> Result<Option<Snapshot>, OpenError> {
    let content = match content(paths) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(OpenError::Snapshot(error)),
        Ok(None) => {
            tracing::warn!("snapshot is damaged; reading the whole journal");
            return Ok(None);
        }
        Ok(Some(content)) => content,
    };
    if let Ok((snapshot, end)) = read(&content, store_id)
        && has(conn, &snapshot.begin)?
        && end.is_in(conn)?
    {
        return Ok(Some(snapshot));
    }
    tracing::warn!("snapshot is not of this journal; reading the whole of it");
    Ok(None)
}

/// The end of the journal's part that a snapshot may contain records of.
///
/// Its accounts are copied while orders go on, so that they have records from behind its beginning.
/// Where a copy of the database is put back that is older than the snapshot, other records may come
/// there by and by.
enum End {
    /// The end of a row.
    Row(ChainPoint),
    /// As [`MAGIC_BEFORE`] has it.
    Seq(u64),
}

impl End {
    fn is_in(&self, conn: &Connection) -> Result<bool, rusqlite::Error> {
        match self {
            Self::Row(end) => has(conn, end),
            Self::Seq(end) => {
                let last: Option<i64> =
                    conn.query_row("SELECT max(last_seq) FROM journal", [], |row| row.get(0))?;
                Ok(last.is_some_and(|last| *end <= unsigned(last)))
            }
        }
    }
}

/// Whether a row of the journal ends at this point of the chain.
fn has(conn: &Connection, point: &ChainPoint) -> Result<bool, rusqlite::Error> {
    let hash: Option<[u8; 32]> = conn
        .query_row(
            "SELECT chain_hash FROM journal WHERE first_seq <= ?1 AND last_seq = ?1 \
             ORDER BY first_seq DESC LIMIT 1",
            [signed(point.seq.get())],
            |row| row.get(0),
        )
        .optional()?;
    Ok(hash == Some(point.hash.0))
}

/// The contexts that a snapshot names; none when there is no snapshot of this store.
pub(crate) fn contexts(
    paths: &Paths,
    store_id: &[u8; 16],
) -> Vec<(ContextId, Arc<DecisionContext>)> {
    let Ok(Some(content)) = content(paths) else {
        return Vec::new();
    };
    let mut books = Books::default();
    let mut from = In(&content);
    let read = magic(&mut from).and_then(|_| read_contexts(&mut from, store_id, &mut books));
    read.map(|_| books.contexts()).unwrap_or_default()
}

/// Whether the end has a hash.
fn magic(from: &mut In<'_>) -> Result<bool, Malformed> {
    match &from.fixed::<16>()? {
        MAGIC => Ok(true),
        MAGIC_BEFORE => Ok(false),
        _ => Err(Malformed),
    }
}

/// The head of a snapshot, as far as its contexts go. Returns where the snapshot begins.
fn read_contexts(
    from: &mut In<'_>,
    store_id: &[u8; 16],
    books: &mut Books,
) -> Result<ChainPoint, Malformed> {
    if from.fixed::<16>()? != *store_id {
        return Err(Malformed);
    }
    let begin = ChainPoint {
        seq: Seq::new(from.u64()?),
        hash: ChainHash(from.fixed()?),
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

fn read(content: &[u8], store_id: &[u8; 16]) -> Result<(Snapshot, End), Malformed> {
    let mut from = In(content);
    let has_hash = magic(&mut from)?;
    let mut books = Books::default();
    let begin = read_contexts(&mut from, store_id, &mut books)?;
    for _ in 0..from.u64()? {
        let entry = codec::decode(from.bytes()?)?;
        let Record::Kill(kill) = &entry.record else {
            return Err(Malformed);
        };
        books.kills.apply(entry.at, kill);
    }
    while from.byte()? == 1 {
        let (client, account) = image::decode(&mut from, &|text| books.symbols.number(text))?;
        books.restore(client, Arc::new(Mutex::new(account)));
    }
    let seq = from.u64()?;
    let end = if has_hash {
        End::Row(ChainPoint {
            seq: Seq::new(seq),
            hash: ChainHash(from.fixed()?),
        })
    } else {
        End::Seq(seq)
    };
    from.end()?;
    Ok((Snapshot { books, begin }, end))
}
