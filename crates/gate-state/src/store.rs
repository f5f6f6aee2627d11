//! The SQLite file: opening it, its schema, and the one statement that appends to the journal.
//! Nothing here knows what a record means.

pub(crate) mod anchor;
mod paths;
pub(crate) mod resync;

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::hooks::Wal;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use crate::error::OpenError;
use crate::record::chain::{ChainHash, hex, seal};
pub(crate) use paths::Paths;

/// `GATE` in ASCII.
const APPLICATION_ID: u32 = 0x4741_5445;
/// Raised whenever a store of this build could not be read by the build before. 2: positions.
const SCHEMA_VERSION: u32 = 2;
/// SQLite before 3.51.3 can lose a committed transaction when a checkpoint races a commit that
/// resets the WAL.
const OLDEST_SQLITE: i32 = 3_051_003;
/// How long a commit waits for a foreign connection's lock before it counts as failed.
const BUSY: Duration = Duration::from_millis(250);

const SCHEMA: &str = "
CREATE TABLE store (
    id BLOB NOT NULL CHECK (length(id) = 16),
    created_ns INTEGER NOT NULL
) STRICT;
CREATE TABLE journal (
    first_seq INTEGER PRIMARY KEY,
    last_seq INTEGER NOT NULL,
    chain_hash BLOB NOT NULL,
    records BLOB NOT NULL
) STRICT;
CREATE TABLE anchor (
    seq INTEGER PRIMARY KEY,
    chain_hash BLOB NOT NULL CHECK (length(chain_hash) = 32),
    at_ns INTEGER NOT NULL,
    signature BLOB NOT NULL
) STRICT;
";

const APPEND: &str =
    "INSERT INTO journal (first_seq, last_seq, chain_hash, records) VALUES (?1, ?2, ?3, ?4)";

/// A connection that may write.
pub(crate) fn connect(paths: &Paths) -> Result<Connection, OpenError> {
    let found = rusqlite::version_number();
    if found < OLDEST_SQLITE {
        return Err(OpenError::OldSqlite { found });
    }
    let conn = Connection::open(&paths.database)?;
    conn.busy_timeout(BUSY)?;
    conn.pragma_update(None, "mmap_size", 0)?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    // Who checkpoints, and when, is decided in `checkpoint`; not by closing, which also happens
    // after a failure, when what the log holds may be nowhere but in memory (`resync`).
    conn.pragma_update(None, "wal_autocheckpoint", 0)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(conn)
}

/// Makes the write-ahead log's file about `bytes` long: a transaction larger than the cache is
/// spilled to the log and then rolled back. Later commits overwrite it from the log's beginning.
/// Without room for that, commits lengthen it, and take longer.
pub(crate) fn lengthen_wal(conn: &Connection, bytes: u64) -> Result<(), rusqlite::Error> {
    let cache: i64 = conn.query_row("PRAGMA cache_size", [], |row| row.get(0))?;
    conn.pragma_update(None, "cache_size", 64)?;
    conn.execute_batch("BEGIN IMMEDIATE; CREATE TABLE filler (filling BLOB) STRICT;")?;
    let filled = conn.execute("INSERT INTO filler VALUES (zeroblob(?1))", [signed(bytes)]);
    // After some errors SQLite has rolled back by itself.
    if !conn.is_autocommit() {
        conn.execute_batch("ROLLBACK")?;
    }
    conn.pragma_update(None, "cache_size", cache)?;
    if let Err(error) = filled {
        tracing::warn!(%error, bytes, "the write-ahead log cannot be made its full length");
        // Others need the room that is left.
        checkpoint(conn, "TRUNCATE")?;
    }
    Ok(())
}

/// A connection that only reads.
pub(crate) fn connect_reader(paths: &Paths) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(&paths.database, flags)?;
    conn.busy_timeout(BUSY)?;
    conn.pragma_update(None, "mmap_size", 0)?;
    Ok(conn)
}

/// Creates the schema in an empty file, or checks the existing one. Returns the store's id.
/// `noted`: the id of the store that was here before; an empty file or another store in its place
/// is refused.
pub(crate) fn prepare(
    conn: &mut Connection,
    created_ns: u64,
    noted: Option<&str>,
) -> Result<[u8; 16], OpenError> {
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let application_id = header(conn, "application_id")?;
    if tables == 0 && application_id == 0 {
        if noted.is_some() {
            return Err(OpenError::JournalMissing);
        }
        write_ahead(conn)?;
        create(conn, created_ns)?;
    }
    let id = check(conn)?;
    check_noted(noted, &id)?;
    // A copy made by SQLite (`VACUUM INTO`) is in another mode.
    write_ahead(conn)?;
    if header(conn, "user_version")? < SCHEMA_VERSION {
        conn.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    }
    Ok(id)
}

/// Checks that a store is the one noted in the lock.
pub(crate) fn check_noted(noted: Option<&str>, store_id: &[u8; 16]) -> Result<(), OpenError> {
    let found = hex(store_id);
    // A note that is no id was torn by a power failure: it only says that there was a store.
    let is_id = |id: &str| id.len() == found.len() && id.bytes().all(|c| c.is_ascii_hexdigit());
    match noted {
        Some(noted) if is_id(noted) && noted != found => Err(OpenError::AnotherStore {
            noted: noted.to_owned(),
            found,
        }),
        _ => Ok(()),
    }
}

fn write_ahead(conn: &Connection) -> Result<(), OpenError> {
    let mode: String = conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode == "wal" {
        Ok(())
    } else {
        Err(OpenError::Foreign)
    }
}

/// Checks that the file is a ledger this build can read. Returns the store's id.
pub(crate) fn check(conn: &Connection) -> Result<[u8; 16], OpenError> {
    if header(conn, "application_id")? != APPLICATION_ID {
        return Err(OpenError::Foreign);
    }
    let found = header(conn, "user_version")?;
    if found > SCHEMA_VERSION {
        return Err(OpenError::NewerSchema {
            found,
            known: SCHEMA_VERSION,
        });
    }
    let id = conn
        .query_row("SELECT id FROM store", [], |row| row.get(0))
        .optional()?;
    id.ok_or(OpenError::Foreign)
}

fn create(conn: &mut Connection, created_ns: u64) -> Result<(), OpenError> {
    let mut id = [0_u8; 16];
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut id)
        .map_err(|_| std::io::Error::other("no randomness"))?;
    let create = conn.transaction()?;
    create.execute_batch(SCHEMA)?;
    create.execute(
        "INSERT INTO store (id, created_ns) VALUES (?1, ?2)",
        params![id, i64::try_from(created_ns).unwrap_or(i64::MAX)],
    )?;
    create.pragma_update(None, "application_id", APPLICATION_ID)?;
    create.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    create.commit()?;
    Ok(())
}

fn header(conn: &Connection, name: &str) -> Result<u32, rusqlite::Error> {
    conn.pragma_query_value(None, name, |row| row.get(0))
}

/// Appends to the journal. Must not be used again after it failed.
pub(crate) struct Appender {
    conn: Connection,
    chain: ChainHash,
    /// Pages in the WAL after the last commit.
    wal_pages: Arc<AtomicU64>,
}

impl Appender {
    pub(crate) fn new(mut conn: Connection, chain: ChainHash) -> Result<Self, rusqlite::Error> {
        let wal_pages = Arc::new(AtomicU64::new(0));
        let told = Arc::clone(&wal_pages);
        conn.wal_hook(Some(move |_: &mut Wal, pages| {
            told.store(u64::try_from(pages).unwrap_or_default(), Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self {
            conn,
            chain,
            wal_pages,
        })
    }

    /// Bytes in use in the WAL; its file may be longer.
    pub(crate) fn wal_bytes(&self) -> u64 {
        /// A page and the header of its frame.
        const FRAME: u64 = 4096 + 24;
        self.wal_pages.load(Ordering::Relaxed).saturating_mul(FRAME)
    }

    pub(crate) const fn conn(&self) -> &Connection {
        &self.conn
    }

    /// Seals the frames and commits them as one row. Durable when this returns.
    pub(crate) fn commit(
        &mut self,
        seqs: &RangeInclusive<u64>,
        frames: &mut [u8],
    ) -> Result<(), rusqlite::Error> {
        let chain = seal(frames, self.chain)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        let conn = &self.conn;
        conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        conn.prepare_cached(APPEND)?.execute(params![
            signed(*seqs.start()),
            signed(*seqs.end()),
            chain.0,
            &*frames
        ])?;
        conn.prepare_cached("COMMIT")?.execute([])?;
        self.chain = chain;
        Ok(())
    }

    /// Moves the rest of the WAL to the database and makes the next commit start the WAL over.
    /// `false` if a reader prevents it.
    pub(crate) fn restart_wal(&self) -> Result<bool, rusqlite::Error> {
        self.conn.busy_timeout(Duration::ZERO)?;
        let outcome = checkpoint(&self.conn, "RESTART");
        self.conn.busy_timeout(BUSY)?;
        let restarted = !outcome?;
        if restarted {
            self.wal_pages.store(0, Ordering::Relaxed);
        }
        Ok(restarted)
    }

    /// Empties the WAL. May wait for readers, so only for when nobody waits for the writer.
    pub(crate) fn truncate_wal(&self) -> Result<bool, rusqlite::Error> {
        Ok(!checkpoint(&self.conn, "TRUNCATE")?)
    }
}

/// Runs a checkpoint in the given mode. Returns whether something blocked it.
pub(crate) fn checkpoint(conn: &Connection, mode: &str) -> Result<bool, rusqlite::Error> {
    let mut statement = conn.prepare_cached(&format!("PRAGMA wal_checkpoint({mode})"))?;
    statement.query_row([], |row| row.get::<_, i64>(0).map(|busy| busy != 0))
}

/// A row of the journal.
pub(crate) struct Row {
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) chain_hash: Vec<u8>,
    pub(crate) frames: Vec<u8>,
}

/// The next row whose first record is after `seq`. Each call is a transaction of its own, so that
/// reading a whole journal does not keep the WAL from starting over.
pub(crate) fn row_after(conn: &Connection, seq: u64) -> Result<Option<Row>, rusqlite::Error> {
    conn.prepare_cached(
        "SELECT first_seq, last_seq, chain_hash, records FROM journal \
         WHERE first_seq > ?1 ORDER BY first_seq LIMIT 1",
    )?
    .query_row([signed(seq)], |row| {
        Ok(Row {
            first: unsigned(row.get(0)?),
            last: unsigned(row.get(1)?),
            chain_hash: row.get(2)?,
            frames: row.get(3)?,
        })
    })
    .optional()
}

/// For SQLite, whose integers are signed; sequence numbers never get that far.
pub(crate) fn signed(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

pub(crate) fn unsigned(seq: i64) -> u64 {
    u64::try_from(seq).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_without_room_for_the_whole_log_is_no_reason_not_to_start() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::new(dir.path());
        let mut conn = connect(&paths).unwrap();
        prepare(&mut conn, 1, None).unwrap();
        let full = |conn: &Connection, pages: i64| {
            let pages_now: i64 = conn
                .query_row("PRAGMA page_count", [], |row| row.get(0))
                .unwrap();
            let most = pages_now.saturating_add(pages);
            let set = format!("PRAGMA max_page_count = {most}");
            conn.query_row(&set, [], |_| Ok(())).unwrap();
        };
        full(&conn, 100);
        lengthen_wal(&conn, 8 << 20).unwrap();
        assert!(conn.is_autocommit());
        let length = || {
            std::fs::metadata(dir.path().join("ledger.db-wal"))
                .unwrap()
                .len()
        };
        assert_eq!(length(), 0);
        // With room it is about as long as asked for, and nothing of it stays in the database.
        full(&conn, 1_000_000);
        lengthen_wal(&conn, 1 << 20).unwrap();
        assert!(length() > 1 << 19);
        let tables: i64 = conn
            .query_row(
                "SELECT count(*) FROM sqlite_schema WHERE name = 'filler'",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(tables, 0);
    }
}
