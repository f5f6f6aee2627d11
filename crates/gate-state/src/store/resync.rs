//! Makes a store durable before it is read back: what is read must not be only in memory.
//!
//! After a failed sync the system keeps pages in memory that it counts as written, though the disk
//! never got them; the next sync succeeds without them. Whoever builds on such pages loses them at
//! the next power failure, and with them the database into which they were moved. Writing the same
//! bytes again makes the system write them for good. That is safe at any moment: each sector holds
//! the old bytes or the same ones.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::Paths;

/// Bytes written again at a time.
const STEP: usize = 1 << 20;
/// The page that says how to read the database. Without it SQLite takes the file for an empty one
/// and drops the write-ahead log.
const HEADER_BYTES: u64 = 4096;

/// Makes the write-ahead log, as it reads now, durable, and the database's header. The database's
/// other pages are all moved there again from the log.
pub(crate) fn resync(paths: &Paths) -> io::Result<()> {
    write_again(&paths.database, HEADER_BYTES)?;
    write_again(&paths.wal, u64::MAX)
}

fn write_again(path: &Path, limit: u64) -> io::Result<()> {
    let file = match OpenOptions::new().read(true).write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let end = file.metadata()?.len().min(limit);
    if end == 0 {
        return Ok(());
    }
    copy_onto_itself(&file, end)?;
    file.sync_all()
}

fn copy_onto_itself(file: &File, end: u64) -> io::Result<()> {
    let mut buffer = vec![0; STEP];
    let mut at = 0;
    while at < end {
        let left = usize::try_from(end.saturating_sub(at)).unwrap_or(STEP);
        let bytes = buffer.get_mut(..left.min(STEP)).unwrap_or_default();
        file.read_exact_at(bytes, at)?;
        file.write_all_at(bytes, at)?;
        at = at.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    }
    Ok(())
}
