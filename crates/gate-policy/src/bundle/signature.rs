//! OPA's bundle signatures. Not supported yet: a signed bundle is refused.

use super::BundleError;
use super::files::Files;

/// The key that a bundle's signature is verified with.
#[derive(Debug, Clone)]
pub struct VerificationKey(());

/// Why a bundle's signature does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The bundle is signed and no key is configured to verify it.
    #[error("the bundle is signed and no key is configured")]
    NoKey,
    /// A key is configured and the bundle is not signed.
    #[error("a key is configured and the bundle is not signed")]
    Unsigned,
}

pub(super) fn check(files: &Files, key: Option<&VerificationKey>) -> Result<(), BundleError> {
    match (files.get(".signatures.json"), key) {
        (None, None) => Ok(()),
        (Some(_), None) => Err(SignatureError::NoKey.into()),
        (_, Some(_)) => Err(SignatureError::Unsigned.into()),
    }
}
