//! Reads journal records, on connections of its own: never the writer's.

use parking_lot::{Mutex, RwLock, RwLockWriteGuard};
use rusqlite::{Connection, OptionalExtension};

use crate::error::{Damage, DamageKind, NotDurable, ReadError};
use crate::record::Entry;
use crate::record::chain::Frames;
use crate::record::codec::decode;
use crate::store::{Paths, connect_reader, signed};

/// The row that contains a record.
const ROW_OF: &str = "SELECT records FROM journal WHERE first_seq <= ?1 AND last_seq >= ?1 \
                      ORDER BY first_seq DESC LIMIT 1";

/// Pool of read connections: the idle ones, and a lock that every use holds shared.
#[derive(Default)]
pub(crate) struct Readers {
    idle: Mutex<Vec<Connection>>,
    used: RwLock<()>,
}

impl Readers {
    /// Runs `read` on a connection. [`NotDurable`] at once while the store is being recovered: the
    /// caller may have others to serve.
    pub(crate) fn with<T, E: From<rusqlite::Error> + From<NotDurable>>(
        &self,
        paths: &Paths,
        read: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let _used = self.used.try_read().ok_or(NotDurable)?;
        let idle = self.idle.lock().pop();
        let conn = idle.map_or_else(|| connect_reader(paths), Ok)?;
        let outcome = read(&conn);
        self.idle.lock().push(conn);
        outcome
    }

    /// Closes every connection and lets none open while the guard lives: as long as one is open,
    /// SQLite trusts its own notes of what is on disk.
    pub(crate) fn shut(&self) -> RwLockWriteGuard<'_, ()> {
        let shut = self.used.write();
        self.idle.lock().clear();
        shut
    }
}

/// Applies `then` to record `seq`; `None` if it is not there.
pub(crate) fn find<T>(
    conn: &Connection,
    seq: u64,
    then: impl FnOnce(&Entry<'_>) -> T,
) -> Result<Option<T>, ReadError> {
    let row: Option<Vec<u8>> = conn
        .prepare_cached(ROW_OF)?
        .query_row([signed(seq)], |row| row.get(0))
        .optional()?;
    let malformed = |_| Damage::at(seq, DamageKind::Malformed);
    for frame in Frames(row.as_deref().unwrap_or_default()) {
        let frame = frame.map_err(malformed)?;
        if frame.seq() == Some(seq) {
            let entry = decode(frame.body).map_err(malformed)?;
            return Ok(Some(then(&entry)));
        }
    }
    Ok(None)
}
