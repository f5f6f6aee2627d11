//! The draft of a key file, which is written beside it and then takes its name.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

use crate::keyring::KeyRing;

/// A file beside the key file, removed on drop unless it took the key file's place.
pub(super) struct Draft {
    pub(super) path: PathBuf,
    file: File,
    pub(super) in_place: bool,
}

impl Draft {
    pub(super) fn take(path: PathBuf) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        options.mode(0o600);
        let file = options.open(&path)?;
        Ok(Self {
            path,
            file,
            in_place: false,
        })
    }

    pub(super) fn fill(&mut self, keys: &KeyRing) -> io::Result<()> {
        self.file.write_all(keys.to_jwks().as_bytes())?;
        self.file.sync_all()
    }

    /// Gives the draft the owner, group and mode of `path`: a change by root must not take the file from
    /// the service that reads it.
    pub(super) fn give_to_the_owner_of(&self, path: &Path) -> io::Result<()> {
        let (theirs, ours) = (fs::metadata(path)?, self.file.metadata()?);
        if (theirs.uid(), theirs.gid()) != (ours.uid(), ours.gid()) {
            fchown(&self.file, Some(theirs.uid()), Some(theirs.gid()))?;
        }
        // INVARIANT: it was read, so its mode is fit.
        let mode = fs::Permissions::from_mode(theirs.mode() & 0o777);
        self.file.set_permissions(mode)
    }

    pub(super) fn write(path: PathBuf, keys: &KeyRing) -> io::Result<Self> {
        let mut draft = Self::take(path)?;
        draft.fill(keys)?;
        Ok(draft)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.in_place {
            // Nothing better can be done about a draft that cannot be removed.
            let _ = fs::remove_file(&self.path);
        }
    }
}
