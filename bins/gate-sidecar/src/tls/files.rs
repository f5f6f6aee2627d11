//! Reads certificates and a private key from PEM files. No error quotes a file's content.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, ensure};
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::parse_x509_certificate;
use zeroize::Zeroizing;

/// The largest file, in bytes.
const MAX_BYTES: u64 = 1024 * 1024;

/// The certificates of a file, in their order; at least one.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let read = || {
        let (text, _) = read_bounded(path)?;
        let certificates = CertificateDer::pem_slice_iter(&text);
        let certificates = certificates
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| anyhow!("it is not PEM"))?;
        ensure!(!certificates.is_empty(), "it has no certificate in PEM");
        Ok(certificates)
    };
    read().with_context(|| format!("the certificates `{}`", path.display()))
}

/// The earliest expiry among them, in seconds since 1970; `None` when none can be parsed.
pub(super) fn first_end(certificates: &[CertificateDer<'_>]) -> Option<i64> {
    let end = |certificate: &CertificateDer<'_>| {
        let (_, read) = parse_x509_certificate(certificate).ok()?;
        Some(read.validity().not_after.timestamp())
    };
    certificates.iter().filter_map(end).min()
}

/// The private key in a file to which others have no right.
pub(super) fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>> {
    let read = || {
        let (text, mode) = read_bounded(path)?;
        let mode = mode & 0o777;
        ensure!(
            mode & 0o007 == 0,
            "it has mode {mode:03o}: others must have no right to it (chmod o= …)"
        );
        PrivateKeyDer::from_pem_slice(&text).map_err(|error| match error {
            _ if is_encrypted(&text) => {
                anyhow!("it is encrypted: keep it without a passphrase, where only this user may read it")
            }
            pem::Error::NoItemsFound => anyhow!("it has no private key in PEM"),
            _ => anyhow!("it is not PEM"),
        })
    };
    read().with_context(|| format!("the key `{}`", path.display()))
}

/// Whether the file has an encrypted key: of PKCS #8 (RFC 7468 §11), or in OpenSSL's older format.
fn is_encrypted(text: &[u8]) -> bool {
    let marks: [&[u8]; 2] = [
        b"-----BEGIN ENCRYPTED PRIVATE KEY-----",
        b"Proc-Type: 4,ENCRYPTED",
    ];
    let has = |mark: &[u8]| text.windows(mark.len()).any(|window| window == mark);
    marks.into_iter().any(has)
}

/// A file's bytes and its mode.
fn read_bounded(path: &Path) -> Result<(Zeroizing<Vec<u8>>, u32)> {
    let file = File::open(path)?;
    let about = file.metadata()?;
    ensure!(
        about.is_file() && about.len() <= MAX_BYTES,
        "it is no file of at most {MAX_BYTES} bytes"
    );
    // Allocated whole: a buffer that grows leaves copies of secrets behind.
    let room = usize::try_from(about.len()).unwrap_or(0).saturating_add(1);
    let mut text = Zeroizing::new(Vec::with_capacity(room));
    file.take(about.len()).read_to_end(&mut text)?;
    Ok((text, about.permissions().mode()))
}
