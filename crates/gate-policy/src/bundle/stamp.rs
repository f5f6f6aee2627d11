//! Tells whether a bundle on disk has changed, from metadata alone, so that it can be asked often.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::dir::{self, MAX_ENTRIES};
use super::files::MAX_PATH_DEPTH;

/// The metadata of a bundle's files. Stamps differ when a file was written, replaced, added or
/// removed, when a link on the way was swapped, and also when only a file's owner or mode was
/// changed.
///
/// Equal stamps of a directory that is being written prove nothing about the next moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleStamp(Vec<Seen>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    path: PathBuf,
    is_dir: bool,
    device: u64,
    inode: u64,
    bytes: u64,
    /// Last write and last change of metadata (mtime, ctime), in seconds and nanoseconds: the
    /// second cannot be set back by a copy that preserves times.
    times: [(i64, i64); 2],
}

impl BundleStamp {
    /// Looks at the directory or file at `path`, links resolved.
    ///
    /// # Errors
    /// What the system says, when `path` or something below it cannot be looked at.
    pub fn of(path: &Path) -> io::Result<Self> {
        let root = dir::resolve(path)?;
        let mut stamp = Self(Vec::new());
        let found = fs::metadata(&root)?;
        let is_dir = found.is_dir();
        stamp.push(root.clone(), &found);
        if is_dir {
            stamp.directory(&root, 0)?;
            stamp.0.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        }
        Ok(stamp)
    }

    fn directory(&mut self, path: &Path, depth: usize) -> io::Result<()> {
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            // The loader refuses what is deeper or more; there is no need to see that change.
            if self.0.len() > MAX_ENTRIES || depth > MAX_PATH_DEPTH {
                return Ok(());
            }
            // Of the entry itself: the loader follows no link either.
            let found = entry.metadata()?;
            let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
            if found.is_dir() && is_hidden {
                continue;
            }
            self.push(entry.path(), &found);
            if found.is_dir() {
                self.directory(&entry.path(), depth.saturating_add(1))?;
            }
        }
        Ok(())
    }

    fn push(&mut self, path: PathBuf, found: &Metadata) {
        let is_dir = found.is_dir();
        self.0.push(Seen {
            path,
            is_dir,
            device: found.dev(),
            inode: found.ino(),
            // A directory's own size and times change with files that are no part of a bundle.
            bytes: if is_dir { 0 } else { found.size() },
            times: if is_dir {
                [(0, 0); 2]
            } else {
                [
                    (found.mtime(), found.mtime_nsec()),
                    (found.ctime(), found.ctime_nsec()),
                ]
            },
        });
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::Bundle;

    fn write(dir: &Path, revision: &str) {
        fs::create_dir_all(dir).unwrap();
        fs::write(dir.join("data.json"), r#"{"limits":{}}"#).unwrap();
        let manifest = format!(r#"{{"revision":"{revision}"}}"#);
        fs::write(dir.join(".manifest"), manifest).unwrap();
    }

    fn stamp(path: &Path) -> BundleStamp {
        BundleStamp::of(path).unwrap()
    }

    #[test]
    fn a_look_changes_nothing_and_every_kind_of_change_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let bundle = dir.path().join("b");
        write(&bundle, "1");
        let mut last = stamp(&bundle);
        assert_eq!(stamp(&bundle), last);
        let mut check = |what: &str, change: &dyn Fn()| {
            change();
            let now = stamp(&bundle);
            assert_ne!(now, last, "{what}");
            last = now;
        };
        check("a file is added", &|| {
            fs::create_dir(bundle.join("x")).unwrap();
            fs::write(bundle.join("x/p.rego"), "package gate").unwrap();
        });
        check("a file is replaced by one as large", &|| {
            fs::write(dir.path().join("new"), "package gale").unwrap();
            fs::rename(dir.path().join("new"), bundle.join("x/p.rego")).unwrap();
        });
        check("a file grows", &|| {
            fs::write(bundle.join("x/p.rego"), "package gate\n").unwrap();
        });
        check("a file is removed", &|| {
            fs::remove_file(bundle.join("x/p.rego")).unwrap();
        });
        check("the directory is replaced", &|| {
            fs::rename(&bundle, dir.path().join("old")).unwrap();
            write(&bundle, "1");
        });
        fs::create_dir(bundle.join(".git")).unwrap();
        fs::write(bundle.join(".git/index"), "x").unwrap();
        assert_eq!(stamp(&bundle), last, "no part of a bundle");
        fs::remove_dir_all(&bundle).unwrap();
        assert!(BundleStamp::of(&bundle).is_err());
    }

    #[test]
    fn a_kubernetes_volume_is_read_through_its_link_and_a_swap_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let volume = dir.path().join("volume");
        write(&volume.join("..2026_01"), "1");
        symlink("..2026_01", volume.join("..data")).unwrap();
        for name in ["data.json", ".manifest"] {
            symlink(format!("..data/{name}"), volume.join(name)).unwrap();
        }
        let first = stamp(&volume);
        assert_eq!(Bundle::load(&volume, None).unwrap().revision(), "1");

        write(&volume.join("..2026_02"), "2");
        assert_eq!(stamp(&volume), first, "not before the swap");
        symlink("..2026_02", volume.join("..data_tmp")).unwrap();
        fs::rename(volume.join("..data_tmp"), volume.join("..data")).unwrap();
        assert_ne!(stamp(&volume), first);
        assert_eq!(Bundle::load(&volume, None).unwrap().revision(), "2");
    }

    #[test]
    fn the_path_itself_may_be_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let current = dir.path().join("current");
        for release in ["1", "2"] {
            write(&dir.path().join(release), release);
        }
        symlink("1", &current).unwrap();
        let first = stamp(&current);
        assert_eq!(Bundle::load(&current, None).unwrap().revision(), "1");
        fs::remove_file(&current).unwrap();
        symlink("2", &current).unwrap();
        assert_ne!(stamp(&current), first);
        assert_eq!(Bundle::load(&current, None).unwrap().revision(), "2");
    }
}
