//! The files of a bundle: which count, under which names, within which limits.

use std::collections::BTreeMap;

use super::BundleError;

/// The most files a bundle may have.
pub const MAX_FILES: usize = 1_000;
/// The largest file, in bytes.
pub const MAX_FILE_BYTES: usize = 8 * 1024 * 1024;
/// The most bytes of all files together, after decompression.
pub const MAX_BUNDLE_BYTES: usize = 32 * 1024 * 1024;
/// The most bytes of the archive, before decompression.
pub const MAX_ARCHIVE_BYTES: usize = 16 * 1024 * 1024;
/// The longest path, in bytes.
pub const MAX_PATH_BYTES: usize = 256;
/// The most names in a path.
pub const MAX_PATH_DEPTH: usize = 16;

/// What a file is for; told by its name alone, as OPA does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Manifest,
    Signatures,
    Data,
    Rego,
    RegoTest,
    Vectors,
}

impl Kind {
    /// `None` for a file that is no part of a bundle.
    pub(super) fn of(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path);
        match name {
            ".manifest" if path == name => Some(Self::Manifest),
            ".signatures.json" if path == name => Some(Self::Signatures),
            "data.json" => Some(Self::Data),
            _ if name.ends_with("_test.rego") => Some(Self::RegoTest),
            _ if name.ends_with(".rego") => Some(Self::Rego),
            _ if name.ends_with("vectors.json") => Some(Self::Vectors),
            _ => None,
        }
    }
}

/// Parts of OPA's format that change what a bundle means, and that are not supported.
const UNSUPPORTED: [&str; 5] = [
    "data.yaml",
    "data.yml",
    "policy.wasm",
    "plan.json",
    "patch.json",
];

/// Files by their path, in byte order.
#[derive(Debug, Clone, Default)]
pub(super) struct Files {
    // INVARIANT: every path has passed `clean`, and the limits hold.
    by_path: BTreeMap<String, Vec<u8>>,
    bytes: usize,
    /// Files that are not part of a bundle but may be signed.
    others: BTreeMap<String, Vec<u8>>,
}

impl Files {
    /// Adds a file if it is part of a bundle.
    pub(super) fn add(&mut self, path: &str, content: Vec<u8>) -> Result<(), BundleError> {
        let Some(path) = Self::wanted(path)? else {
            return self.add_other(path, content);
        };
        within("a file's size in bytes", content.len(), MAX_FILE_BYTES)?;
        self.bytes = self.bytes.saturating_add(content.len());
        within("the bundle's size in bytes", self.bytes, MAX_BUNDLE_BYTES)?;
        if self.by_path.contains_key(&path) {
            return Err(BundleError::DuplicateFile(path));
        }
        self.by_path.insert(path, content);
        within("the number of files", self.by_path.len(), MAX_FILES)
    }

    /// Keeps a file that is not part of a bundle, for the signature, unless it exceeds a bundle's
    /// limits.
    pub(super) fn add_other(&mut self, path: &str, content: Vec<u8>) -> Result<(), BundleError> {
        let bytes = self.bytes.saturating_add(content.len());
        let is_small = content.len() <= MAX_FILE_BYTES && bytes <= MAX_BUNDLE_BYTES;
        if is_small && self.others.len() < MAX_FILES {
            self.bytes = bytes;
            self.others.insert(clean(path)?, content);
        }
        Ok(())
    }

    /// A file kept by `add_other`.
    pub(super) fn other(&self, path: &str) -> Option<&[u8]> {
        self.others.get(path).map(Vec::as_slice)
    }

    /// The clean path of a file that is part of a bundle; `None` for one that is not.
    pub(super) fn wanted(path: &str) -> Result<Option<String>, BundleError> {
        let clean = clean(path)?;
        let name = clean.rsplit('/').next().unwrap_or(&clean);
        if UNSUPPORTED.contains(&name) {
            return Err(BundleError::Unsupported(clean));
        }
        // `.git/…` and its like; a bundle's own hidden files are all at its root.
        let hidden = clean
            .split('/')
            .rev()
            .skip(1)
            .any(|name| name.starts_with('.'));
        // Packed with its directory: the manifest, and all limits, would be ignored.
        if name == ".manifest" && clean != name && !hidden {
            return Err(BundleError::NestedManifest(clean));
        }
        Ok(Kind::of(&clean).filter(|_| !hidden).map(|_| clean))
    }

    pub(super) fn get(&self, path: &str) -> Option<&[u8]> {
        self.by_path.get(path).map(Vec::as_slice)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.by_path
            .iter()
            .map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
    }

    pub(super) fn of_kind(&self, kind: Kind) -> impl Iterator<Item = (&str, &[u8])> {
        self.all()
            .filter(move |(path, _)| Kind::of(path) == Some(kind))
    }

    /// The text files of one kind. INVARIANT: `check_texts` has passed, so none is left out.
    pub(super) fn texts(&self, kind: Kind) -> impl Iterator<Item = (&str, &str)> {
        self.of_kind(kind)
            .filter_map(|(path, bytes)| Some((path, std::str::from_utf8(bytes).ok()?)))
    }

    /// Everything in a bundle is UTF-8, without a byte order mark.
    pub(super) fn check_texts(&self) -> Result<(), BundleError> {
        for (path, bytes) in self.all() {
            match std::str::from_utf8(bytes) {
                Err(_) => return Err(BundleError::NotUtf8(path.to_owned())),
                Ok(text) if text.starts_with('\u{feff}') => {
                    return Err(BundleError::ByteOrderMark(path.to_owned()));
                }
                Ok(_) => {}
            }
        }
        Ok(())
    }
}

/// The path as a bundle names it: relative, `/` between names, nothing that could point out.
fn clean(path: &str) -> Result<String, BundleError> {
    let refused = || BundleError::Path(path.chars().take(MAX_PATH_BYTES).collect());
    within("a path's length in bytes", path.len(), MAX_PATH_BYTES)?;
    // `opa build` writes `/data.json`, tar writes `./data.json`.
    let relative = path.strip_prefix("./").or_else(|| path.strip_prefix('/'));
    let relative = relative.unwrap_or(path);
    let bad_name = |name: &str| name.is_empty() || name == "." || name == "..";
    let bad_char = |c: char| c.is_control() || c == '\\' || c == ':';
    if relative.split('/').any(bad_name) || relative.contains(bad_char) {
        return Err(refused());
    }
    within(
        "a path's depth",
        relative.split('/').count(),
        MAX_PATH_DEPTH,
    )?;
    Ok(relative.to_owned())
}

pub(super) const fn within(
    what: &'static str,
    value: usize,
    limit: usize,
) -> Result<(), BundleError> {
    if value > limit {
        Err(BundleError::TooLarge { what, limit })
    } else {
        Ok(())
    }
}
