//! The files of a store, and the lock on it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::error::OpenError;

/// Where things are in a data directory.
#[derive(Debug, Clone)]
pub(crate) struct Paths {
    pub(crate) database: PathBuf,
    pub(crate) wal: PathBuf,
    pub(crate) snapshot: PathBuf,
    /// Written over by the next snapshot, which then changes places with the one in force.
    pub(crate) snapshot_spare: PathBuf,
    lock: PathBuf,
}

impl Paths {
    pub(crate) fn new(dir: &Path) -> Self {
        Self {
            database: dir.join("ledger.db"),
            wal: dir.join("ledger.db-wal"),
            snapshot: dir.join("ledger.snapshot"),
            snapshot_spare: dir.join("ledger.snapshot.spare"),
            lock: dir.join("ledger.lock"),
        }
    }

    /// Takes the store for this process. Held for as long as the file lives.
    pub(crate) fn lock(&self) -> Result<File, OpenError> {
        let file = private(OpenOptions::new().create(true).truncate(false).write(true))
            .open(&self.lock)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(OpenError::Locked),
            Err(TryLockError::Error(error)) => Err(OpenError::Io(error)),
        }
    }

    /// Whether there is a journal. Where there was one and is none, an error: an empty ledger would have no
    /// exposure and no kill switch.
    pub(crate) fn has_journal(&self) -> Result<bool, OpenError> {
        if self.database.try_exists()? {
            return Ok(true);
        }
        match std::fs::metadata(&self.lock) {
            Ok(lock) if lock.len() > 0 => Err(OpenError::JournalMissing),
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(false),
        }
    }

    /// Makes the database's file if there is none: SQLite would let everybody read it. (What it puts beside it
    /// has the mode of this.)
    pub(crate) fn make_database(&self) -> Result<(), OpenError> {
        private(OpenOptions::new().create(true).truncate(false).write(true))
            .open(&self.database)?;
        Ok(())
    }

    /// Notes in the lock that there is a journal, once that is on the disk.
    pub(crate) fn note_journal(
        &self,
        mut lock: &File,
        store_id: &[u8; 16],
    ) -> Result<(), OpenError> {
        if lock.metadata()?.len() == 0 {
            self.sync_names()?;
            let id: String = store_id.iter().map(|byte| format!("{byte:02x}")).collect();
            lock.write_all(format!("{id}\n").as_bytes())?;
            lock.sync_data()?;
        }
        Ok(())
    }

    /// Which file has which name is on disk when this returns.
    pub(crate) fn sync_names(&self) -> io::Result<()> {
        let dir = self.lock.parent().unwrap_or(Path::new("."));
        File::open(dir)?.sync_all()
    }
}

/// A file that others have no right to, if it is made: it names every client's orders.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o640)
}
