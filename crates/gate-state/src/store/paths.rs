//! The files of a store, and the lock on it.

use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown};
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
        let file = self.open_to_write(&self.lock)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(OpenError::Locked),
            Err(TryLockError::Error(error)) => Err(OpenError::Io(error)),
        }
    }

    /// Whether there is a journal. Where there was one and its file is gone or empty, that is an error: an empty
    /// ledger would have no exposure and no kill switch.
    pub(crate) fn has_journal(&self) -> Result<bool, OpenError> {
        let database = about(&self.database)?;
        if database.is_some_and(|database| database.len() > 0) {
            return Ok(true);
        }
        match self.noted_store()? {
            Some(_) => Err(OpenError::JournalMissing),
            None => Ok(false),
        }
    }

    /// The id of the store that is or was here, as the lock has it; `None` before there was one.
    pub(crate) fn noted_store(&self) -> io::Result<Option<String>> {
        match std::fs::read_to_string(&self.lock) {
            Ok(id) if id.is_empty() => Ok(None),
            Ok(id) => Ok(Some(id.trim_end().to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes the database's file if there is none: SQLite would let everybody read it. (What it puts beside it
    /// has the mode of this.)
    pub(crate) fn make_database(&self) -> io::Result<()> {
        self.open_to_write(&self.database).map(drop)
    }

    /// Opens one of the store's files for writing. One that is made is private, since it names every client's
    /// orders, and belongs to whom the database belongs, so that root may prune the store of a service.
    pub(crate) fn open_to_write(&self, path: &Path) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o640);
        let file = options.open(path)?;
        if let Some(database) = about(&self.database)? {
            let (theirs, ours) = (database, file.metadata()?);
            if (theirs.uid(), theirs.gid()) != (ours.uid(), ours.gid()) {
                // Whoever may not give it away is not root, and the file is his own.
                let _ = fchown(&file, Some(theirs.uid()), Some(theirs.gid()));
            }
        }
        Ok(file)
    }

    /// Opens the spare to write the next snapshot over it. One that has another name as well (a backup by hard
    /// link), and one that only another user may write, is left alone or removed, and a new one made.
    pub(crate) fn open_spare(&self) -> io::Result<File> {
        let spare = &self.snapshot_spare;
        if about(spare)?.is_some_and(|spare| spare.nlink() > 1) {
            std::fs::remove_file(spare)?;
        }
        match self.open_to_write(spare) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                std::fs::remove_file(spare)?;
                self.open_to_write(spare)
            }
            opened => opened,
        }
    }

    /// Notes in the lock which store is here, once that is on the disk.
    pub(crate) fn note_journal(
        &self,
        mut lock: &File,
        store_id: &[u8; 16],
    ) -> Result<(), OpenError> {
        if lock.metadata()?.len() == 0 {
            self.sync_names()?;
            lock.write_all(format!("{}\n", hex(store_id)).as_bytes())?;
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

/// A store's id as text.
pub(crate) fn hex(store_id: &[u8; 16]) -> String {
    store_id.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is known of a file; `None` when it is not there.
fn about(path: &Path) -> io::Result<Option<Metadata>> {
    match std::fs::metadata(path) {
        Ok(about) => Ok(Some(about)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_backup_of_a_snapshot_by_hard_link_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (paths, backup) = (Paths::new(dir.path()), dir.path().join("backup"));
        fs::write(&paths.snapshot_spare, b"as it was").unwrap();
        fs::hard_link(&paths.snapshot_spare, &backup).unwrap();
        paths.open_spare().unwrap().write_all(b"new").unwrap();
        assert_eq!(fs::read(&backup).unwrap(), b"as it was");
        assert_eq!(fs::read(&paths.snapshot_spare).unwrap(), b"new");
    }

    /// Only root can give a file away; nobody else can come into the case.
    #[test]
    fn what_root_makes_belongs_to_whom_the_database_belongs() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::new(dir.path());
        paths.make_database().unwrap();
        if std::os::unix::fs::chown(&paths.database, Some(65_534), Some(65_534)).is_err() {
            return;
        }
        drop(paths.lock().unwrap());
        drop(paths.open_spare().unwrap());
        for path in [&paths.lock, &paths.snapshot_spare] {
            let about = fs::metadata(path).unwrap();
            assert_eq!((about.uid(), about.gid()), (65_534, 65_534), "{path:?}");
        }
    }
}
