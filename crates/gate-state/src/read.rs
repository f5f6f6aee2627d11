//! Reading the journal back, on connections of its own: never the writer's.

use std::sync::Arc;

use gate_types::Timestamp;
use parking_lot::{Mutex, RwLock, RwLockWriteGuard};
use rusqlite::{Connection, OptionalExtension};

use crate::chain::Frames;
use crate::codec::decode;
use crate::error::{DamageKind, NotDurable, ReadError};
use crate::ledger::Ledger;
use crate::rebuild::damage;
use crate::record::{DecisionContext, DecisionRecord, Entry, Record, Seq};
use crate::store::{Paths, connect_reader, signed};

/// The row that holds a record, whichever it is.
const ROW_OF: &str = "SELECT records FROM journal WHERE first_seq <= ?1 AND last_seq >= ?1 \
                      ORDER BY first_seq DESC LIMIT 1";

/// A decision as the journal has it, with the context it was made in: enough to make its token
/// again, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDecision {
    /// Its number.
    pub seq: Seq,
    /// When it was made.
    pub at: Timestamp,
    /// What was decided.
    pub record: DecisionRecord<'static>,
    /// The policy and key in force.
    pub context: Arc<DecisionContext>,
}

/// Read connections: those that nobody uses just now, and a lock that all others hold.
#[derive(Default)]
pub(crate) struct Readers {
    idle: Mutex<Vec<Connection>>,
    used: RwLock<()>,
}

impl Readers {
    /// What `read` makes of the store; not while it is being recovered, since whoever asks may have
    /// others to serve.
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

    /// Closes every connection, and lets none be opened for as long as this is held: as long as
    /// one is open, SQLite trusts its own notes of what is on the disk.
    pub(crate) fn shut(&self) -> RwLockWriteGuard<'_, ()> {
        let shut = self.used.write();
        self.idle.lock().clear();
        shut
    }
}

impl Ledger {
    /// Reads a decision from the journal. Blocks until it is durable.
    ///
    /// # Errors
    /// [`ReadError`]; `NotFound` also when the record is no decision.
    pub fn decision(&self, seq: Seq) -> Result<StoredDecision, ReadError> {
        self.durable.wait(seq.get())?;
        let decision = |entry: &Entry<'_>| {
            let Record::Decision(record) = &entry.record else {
                return None;
            };
            Some((entry.at, record.clone().into_owned()))
        };
        let found = self
            .readers
            .with(&self.paths, |conn| find(conn, seq.get(), decision))?;
        let (at, record) = found.flatten().ok_or(ReadError::NotFound)?;
        let context = self.books.read().context(record.context);
        Ok(StoredDecision {
            seq,
            at,
            record,
            context: context.ok_or(ReadError::NotFound)?,
        })
    }
}

/// What `then` makes of record `seq`; `None` when it is not there.
pub(crate) fn find<T>(
    conn: &Connection,
    seq: u64,
    then: impl FnOnce(&Entry<'_>) -> T,
) -> Result<Option<T>, ReadError> {
    let row: Option<Vec<u8>> = conn
        .prepare_cached(ROW_OF)?
        .query_row([signed(seq)], |row| row.get(0))
        .optional()?;
    let malformed = |_| damage(seq, DamageKind::Malformed);
    for frame in Frames(row.as_deref().unwrap_or_default()) {
        let frame = frame.map_err(malformed)?;
        if frame.seq() == Some(seq) {
            let entry = decode(frame.body).map_err(malformed)?;
            return Ok(Some(then(&entry)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use gate_types::ManualClock;

    use super::*;
    use crate::config::LedgerConfig;

    /// Who reads for a caller has others to serve.
    #[test]
    fn nobody_waits_to_read_from_a_store_that_is_being_recovered() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_unix_seconds(9)));
        let ledger = Ledger::open(LedgerConfig::new(dir.path()), clock).unwrap();
        let shut = ledger.readers.shut();
        let read = ledger.decision(Seq::ZERO);
        assert!(matches!(read, Err(ReadError::NotDurable(_))), "{read:?}");
        drop(shut);
        let read = ledger.decision(Seq::ZERO);
        assert!(matches!(read, Err(ReadError::NotFound)), "{read:?}");
    }
}
