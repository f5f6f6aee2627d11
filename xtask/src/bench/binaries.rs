//! The release binaries that a benchmark runs.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use crate::run;

#[derive(Debug)]
pub(super) struct Binaries {
    pub(super) root: PathBuf,
    pub(super) sidecar: PathBuf,
    pub(super) generator: PathBuf,
    pub(super) bare_actix: PathBuf,
    pub(super) cloud_path: PathBuf,
}

impl Binaries {
    /// Where cargo puts them.
    pub(super) fn at(root: &Path) -> Self {
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| root.join("target"), PathBuf::from)
            .join("release");
        Self {
            root: root.to_owned(),
            sidecar: target.join("gate-sidecar"),
            generator: target.join("gate-bench"),
            bare_actix: target.join("examples/bare_actix"),
            cloud_path: target.join("examples/cloud_path"),
        }
    }

    /// One cargo call each, so that the sidecar is built exactly as `cargo build` builds it and
    /// no feature of the other's dependencies gets into it.
    pub(super) fn build() -> Result<()> {
        let base = ["build", "--release", "--locked", "-p"];
        let sidecar = [&base[..], &["gate-sidecar"]].concat();
        let generator = [&base[..], &["gate-bench", "--bins", "--examples"]].concat();
        run::cargo(&sidecar, &[])?;
        run::cargo(&generator, &[])
    }

    /// Fails unless all are there.
    pub(super) fn check(&self) -> Result<()> {
        for path in [
            &self.sidecar,
            &self.generator,
            &self.bare_actix,
            &self.cloud_path,
        ] {
            ensure!(path.is_file(), "{} is not built", path.display());
        }
        Ok(())
    }
}
