//! Reading the journal back, on connections of its own: never the writer's.

use std::sync::Arc;

use gate_types::Timestamp;
use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension};

use crate::chain::Frames;
use crate::codec::decode;
use crate::error::{DamageKind, ReadError};
use crate::ledger::Ledger;
use crate::rebuild::damage;
use crate::record::{DecisionContext, DecisionRecord, Record, Seq};
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

/// Read connections that nobody uses just now.
#[derive(Default)]
pub(crate) struct Readers {
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    /// Bytes of the row that holds `seq`.
    fn row(&self, paths: &Paths, seq: u64) -> Result<Option<Vec<u8>>, rusqlite::Error> {
        let idle = self.idle.lock().pop();
        let conn = idle.map_or_else(|| connect_reader(paths), Ok)?;
        let row = conn
            .prepare_cached(ROW_OF)?
            .query_row([signed(seq)], |row| row.get(0))
            .optional()?;
        self.idle.lock().push(conn);
        Ok(row)
    }

    pub(crate) fn clear(&self) {
        self.idle.lock().clear();
    }
}

impl Ledger {
    /// Reads a decision from the journal. Blocks until it is durable.
    ///
    /// # Errors
    /// [`ReadError`]; `NotFound` also when the record is no decision.
    pub fn decision(&self, seq: Seq) -> Result<StoredDecision, ReadError> {
        self.durable.wait(seq.get())?;
        let row = self.readers.row(&self.paths, seq.get())?;
        let row = row.ok_or(ReadError::NotFound)?;
        let malformed = |_| damage(seq.get(), DamageKind::Malformed);
        for frame in Frames(&row) {
            let frame = frame.map_err(malformed)?;
            if frame.seq() != Some(seq.get()) {
                continue;
            }
            let entry = decode(frame.body).map_err(malformed)?;
            let Record::Decision(record) = entry.record else {
                return Err(ReadError::NotFound);
            };
            let context = self.books.read().context(record.context);
            return Ok(StoredDecision {
                seq,
                at: entry.at,
                context: context.ok_or(ReadError::NotFound)?,
                record: record.into_owned(),
            });
        }
        Err(ReadError::NotFound)
    }
}
