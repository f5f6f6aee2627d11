//! Reads a bundle from a gzipped tar in memory. Nothing is ever unpacked to disk.

use std::io::Read;
use std::path::Path;

use flate2::read::MultiGzDecoder;
use tar::{Archive, EntryType};

use super::files::{Files, MAX_ARCHIVE_BYTES, MAX_BUNDLE_BYTES, MAX_FILE_BYTES, MAX_FILES, within};
use super::{BundleError, dir};

/// The most entries of an archive that are looked at, wanted or not.
const MAX_ENTRIES: usize = 2 * MAX_FILES;

pub(super) fn read_file(path: &Path) -> Result<Files, BundleError> {
    read(&dir::read_file(path, MAX_ARCHIVE_BYTES)?)
}

pub(super) fn read(bytes: &[u8]) -> Result<Files, BundleError> {
    within(
        "the archive's size in bytes",
        bytes.len(),
        MAX_ARCHIVE_BYTES,
    )?;
    let mut unpacked = Bounded {
        inner: MultiGzDecoder::new(bytes),
        // Headers and padding are 512 bytes each per entry, beside the contents.
        left: MAX_BUNDLE_BYTES.saturating_add(MAX_ENTRIES.saturating_mul(1024)),
    };
    let result = entries(&mut unpacked).and_then(|files| {
        // Reads on after the last entry, so that gzip's checksum is verified.
        let rest = std::io::copy(&mut unpacked, &mut std::io::sink());
        rest.map(|_| files).map_err(BundleError::Archive)
    });
    if unpacked.left == 0 {
        // The archive was cut there, whatever the tar reader made of it.
        return Err(BundleError::TooLarge {
            what: "the bundle's size in bytes",
            limit: MAX_BUNDLE_BYTES,
        });
    }
    result
}

fn entries(unpacked: &mut Bounded<'_>) -> Result<Files, BundleError> {
    let mut archive = Archive::new(unpacked);
    let mut files = Files::default();
    for (count, entry) in archive.entries().map_err(BundleError::Archive)?.enumerate() {
        within(
            "the number of archive entries",
            count.saturating_add(1),
            MAX_ENTRIES,
        )?;
        let mut entry = entry.map_err(BundleError::Archive)?;
        let path = entry.path_bytes();
        let path = match std::str::from_utf8(&path) {
            Ok(path) => path.to_owned(),
            Err(_) => {
                return Err(BundleError::Path(
                    String::from_utf8_lossy(&path).into_owned(),
                ));
            }
        };
        match entry.header().entry_type() {
            EntryType::Directory | EntryType::XGlobalHeader => continue,
            EntryType::Regular | EntryType::Continuous => {}
            _ => return Err(BundleError::NotAFile(path)),
        }
        let size = usize::try_from(entry.size()).unwrap_or(usize::MAX);
        if Files::wanted(&path)?.is_some() {
            within("a file's size in bytes", size, MAX_FILE_BYTES)?;
        } else if size > MAX_FILE_BYTES {
            continue;
        }
        let mut content = Vec::with_capacity(size);
        entry
            .read_to_end(&mut content)
            .map_err(BundleError::Archive)?;
        if content.len() != size {
            return Err(BundleError::Archive(
                std::io::ErrorKind::UnexpectedEof.into(),
            ));
        }
        files.add(&path, content)?;
    }
    Ok(files)
}

/// A reader that ends after `left` bytes: a decompression bomb is never unpacked in full.
struct Bounded<'a> {
    inner: MultiGzDecoder<&'a [u8]>,
    left: usize,
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = buffer.len().min(self.left);
        let read = match buffer.get_mut(..most) {
            Some(buffer) => self.inner.read(buffer)?,
            None => 0,
        };
        self.left = self.left.saturating_sub(read);
        Ok(read)
    }
}
