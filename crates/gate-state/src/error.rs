//! The crate's errors. Those of the decision path contain no SQLite type.

use gate_types::NetNotional;
use rusqlite::ErrorCode;

use crate::record::Seq;

/// The store could not be opened or recovered.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory or the lock file could not be used.
    #[error("data directory cannot be used")]
    Io(#[from] std::io::Error),
    /// There was a journal here, and it is gone.
    #[error(
        "`ledger.db` is not there or empty, and there was a journal (`ledger.lock` says so): put it back; \
         to begin with no exposure and no kill switch, remove `ledger.lock`"
    )]
    JournalMissing,
    /// The journal is not the one that was here.
    #[error(
        "`ledger.db` is the store {found}, and {noted} was here (`ledger.lock` says so): put that back; \
         to go on with this one, remove `ledger.lock`"
    )]
    AnotherStore {
        /// The id in `ledger.lock`.
        noted: String,
        /// The id in `ledger.db`.
        found: String,
    },
    /// The directory is not the one that was opened.
    #[error(transparent)]
    Displaced(#[from] Displaced),
    /// SQLite refused.
    #[error("journal database cannot be used")]
    Sqlite(#[from] rusqlite::Error),
    /// The store is open already.
    #[error("this store is in use, by another process or by another ledger in this one")]
    Locked,
    /// The linked SQLite can lose committed transactions.
    #[error("SQLite {found} is older than 3.51.3, which can lose committed transactions")]
    OldSqlite {
        /// Its `sqlite3_libversion_number()`.
        found: i32,
    },
    /// The file belongs to something else.
    #[error("the database is not a gate ledger")]
    Foreign,
    /// The file was written by a later version.
    #[error("store has schema version {found}, newer than {known}, which this build knows")]
    NewerSchema {
        /// The version in the file.
        found: u32,
        /// The newest version that this build knows.
        known: u32,
    },
    /// The journal does not verify.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// A record could not be read back.
    #[error("the journal cannot be read")]
    Read(#[source] Box<ReadError>),
    /// The beginning of the journal was pruned, and the snapshot that replaces it is missing or
    /// damaged.
    #[error("the snapshot that stands for the pruned part of the journal is missing or damaged")]
    SnapshotMissing,
    /// The snapshot is there and cannot be read.
    #[error("`ledger.snapshot` cannot be read")]
    Snapshot(#[source] std::io::Error),
    /// Records still to be read were pruned meanwhile.
    #[error("the records up to {upto} were pruned while the journal was read: begin again")]
    PrunedMeanwhile {
        /// The last record pruned.
        upto: Seq,
    },
    /// The ledger was shut down.
    #[error("the ledger is shut down")]
    Closed,
}

impl OpenError {
    /// Whether the journal is damaged, by its own checks or by SQLite's (`SQLITE_CORRUPT`,
    /// `SQLITE_NOTADB`).
    #[must_use]
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Damaged(_) => true,
            Self::Sqlite(error) => matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
            ),
            _ => false,
        }
    }
}

impl From<ReadError> for OpenError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Damaged(damage) => Self::Damaged(damage),
            ReadError::Sqlite(error) => Self::Sqlite(error),
            error => Self::Read(Box::new(error)),
        }
    }
}

/// The data directory was moved or replaced while it was open, or its volume is not mounted any more:
/// nothing is written to what is there instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "`ledger.lock` is not the file that this ledger locked: put the data directory back, or mount its volume \
     again; to go on with what is there now, start anew"
)]
pub struct Displaced;

/// Where a journal is damaged, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("journal is damaged at record {seq}: {what}")]
pub struct Damage {
    /// The first record that is not as written, or for some inserted ones the last that is.
    pub seq: Seq,
    /// The kind of damage.
    pub what: DamageKind,
}

impl Damage {
    pub(crate) const fn at(seq: u64, what: DamageKind) -> Self {
        Self {
            seq: Seq::new(seq),
            what,
        }
    }
}

/// How a journal is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DamageKind {
    /// The record does not hash to what the chain says: changed, or replaced by another.
    #[error("it was changed or replaced")]
    Changed,
    /// The record is missing, and later ones are there.
    #[error("it is missing")]
    Missing,
    /// A record comes next whose number was already passed.
    #[error("a record that does not belong there follows it")]
    Inserted,
    /// The bytes are no record.
    #[error("it cannot be read")]
    Malformed,
    /// The row's own columns contradict its records.
    #[error("its row does not match its records")]
    Row,
    /// The record hashes as written but cannot have happened.
    #[error("it contradicts the records before it")]
    Contradiction,
}

/// An order was not decided; nothing is held or stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecideError {
    /// The id was used before, for another order.
    #[error("the order id was used before for a different order")]
    Conflict {
        /// The decision that used it.
        seq: Seq,
    },
    /// The queue to the journal is full.
    #[error("the journal's queue is full")]
    Overloaded,
    /// The texts of the record (reasons, an actor) are too long.
    #[error("the record would have more than a mebibyte")]
    TooLarge,
    /// As many orders are remembered as the configuration allows.
    #[error("no more orders can be remembered")]
    MemoryFull,
    /// As many orders of this client are remembered as the configuration allows.
    #[error("no more orders of this client can be remembered")]
    ClientFull,
    /// Orders in as many symbols were authorized as the configuration allows, and in none of this one.
    #[error("no more symbols can be remembered")]
    SymbolsFull,
    /// The order names a context that is no longer in force: decide it again under the current one.
    #[error("another policy or key is in force")]
    ContextReplaced,
    /// The journal cannot be written.
    #[error(transparent)]
    NotDurable(#[from] NotDurable),
}

/// A hold was not given back; nothing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseError {
    /// No order of that client and id is remembered.
    #[error("no such order is remembered")]
    UnknownOrder,
    /// The order has had as many fills and releases by quantity as one may have.
    #[error("the order has had as many fills and releases by quantity as one may have")]
    TooManyReports,
    /// The queue to the journal is full.
    #[error("the journal's queue is full")]
    Overloaded,
    /// The texts of the record (reasons, an actor) are too long.
    #[error("the record would have more than a mebibyte")]
    TooLarge,
    /// The journal cannot be written.
    #[error(transparent)]
    NotDurable(#[from] NotDurable),
}

/// A fill was not applied; nothing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FillError {
    /// No order of that client and id is remembered.
    #[error("no such order is remembered")]
    UnknownOrder,
    /// The order was blocked, so nothing of it can have traded.
    #[error("the order was blocked")]
    BlockedOrder,
    /// The execution id was used before on this order, with another quantity or price.
    #[error("the execution id was used before with a different quantity or price")]
    Conflict {
        /// The fill that used it.
        seq: Seq,
    },
    /// The order has had as many fills and releases by quantity as one may have.
    #[error("the order has had as many fills and releases by quantity as one may have")]
    TooManyReports,
    /// Quantity × price × contract size is beyond what an amount can hold.
    #[error("the fill's notional is out of range")]
    OutOfRange,
    /// The queue to the journal is full.
    #[error("the journal's queue is full")]
    Overloaded,
    /// The texts of the record (reasons, an actor) are too long.
    #[error("the record would have more than a mebibyte")]
    TooLarge,
    /// The journal cannot be written.
    #[error(transparent)]
    NotDurable(#[from] NotDurable),
}

/// A position was not set; nothing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PositionError {
    /// The position is not the one that the caller expects.
    #[error("the position is {found}")]
    Unexpected {
        /// The position found.
        found: NetNotional,
    },
    /// The queue to the journal is full.
    #[error("the journal's queue is full")]
    Overloaded,
    /// The texts of the record (reasons, an actor) are too long.
    #[error("the record would have more than a mebibyte")]
    TooLarge,
    /// The journal cannot be written.
    #[error(transparent)]
    NotDurable(#[from] NotDurable),
}

/// A record did not get into the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The queue to the journal is full.
    #[error("the journal's queue is full")]
    Overloaded,
    /// The texts of the record (reasons, an actor) are too long.
    #[error("the record would have more than a mebibyte")]
    TooLarge,
    /// The journal cannot be written.
    #[error(transparent)]
    NotDurable(#[from] NotDurable),
}

macro_rules! from_record_error {
    ($($error:ident),+) => {$(
        impl From<RecordError> for $error {
            fn from(error: RecordError) -> Self {
                match error {
                    RecordError::Overloaded => Self::Overloaded,
                    RecordError::TooLarge => Self::TooLarge,
                    RecordError::NotDurable(error) => Self::NotDurable(error),
                }
            }
        }
    )+};
}
from_record_error!(DecideError, ReleaseError, FillError, PositionError);

/// The journal failed, or was closed, before the record was on disk. Whether it got there is
/// not known until the store is recovered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the journal cannot be written")]
pub struct NotDurable;

/// A record could not be read back.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no such record, it is of another kind, or it was pruned.
    #[error("no such record")]
    NotFound,
    /// The record is not durable and never will be.
    #[error(transparent)]
    NotDurable(#[from] NotDurable),
    /// The record is not as it was written.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// SQLite refused.
    #[error("the journal cannot be read")]
    Sqlite(#[from] rusqlite::Error),
}

/// No snapshot was taken; the previous one is kept.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The file could not be written.
    #[error("snapshot cannot be written")]
    Io(#[from] std::io::Error),
    /// SQLite refused.
    #[error("the journal cannot be read")]
    Sqlite(#[from] rusqlite::Error),
    /// The directory is not the one that was opened.
    #[error(transparent)]
    Displaced(#[from] Displaced),
    /// The journal failed meanwhile.
    #[error(transparent)]
    NotDurable(#[from] NotDurable),
    /// The ledger is being closed; the next start replays the journal from the previous snapshot.
    #[error("the ledger is being closed")]
    Closed,
    /// The journal failed and was recovered meanwhile.
    #[error("the journal was recovered meanwhile")]
    Recovered,
}
