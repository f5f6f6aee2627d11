//! A policy bundle in memory: its files, its manifest, its hash. Reading is in the files below;
//! nothing here compiles or evaluates.

mod archive;
mod dir;
mod error;
mod files;
mod manifest;
mod roots;
mod signature;
mod stamp;

use std::collections::BTreeMap;
use std::path::Path;

use ring::digest;

pub use error::BundleError;
pub use files::{
    MAX_ARCHIVE_BYTES, MAX_BUNDLE_BYTES, MAX_FILE_BYTES, MAX_FILES, MAX_PATH_BYTES, MAX_PATH_DEPTH,
};
pub use manifest::{Manifest, RegoVersion};
pub use signature::{SignatureError, VerificationKey};
pub use stamp::BundleStamp;

use crate::data;
use crate::json;
use crate::policy::{Engine, PolicyHash};
use files::{Files, Kind};

/// A loaded bundle: complete, inside its limits, and (where a key is set) verified.
///
/// ```
/// use gate_policy::{Bundle, Engine};
///
/// let bundle = Bundle::from_files([
///     (".manifest", br#"{"revision":"r7"}"#.as_slice()),
///     ("data.json", br#"{"limits":{"default":{"max_order_qty":"100"}}}"#.as_slice()),
/// ])?;
/// assert_eq!(bundle.revision(), "r7");
/// assert_eq!(bundle.engine(), Engine::Builtin);
/// # Ok::<(), gate_policy::BundleError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Bundle {
    files: Files,
    manifest: Manifest,
    /// All data files merged, as text, so that numbers stay as written.
    data: String,
    hash: PolicyHash,
}

/// Whether serde_json reads numbers as the engines take them: with its feature
/// `arbitrary_precision`, which any crate of the build may ask for, it does not.
fn reads_numbers() -> bool {
    let as_a_float = Some(serde_json::Value::from(2.5));
    serde_json::from_str("2.50").ok() == as_a_float
}

impl Bundle {
    /// Reads a directory or a `.tar.gz`, whichever `path` is. `path` may be a link; a Kubernetes
    /// volume is read through its `..data`.
    ///
    /// # Errors
    /// [`BundleError`]. With a key, a bundle without a signature is refused; without one, a
    /// bundle with a signature is.
    pub fn load(path: &Path, key: Option<&VerificationKey>) -> Result<Self, BundleError> {
        if path.is_dir() {
            Self::build(dir::read(path)?, key)
        } else {
            Self::build(archive::read_file(path)?, key)
        }
    }

    /// Reads an unsigned bundle from a directory. Files that OPA would not read are ignored;
    /// symbolic links are refused.
    ///
    /// # Errors
    /// [`BundleError`].
    pub fn from_dir(path: &Path) -> Result<Self, BundleError> {
        Self::build(dir::read(path)?, None)
    }

    /// Reads an unsigned bundle from the bytes of a gzipped tar.
    ///
    /// # Errors
    /// [`BundleError`].
    pub fn from_tar_gz(bytes: &[u8]) -> Result<Self, BundleError> {
        Self::build(archive::read(bytes)?, None)
    }

    /// Reads a bundle from the bytes of a gzipped tar, as [`Bundle::load`] does from a file.
    ///
    /// # Errors
    /// [`BundleError`].
    pub fn from_tar_gz_with(
        bytes: &[u8],
        key: Option<&VerificationKey>,
    ) -> Result<Self, BundleError> {
        Self::build(archive::read(bytes)?, key)
    }

    /// Takes an unsigned bundle from files in memory, as when it is embedded in a binary.
    ///
    /// # Errors
    /// [`BundleError`].
    pub fn from_files<P, B>(files: impl IntoIterator<Item = (P, B)>) -> Result<Self, BundleError>
    where
        P: AsRef<str>,
        B: AsRef<[u8]>,
    {
        Self::from_files_with(files, None)
    }

    /// Takes a bundle from files in memory, verified with `key`.
    ///
    /// # Errors
    /// [`BundleError`].
    pub fn from_files_with<P, B>(
        files: impl IntoIterator<Item = (P, B)>,
        key: Option<&VerificationKey>,
    ) -> Result<Self, BundleError>
    where
        P: AsRef<str>,
        B: AsRef<[u8]>,
    {
        let mut taken = Files::default();
        for (path, bytes) in files {
            taken.add(path.as_ref(), bytes.as_ref().to_vec())?;
        }
        Self::build(taken, key)
    }

    /// The manifest's revision; empty when it names none.
    #[must_use]
    pub fn revision(&self) -> &str {
        &self.manifest.revision
    }

    /// SHA-256 over the bundle's files: a domain tag, then, for each file in the byte order of
    /// its path, the path and the content, each preceded by its length in bytes as eight bytes,
    /// most significant first.
    ///
    /// Paths are relative, with `/`. Covered are the files a bundle is made of (`.manifest`,
    /// `data.json`, `*.rego`, `*vectors.json`), and not `.signatures.json`, so that a directory,
    /// its archive and its signed form have one hash.
    #[must_use]
    pub const fn hash(&self) -> PolicyHash {
        self.hash
    }

    /// The engine that evaluates this bundle: Rego if it has any besides tests, else the built-in
    /// rules.
    #[must_use]
    pub fn engine(&self) -> Engine {
        if self.files.of_kind(Kind::Rego).next().is_some() {
            Engine::Rego
        } else {
            Engine::Builtin
        }
    }

    /// The manifest.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The data documents of the bundle, merged; JSON text.
    #[must_use]
    pub fn data(&self) -> &str {
        &self.data
    }

    /// The files the bundle is made of, by path.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.all().map(|(path, _)| path)
    }

    /// The policies, tests apart: path and source.
    pub(crate) fn rego(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.texts(Kind::Rego)
    }

    /// The Rego tests (`*_test.rego`): path and source.
    pub(crate) fn rego_tests(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.texts(Kind::RegoTest)
    }

    /// The decision vectors (`*vectors.json`): path and text.
    pub(crate) fn vectors(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.texts(Kind::Vectors)
    }

    fn build(files: Files, key: Option<&VerificationKey>) -> Result<Self, BundleError> {
        if !reads_numbers() {
            return Err(BundleError::ArbitraryPrecision);
        }
        signature::check(&files, key)?;
        files.check_texts()?;
        let manifest = match files.get(".manifest") {
            Some(bytes) => Manifest::parse(bytes)?,
            None => Manifest::default(),
        };
        let mut documents = BTreeMap::new();
        for (path, text) in files.texts(Kind::Data) {
            documents.insert(path, text);
        }
        if documents.is_empty() && files.of_kind(Kind::Rego).next().is_none() {
            return Err(BundleError::Empty);
        }
        for (path, text) in files.texts(Kind::Data).chain(files.texts(Kind::Vectors)) {
            json::check(text).map_err(|problem| BundleError::Json {
                path: path.to_owned(),
                problem,
            })?;
        }
        let data = data::merge(&documents)?;
        roots::check(&manifest, &documents, &files)?;
        let hash = hash(&files);
        Ok(Self {
            files,
            manifest,
            data,
            hash,
        })
    }
}

/// See [`Bundle::hash`].
fn hash(files: &Files) -> PolicyHash {
    let mut context = digest::Context::new(&digest::SHA256);
    let mut part = |bytes: &[u8]| {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        context.update(&length.to_be_bytes());
        context.update(bytes);
    };
    part(b"gate-bundle+v1");
    for (path, bytes) in files.all() {
        if Kind::of(path) != Some(Kind::Signatures) {
            part(path.as_bytes());
            part(bytes);
        }
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    PolicyHash(hash)
}

#[cfg(test)]
mod tests;
