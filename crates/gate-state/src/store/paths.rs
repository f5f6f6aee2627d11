//! The files of a store: their paths, owners and modes, and the lock.

use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::error::{Displaced, OpenError};
use crate::record::chain::hex;

/// Paths of the files in a data directory.
#[derive(Debug, Clone)]
pub(crate) struct Paths {
    pub(crate) database: PathBuf,
    pub(crate) wal: PathBuf,
    pub(crate) snapshot: PathBuf,
    /// The next snapshot is written over this file, which then changes places with `snapshot`.
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

    /// Locks the store for this process, for as long as the returned file is open.
    pub(crate) fn lock(&self) -> Result<File, OpenError> {
        let file = self.open_beside(&self.lock)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(OpenError::Locked),
            Err(TryLockError::Error(error)) => Err(OpenError::Io(error)),
        }
    }

    /// Checks that the lock at its path is the file that is locked: since it was, the directory can
    /// have been moved, replaced or unmounted.
    pub(crate) fn check_lock<E: From<io::Error> + From<Displaced>>(
        &self,
        locked: &File,
    ) -> Result<(), E> {
        let (there, ours) = (about(&self.lock)?, locked.metadata()?);
        let is_ours = |there: Metadata| (there.dev(), there.ino()) == (ours.dev(), ours.ino());
        let is_locked = there.is_some_and(is_ours);
        Ok(is_locked.then_some(()).ok_or(Displaced)?)
    }

    /// Whether there is a journal. If there was one and its file is gone or empty, that is an
    /// error: an empty ledger would have no exposure and no kill switch.
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

    /// Id of the store that is or was here, from the lock file; `None` if there never was one.
    pub(crate) fn noted_store(&self) -> io::Result<Option<String>> {
        match std::fs::read(&self.lock) {
            Ok(id) if id.is_empty() => Ok(None),
            // A note that was torn when the power went may be no text.
            Ok(id) => Ok(Some(String::from_utf8_lossy(&id).trim_end().to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Creates the database's file if there is none: SQLite would make it readable by everybody.
    /// Files that SQLite puts beside it get the same mode.
    pub(crate) fn make_database(&self) -> io::Result<()> {
        private().open(&self.database).map(drop)
    }

    /// Opens a file that stands beside the database, for writing. It belongs to the database's owner,
    /// so that root may prune a service's store; a link is refused, since root would give away what
    /// it leads to.
    fn open_beside(&self, path: &Path) -> io::Result<File> {
        let nofollow = i32::try_from(OFlags::NOFOLLOW.bits()).map_err(io::Error::other)?;
        let file = private().custom_flags(nofollow).open(path)?;
        if let Some(database) = about(&self.database)? {
            let (theirs, ours) = (database, file.metadata()?);
            let is_alone = ours.is_file() && ours.nlink() == 1;
            if is_alone && (theirs.uid(), theirs.gid()) != (ours.uid(), ours.gid()) {
                // This fails only for a user other than root, who owns the file.
                let _ = fchown(&file, Some(theirs.uid()), Some(theirs.gid()));
            }
        }
        Ok(file)
    }

    /// Opens the spare to write the next snapshot over it. Makes a new one if the spare has another
    /// hard link (a backup, which stays as it is) or may not be written by this user.
    pub(crate) fn open_spare(&self) -> io::Result<File> {
        let spare = &self.snapshot_spare;
        if about(spare)?.is_some_and(|spare| spare.nlink() > 1) {
            std::fs::remove_file(spare)?;
        }
        match self.open_beside(spare) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                std::fs::remove_file(spare)?;
                self.open_beside(spare)
            }
            opened => opened,
        }
    }

    /// Notes the store's id in the lock if it is empty, after syncing the directory.
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

    /// Makes the names of the files durable.
    pub(crate) fn sync_names(&self) -> io::Result<()> {
        let dir = self.lock.parent().unwrap_or(Path::new("."));
        File::open(dir)?.sync_all()
    }
}

/// Opens for writing, and makes what is not there: not readable by everybody, since it names every
/// client's orders.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o640);
    options
}

/// A file's metadata; `None` if there is no such file.
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

    /// Only root can give a file away; others return early.
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
        // Nothing is given away that a link leads to.
        let elsewhere = dir.path().join("elsewhere");
        fs::write(&elsewhere, b"root's").unwrap();
        fs::remove_file(&paths.snapshot_spare).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &paths.snapshot_spare).unwrap();
        assert!(paths.open_spare().is_err());
        assert_eq!(fs::metadata(&elsewhere).unwrap().uid(), 0);
        fs::remove_file(&paths.snapshot_spare).unwrap();
        drop(paths.open_spare().unwrap());
        for path in [&paths.lock, &paths.snapshot_spare] {
            let about = fs::metadata(path).unwrap();
            assert_eq!((about.uid(), about.gid()), (65_534, 65_534), "{path:?}");
        }
    }
}
