//! The manifest of a bundle (OPA's `.manifest`).

use serde::Deserialize;
use serde_json::{Map, Value};

use super::BundleError;
use crate::json::{self, StrictError};

/// The longest revision, in bytes: it is part of every token and of the metrics.
pub(super) const MAX_REVISION_BYTES: usize = 256;

/// What `.manifest` says. A bundle without one has the defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The broker's name for this state of the bundle.
    pub revision: String,
    /// The parts of `data` this bundle may define; `""` is all of it.
    pub roots: Vec<String>,
    /// The language version of its Rego.
    pub rego_version: RegoVersion,
}

/// Which Rego a bundle is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RegoVersion {
    /// Before OPA 1.0: `if` and `contains` need an import.
    V0,
    /// OPA 1.0 and later; the default.
    #[default]
    V1,
}

impl Default for Manifest {
    fn default() -> Self {
        Self {
            revision: String::new(),
            roots: vec![String::new()],
            rego_version: RegoVersion::V1,
        }
    }
}

#[derive(Deserialize)]
struct Wire {
    revision: Option<String>,
    roots: Option<Vec<String>>,
    rego_version: Option<u64>,
    file_rego_versions: Option<Value>,
    wasm: Option<Vec<Value>>,
}

impl Manifest {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, BundleError> {
        let refused = |problem| BundleError::Json {
            path: ".manifest".to_owned(),
            problem,
        };
        let text =
            std::str::from_utf8(bytes).map_err(|_| BundleError::NotUtf8(".manifest".to_owned()))?;
        json::check(text).map_err(refused)?;
        let wire: Wire = serde_json::from_str(text)
            .map_err(|error| refused(StrictError::Syntax(error.to_string())))?;
        if wire.wasm.is_some_and(|modules| !modules.is_empty()) {
            return Err(BundleError::Unsupported("wasm".to_owned()));
        }
        let is_of_none = |versions: &Value| versions.as_object().is_some_and(Map::is_empty);
        if wire
            .file_rego_versions
            .is_some_and(|v| !v.is_null() && !is_of_none(&v))
        {
            return Err(BundleError::Unsupported("file_rego_versions".to_owned()));
        }
        let rego_version = match wire.rego_version {
            None | Some(1) => RegoVersion::V1,
            Some(0) => RegoVersion::V0,
            Some(other) => return Err(BundleError::Unsupported(format!("rego_version {other}"))),
        };
        let roots = wire.roots.unwrap_or_else(|| vec![String::new()]);
        let revision = wire.revision.unwrap_or_default();
        if revision.len() > MAX_REVISION_BYTES || revision.chars().any(char::is_control) {
            return Err(BundleError::Revision);
        }
        Ok(Self {
            revision,
            roots: roots
                .iter()
                .map(|root| root.trim_matches('/').to_owned())
                .collect(),
            rego_version,
        })
    }
}
