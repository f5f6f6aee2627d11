//! Checks the house rules that no lint covers: which crate may use which, how a file begins, where
//! links lead, what may be at the top of the repository. Run by `cargo xtask verify`.

mod layers;
mod links;
mod sources;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// The entries allowed at the top of the repository.
const TOP_LEVEL: [&str; 24] = [
    ".cargo",
    ".ci",
    ".config",
    ".editorconfig",
    ".gitattributes",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "bins",
    "clippy.toml",
    "crates",
    "deny.toml",
    "docs",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "test-results",
    "test-vectors",
    "xtask",
    ".github",
];

/// Checks every rule over the files git tracks below `root`.
pub(crate) fn check(root: &Path) -> Result<()> {
    let files = tracked_files(root)?;
    let mut faults = top_level(&files);
    faults.extend(sources::check(root, &files)?);
    faults.extend(layers::check(root)?);
    faults.extend(links::check(root, &files)?);
    if faults.is_empty() {
        println!("tidy: {} files, no fault", files.len());
        return Ok(());
    }
    bail!("tidy found {}:\n  {}", faults.len(), faults.join("\n  "))
}

fn top_level(files: &[PathBuf]) -> Vec<String> {
    let mut tops: Vec<_> = files
        .iter()
        .filter_map(|file| file.components().next())
        .map(|top| top.as_os_str().to_string_lossy().into_owned())
        .collect();
    tops.sort();
    tops.dedup();
    tops.retain(|top| !TOP_LEVEL.contains(&top.as_str()));
    tops.into_iter()
        .map(|top| format!("{top}: does not belong at the top level"))
        .collect()
}

/// The files git tracks or would track, relative to `root`.
fn tracked_files(root: &Path) -> Result<Vec<PathBuf>> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("cannot run `git ls-files`")?;
    if !output.status.success() {
        bail!(
            "`git ls-files` failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    let list = String::from_utf8(output.stdout).context("a file name is not UTF-8")?;
    Ok(list
        .lines()
        .map(PathBuf::from)
        .filter(|file| root.join(file).is_file())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_tidy() {
        check(&crate::run::workspace_root()).unwrap();
    }

    #[test]
    fn a_stranger_at_the_top_is_named() {
        let files = [PathBuf::from("docs/x.md"), PathBuf::from("notes/y.md")];
        assert_eq!(
            top_level(&files),
            ["notes: does not belong at the top level"]
        );
    }
}
