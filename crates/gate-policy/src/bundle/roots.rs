//! A manifest's roots: no two overlap, and no file of the bundle defines anything outside them.

use std::collections::BTreeMap;

use super::files::{Files, Kind};
use super::{BundleError, Manifest};
use crate::data;

pub(super) fn check(
    manifest: &Manifest,
    documents: &BTreeMap<&str, &str>,
    files: &Files,
) -> Result<(), BundleError> {
    let roots = &manifest.roots;
    for (index, a) in roots.iter().enumerate() {
        for b in roots.iter().skip(index.saturating_add(1)) {
            if covers(a, b) || covers(b, a) {
                return Err(BundleError::RootsOverlap(a.clone(), b.clone()));
            }
        }
    }
    let inside = |file: &str, path: &str| {
        if roots.iter().any(|root| covers(root, path)) {
            return Ok(());
        }
        Err(BundleError::OutsideRoots {
            file: file.to_owned(),
            path: path.to_owned(),
        })
    };
    for (file, text) in documents {
        for path in data::leaves(file, text, |path| {
            roots.iter().any(|root| covers(root, path))
        }) {
            inside(file, &path)?;
        }
    }
    for kind in [Kind::Rego, Kind::RegoTest] {
        for (file, text) in files.texts(kind) {
            // A file whose package cannot be read does not parse either; compilation says so.
            if let Some(package) = package(text) {
                inside(file, &package)?;
            }
        }
    }
    Ok(())
}

/// Whether `path` is `root` or below it.
fn covers(root: &str, path: &str) -> bool {
    root.is_empty()
        || path
            .strip_prefix(root)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The package a module declares, as a path: `package a.b` is `a/b`.
fn package(source: &str) -> Option<String> {
    let line = source
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with('#'))?;
    let name = line.strip_prefix("package")?;
    let name = name.split('#').next().unwrap_or(name).trim();
    let plain = name.replace("[\"", ".").replace("\"]", "");
    Some(plain.replace('.', "/"))
}
