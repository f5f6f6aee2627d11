//! Why a bundle is refused. Closed: every refusal has its own variant.

use std::io;

use super::manifest::MAX_REVISION_BYTES;
use crate::json::StrictError;

/// Why a bundle could not be loaded. Nothing of a refused bundle is ever in force.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// A file could not be read.
    #[error("cannot read `{path}`")]
    Io {
        /// The file.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another crate of the build has switched on a feature that changes how numbers are read.
    #[error(
        "serde_json is built with `arbitrary_precision`, with which no rule would see a fraction"
    )]
    ArbitraryPrecision,
    /// A file begins with a byte order mark, as some editors write it.
    #[error("`{0}` begins with a byte order mark: save it as UTF-8 without one")]
    ByteOrderMark(String),
    /// Not a gzipped tar.
    #[error("not a gzipped tar archive")]
    Archive(#[source] io::Error),
    /// A limit on size, number or depth is exceeded.
    #[error("{what} is above the limit of {limit}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// The limit it is above.
        limit: usize,
    },
    /// A path that leaves the bundle, is not plain UTF-8, or cannot be named in it.
    #[error("`{0}` is not a path inside the bundle")]
    Path(String),
    /// A link, device or other entry that is neither file nor directory.
    #[error("`{0}` is neither a file nor a directory")]
    NotAFile(String),
    /// The same path twice.
    #[error("`{0}` is in the bundle twice")]
    DuplicateFile(String),
    /// Nothing in it that a policy could be made of.
    #[error("the bundle has neither data.json nor Rego")]
    Empty,
    /// The bundle was packed with a directory around it.
    #[error("`{0}` is not at the bundle's root: pack what is in the directory, not the directory")]
    NestedManifest(String),
    /// A part of OPA's bundle format that is not supported and must not be ignored.
    #[error("`{0}` is not supported in a bundle")]
    Unsupported(String),
    /// A JSON file is not JSON, has a member twice, or is too deep.
    #[error("`{path}`: {problem}")]
    Json {
        /// The file.
        path: String,
        /// What is wrong with it.
        problem: StrictError,
    },
    /// A Rego file is not UTF-8.
    #[error("`{0}` is not UTF-8")]
    NotUtf8(String),
    /// The revision cannot be put into a token.
    #[error(
        "the manifest's revision has control characters or more than {MAX_REVISION_BYTES} bytes"
    )]
    Revision,
    /// The manifest's `roots` overlap one another.
    #[error("roots `{0}` and `{1}` overlap")]
    RootsOverlap(String, String),
    /// Data or a package outside the manifest's `roots`.
    #[error("`{file}` puts `{path}` outside the manifest's roots")]
    OutsideRoots {
        /// The file.
        file: String,
        /// The document it defines.
        path: String,
    },
    /// Two data files set the same member.
    #[error("`{0}` is set by two data files")]
    DataConflict(String),
    /// The signature is missing, not wanted, or wrong.
    #[error("signature: {0}")]
    Signature(super::SignatureError),
}

/// Not `#[from]`: it would make the reason a source as well, and the message already has it.
impl From<super::SignatureError> for BundleError {
    fn from(error: super::SignatureError) -> Self {
        Self::Signature(error)
    }
}
