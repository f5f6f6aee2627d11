//! The key file: a JWK Set that only its owner may read, replaced whole or not at all.
//!
//! This is the one module of the crate that touches files.

mod draft;
mod rights;

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use ring::rand::{SecureRandom as _, SystemRandom};
use rustix::fs::{Mode, OFlags};
use zeroize::Zeroizing;

use crate::keyring::{KeyError, KeyRing};
use draft::Draft;

/// The most bytes a key file may have.
const MAX_BYTES: u64 = 1024 * 1024;

/// Why a key file was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The operating system refused.
    #[error("cannot {action} key file `{}`", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The draft of another change exists: that change is in progress, or was interrupted.
    #[error(
        "key file `{}` is being changed, or a change was broken off: remove `{}` if nobody is at it",
        path.display(),
        draft.display()
    )]
    UnderWay {
        /// The file.
        path: PathBuf,
        /// The draft that is in the way.
        draft: PathBuf,
    },
    /// Others have a right to the file.
    #[error(
        "key file `{}` has mode {mode:03o}: others must have no right to it (chmod 600; or 640 for a file of root's \
         that another user reads)",
        path.display()
    )]
    OthersMayRead {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Not a regular file, or larger than a megabyte.
    #[error("`{}` is not a key file", path.display())]
    NotAKeyFile {
        /// The file.
        path: PathBuf,
    },
    /// The content is not a key ring.
    #[error("key file `{}` is refused", path.display())]
    Keys {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: KeyError,
    },
}

/// The file that a key ring is stored in.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// use gate_token::{KeyFile, KeyRing};
/// let file = KeyFile::new(dir.path().join("keys.json"));
/// file.create(&KeyRing::generate("2026-a")?)?;
/// file.rotate("2026-b", 1_790_000_000, 86_400)?;
/// assert_eq!(file.read()?.active().kid(), "2026-b");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFile {
    path: PathBuf,
}

impl KeyFile {
    /// The key file at that path; nothing is read yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the key ring. The mode checked is that of the opened file, so the path cannot be
    /// swapped between.
    ///
    /// # Errors
    /// [`KeyFileError`]; [`KeyFileError::OthersMayRead`] when group or others have any right. As for
    /// PostgreSQL's `ssl_key_file`, the group may read a file that root owns, unless root reads it:
    /// secrets in Kubernetes volumes are such files.
    pub fn read(&self) -> Result<KeyRing, KeyFileError> {
        // To open a named pipe would be to wait until somebody writes.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = rustix::fs::open(&self.path, flags, Mode::empty());
        let file = File::from(opened.map_err(io::Error::from).map_err(self.io("open"))?);
        let about = file.metadata().map_err(self.io("look at"))?;
        if !about.is_file() || about.len() > MAX_BYTES {
            return Err(KeyFileError::NotAKeyFile {
                path: self.path.clone(),
            });
        }
        if let Some(mode) = rights::unfit_mode(&about) {
            return Err(KeyFileError::OthersMayRead {
                path: self.path.clone(),
                mode,
            });
        }
        // Allocated whole: a buffer that grows leaves copies of secrets behind.
        let room = usize::try_from(about.len()).unwrap_or(0).saturating_add(1);
        let mut text = Zeroizing::new(Vec::with_capacity(room));
        file.take(about.len())
            .read_to_end(&mut text)
            .map_err(self.io("read"))?;
        KeyRing::from_jwks(&text).map_err(self.keys())
    }

    /// Writes a new key file with mode 0600, synced before it gets its name. A file that exists is
    /// left alone: the error's kind is `AlreadyExists`.
    ///
    /// # Errors
    /// [`KeyFileError::Io`]; [`KeyFileError::Keys`] without randomness for the draft's name.
    pub fn create(&self, keys: &KeyRing) -> Result<(), KeyFileError> {
        // A new name each time: a draft left by a crash is in nobody's way.
        let mut suffix = [0; 8];
        SystemRandom::new()
            .fill(&mut suffix)
            .map_err(|_| self.keys()(KeyError::NoRandomness))?;
        let suffix = format!("new-{:016x}", u64::from_ne_bytes(suffix));
        let draft = Draft::write(self.beside(&suffix), keys).map_err(self.io("create"))?;
        fs::hard_link(&draft.path, &self.path).map_err(self.io("create"))?;
        drop(draft);
        self.sync_dir().map_err(self.io("sync"))
    }

    /// Replaces the key ring in one step. Two changes at once cannot overwrite one another: the
    /// second finds the first one's draft and fails.
    ///
    /// # Errors
    /// [`KeyFileError`]; after [`KeyFileError::UnderWay`] due to a crash in mid-change, remove the
    /// draft (`<name>.next`) by hand.
    pub fn replace(&self, keys: &KeyRing) -> Result<(), KeyFileError> {
        self.change(|_| Ok(keys.clone())).map(drop)
    }

    /// Adds a verify-only key: [`KeyRing::stage`].
    ///
    /// # Errors
    /// [`KeyFileError`].
    pub fn stage(&self, kid: &str) -> Result<KeyRing, KeyFileError> {
        self.change(|mut keys| keys.stage(kid).map(|()| keys))
    }

    /// Makes `kid` the active key; the one before verifies for `keep_s` seconds more:
    /// [`KeyRing::rotate`].
    ///
    /// # Errors
    /// [`KeyFileError`].
    pub fn rotate(&self, kid: &str, now_s: u64, keep_s: u64) -> Result<KeyRing, KeyFileError> {
        self.change(|mut keys| keys.rotate(kid, now_s, keep_s).map(|()| keys))
    }

    fn change(
        &self,
        change: impl FnOnce(KeyRing) -> Result<KeyRing, KeyError>,
    ) -> Result<KeyRing, KeyFileError> {
        // A link is followed: the file it leads to is changed.
        let real = Self::new(fs::canonicalize(&self.path).map_err(self.io("open"))?);
        real.change_in_place(change)
    }

    fn change_in_place(
        &self,
        change: impl FnOnce(KeyRing) -> Result<KeyRing, KeyError>,
    ) -> Result<KeyRing, KeyFileError> {
        // The draft's name is the lock: taken before the file is read.
        let draft = self.beside("next");
        let mut draft = Draft::take(draft.clone()).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => KeyFileError::UnderWay {
                path: self.path.clone(),
                draft,
            },
            _ => self.io("change")(error),
        })?;
        let keys = change(self.read()?).map_err(self.keys())?;
        draft.fill(&keys).map_err(self.io("write"))?;
        draft
            .give_to_the_owner_of(&self.path)
            .map_err(self.io("keep the owner of"))?;
        fs::rename(&draft.path, &self.path).map_err(self.io("replace"))?;
        draft.in_place = true;
        self.sync_dir().map_err(self.io("sync"))?;
        Ok(keys)
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{suffix}"));
        self.path.with_file_name(name)
    }

    /// Syncs the directory: the name must survive a power loss, too.
    fn sync_dir(&self) -> io::Result<()> {
        let dir = match self.path.parent() {
            Some(dir) if !dir.as_os_str().is_empty() => dir,
            _ => Path::new("."),
        };
        File::open(dir)?.sync_all()
    }

    fn io(&self, action: &'static str) -> impl FnOnce(io::Error) -> KeyFileError + '_ {
        move |source| KeyFileError::Io {
            action,
            path: self.path.clone(),
            source,
        }
    }

    fn keys(&self) -> impl FnOnce(KeyError) -> KeyFileError + '_ {
        move |source| KeyFileError::Keys {
            path: self.path.clone(),
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use rustix::fs::{CWD, FileType};

    use super::*;

    fn file() -> (tempfile::TempDir, KeyFile) {
        let dir = tempfile::tempdir().unwrap();
        let file = KeyFile::new(dir.path().join("keys.json"));
        (dir, file)
    }

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_new_file_is_the_owners_alone_and_is_never_overwritten() {
        let (dir, file) = file();
        let keys = KeyRing::generate("a").unwrap();
        file.create(&keys).unwrap();
        let mode = fs::metadata(file.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(file.read().unwrap().to_jwks(), keys.to_jwks());
        match file.create(&KeyRing::generate("b").unwrap()) {
            Err(KeyFileError::Io { source, .. }) => {
                assert_eq!(source.kind(), io::ErrorKind::AlreadyExists);
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(file.read().unwrap().active().kid(), "a");
        assert_eq!(names(dir.path()), ["keys.json"]);
    }

    #[test]
    fn a_file_that_others_have_a_right_to_is_refused() {
        let (_dir, file) = file();
        file.create(&KeyRing::generate("a").unwrap()).unwrap();
        for (mode, refused) in [
            (0o640, true),
            (0o604, true),
            (0o620, true),
            (0o601, true),
            (0o666, true),
            (0o600, false),
            (0o400, false),
        ] {
            fs::set_permissions(file.path(), fs::Permissions::from_mode(mode)).unwrap();
            match file.read() {
                Err(KeyFileError::OthersMayRead { mode: found, .. }) => {
                    assert!(refused && found == mode, "{mode:o}");
                }
                other => assert!(!refused && other.is_ok(), "{mode:o}"),
            }
        }
    }

    #[test]
    fn rotation_keeps_the_mode_and_leaves_no_draft() {
        let (dir, file) = file();
        file.create(&KeyRing::generate("a").unwrap()).unwrap();
        file.stage("b").unwrap();
        assert_eq!(file.read().unwrap().active().kid(), "a");
        let keys = file.rotate("b", 1_000, 60).unwrap();
        assert_eq!(file.read().unwrap().to_jwks(), keys.to_jwks());
        let mode = fs::metadata(file.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(file.rotate("b", 1_000, 60).is_err());
        assert_eq!(names(dir.path()), ["keys.json"]);
    }

    #[test]
    fn a_link_to_the_key_file_stays_one() {
        let (dir, file) = file();
        file.create(&KeyRing::generate("a").unwrap()).unwrap();
        let link = KeyFile::new(dir.path().join("link"));
        std::os::unix::fs::symlink(file.path(), link.path()).unwrap();
        link.rotate("b", 1_000, 60).unwrap();
        assert!(fs::symlink_metadata(link.path()).unwrap().is_symlink());
        assert_eq!(file.read().unwrap().active().kid(), "b");
    }

    /// Checks nothing without root, which alone can change a file's owner.
    #[test]
    fn whoever_changes_keys_as_root_leaves_them_to_their_owner() {
        use std::os::unix::fs::{MetadataExt as _, chown};
        let (_dir, file) = file();
        file.create(&KeyRing::generate("a").unwrap()).unwrap();
        if chown(file.path(), Some(65_534), Some(65_534)).is_err() {
            return;
        }
        file.rotate("b", 1_000, 60).unwrap();
        let about = fs::metadata(file.path()).unwrap();
        assert_eq!((about.uid(), about.gid()), (65_534, 65_534));
        assert_eq!(about.permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_change_under_way_keeps_the_next_one_out() {
        let (_dir, file) = file();
        file.create(&KeyRing::generate("a").unwrap()).unwrap();
        let draft = Draft::take(file.beside("next")).unwrap();
        let refused = file.stage("b").unwrap_err();
        assert!(
            matches!(refused, KeyFileError::UnderWay { .. }),
            "{refused}"
        );
        assert!(refused.to_string().contains("keys.json.next"), "{refused}");
        drop(draft);
        file.stage("b").unwrap();
    }

    #[test]
    fn what_is_no_key_file_is_named() {
        let (dir, file) = file();
        assert!(matches!(
            file.read(),
            Err(KeyFileError::Io { action: "open", .. })
        ));
        let pipe = dir.path().join("pipe");
        let mode = Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(CWD, &pipe, FileType::Fifo, mode, 0).unwrap();
        for no_file in [dir.path(), &pipe] {
            let error = KeyFile::new(no_file).read().unwrap_err();
            assert!(
                matches!(error, KeyFileError::NotAKeyFile { .. }),
                "{error:?}"
            );
        }
        fs::write(file.path(), "{}").unwrap();
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(file.read(), Err(KeyFileError::Keys { .. })));
    }
}
