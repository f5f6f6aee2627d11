//! Reads a bundle from a directory: plain files only, no link followed inside it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::files::{Files, MAX_FILE_BYTES, MAX_FILES, MAX_PATH_DEPTH, within};
use super::{BundleError, signature};

/// The most directory entries looked at, so that a misplaced path does not walk a disk.
pub(super) const MAX_ENTRIES: usize = 20 * MAX_FILES;

/// The link in a Kubernetes volume that is swapped when its content changes: everything else there
/// is a link through it, and what it leads to never changes.
const KUBERNETES_DATA: &str = "..data";

/// Where the files really are. Links are resolved here, once, so that a link that is swapped
/// meanwhile cannot give half of one directory and half of another.
pub(super) fn resolve(path: &Path) -> io::Result<PathBuf> {
    let real = fs::canonicalize(path)?;
    let data = real.join(KUBERNETES_DATA);
    if fs::symlink_metadata(&data).is_ok_and(|found| found.is_symlink()) {
        return fs::canonicalize(data);
    }
    Ok(real)
}

pub(super) fn read(path: &Path) -> Result<Files, BundleError> {
    let root = &resolve(path).map_err(|source| io_error(path, source))?;
    let mut walk = Walk {
        files: Files::default(),
        is_signed: root.join(signature::FILE).is_file(),
        entries: 0,
    };
    walk.directory(root, "", 0)?;
    Ok(walk.files)
}

struct Walk {
    files: Files,
    /// If so, files that are not part of a bundle are read, too.
    is_signed: bool,
    entries: usize,
}

impl Walk {
    fn directory(&mut self, path: &Path, name: &str, depth: usize) -> Result<(), BundleError> {
        within("a path's depth", depth, MAX_PATH_DEPTH)?;
        let failed = |source| io_error(path, source);
        for entry in fs::read_dir(path).map_err(failed)? {
            self.entries = self.entries.saturating_add(1);
            within("the number of directory entries", self.entries, MAX_ENTRIES)?;
            let entry = entry.map_err(failed)?;
            let file_name = entry.file_name();
            let Some(file_name) = file_name.to_str() else {
                return Err(BundleError::Path(entry.path().display().to_string()));
            };
            let inner = if name.is_empty() {
                file_name.to_owned()
            } else {
                format!("{name}/{file_name}")
            };
            // The type of the entry itself: a link is not followed.
            let kind = entry.file_type().map_err(failed)?;
            if kind.is_dir() {
                // `.git` and its like; a bundle's hidden files are all at its root.
                if !file_name.starts_with('.') {
                    self.directory(&entry.path(), &inner, depth.saturating_add(1))?;
                }
            } else if kind.is_file() {
                if Files::wanted(&inner)?.is_some() {
                    self.files
                        .add(&inner, read_file(&entry.path(), MAX_FILE_BYTES)?)?;
                } else if self.is_signed && is_small(&entry).map_err(failed)? {
                    let content = read_file(&entry.path(), MAX_FILE_BYTES)?;
                    self.files.add_other(&inner, content)?;
                }
            } else {
                return Err(BundleError::NotAFile(inner));
            }
        }
        Ok(())
    }
}

fn is_small(entry: &fs::DirEntry) -> io::Result<bool> {
    let length = usize::try_from(entry.metadata()?.len());
    Ok(length.is_ok_and(|length| length <= MAX_FILE_BYTES))
}

/// Reads a file, but never more than `limit` bytes of it.
pub(super) fn read_file(path: &Path, limit: usize) -> Result<Vec<u8>, BundleError> {
    let file = File::open(path).map_err(|source| io_error(path, source))?;
    let mut bytes = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    file.take(most)
        .read_to_end(&mut bytes)
        .map_err(|source| io_error(path, source))?;
    within("a file's size in bytes", bytes.len(), limit)?;
    Ok(bytes)
}

fn io_error(path: &Path, source: io::Error) -> BundleError {
    BundleError::Io {
        path: path.display().to_string(),
        source,
    }
}
