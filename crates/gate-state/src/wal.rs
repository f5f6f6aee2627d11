//! Syncing the write-ahead log, apart from SQLite: a commit only appends to it, so that the next
//! can be appended while this one is on its way to the disk.

use std::fs::{File, OpenOptions};
use std::io;

use crate::store::Paths;

/// How many commits may be on their way to the disk at once.
///
/// With more than one, one's sync may come upon the failed write of the other. That it is told to
/// *each* open file that may have written, and not only to the one that asks first, is what makes
/// that safe: Linux promises it (fsync(2), since 4.13), others may not.
pub(crate) const IN_FLIGHT: usize = if cfg!(target_os = "linux") { 2 } else { 1 };

/// The write-ahead log, opened to be synced by one thread.
pub(crate) struct WalSync(File);

impl WalSync {
    /// Once SQLite has made the file.
    pub(crate) fn open(paths: &Paths) -> io::Result<Self> {
        // SQLite alone writes it; but only of files that may write does the promise above speak.
        let file = OpenOptions::new().write(true).open(&paths.wal)?;
        Ok(Self(file))
    }

    /// What was appended before is on the disk when this returns, unless the sync of another has
    /// failed. Once it has failed nobody knows what is.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}

/// As [`WalSync::sync`], for whoever only reads; without a log there is nothing to be synced.
pub(crate) fn sync_to_read(paths: &Paths) -> io::Result<()> {
    match File::open(&paths.wal) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        wal => wal?.sync_data(),
    }
}
