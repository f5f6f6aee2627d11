//! Checks the direction of dependencies, and that every crate inherits the workspace's lints.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;

/// Which of our crates each of our crates may use, outside tests. What is not listed is not
/// allowed.
const LAYERS: [(&str, &[&str]); 8] = [
    ("gate-types", &[]),
    ("gate-token", &[]),
    ("gate-policy", &["gate-types"]),
    ("gate-state", &["gate-types"]),
    (
        "gate-api",
        &["gate-policy", "gate-state", "gate-token", "gate-types"],
    ),
    (
        "gate-sidecar",
        &[
            "gate-api",
            "gate-policy",
            "gate-state",
            "gate-token",
            "gate-types",
        ],
    ),
    ("gate-bench", &["gate-api", "gate-token", "gate-types"]),
    ("xtask", &["gate-token"]),
];

/// Crates that only the outermost layer may name: sockets, runtimes, command lines.
const OUTER_ONLY: [&str; 6] = [
    "actix-web",
    "clap",
    "mio",
    "rustls",
    "tokio",
    "tracing-subscriber",
];

pub(super) fn check(root: &Path) -> Result<Vec<String>> {
    let output = std::process::Command::new("cargo")
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--offline",
        ])
        .current_dir(root)
        .output()
        .context("cannot run `cargo metadata`")?;
    let metadata: Value =
        serde_json::from_slice(&output.stdout).context("`cargo metadata` printed no JSON")?;
    let mut faults = Vec::new();
    for package in metadata
        .get("packages")
        .and_then(Value::as_array)
        .context("no packages in the metadata")?
    {
        let name = package["name"]
            .as_str()
            .context("a package without a name")?;
        faults.extend(dependencies(name, package));
        faults.extend(manifest(name, package)?);
    }
    Ok(faults)
}

fn dependencies(name: &str, package: &Value) -> Vec<String> {
    let Some((_, allowed)) = LAYERS.iter().find(|(layer, _)| *layer == name) else {
        return vec![format!(
            "{name}: is not in the layers of xtask/src/tidy/layers.rs"
        )];
    };
    // A package with a binary is the outermost layer, even if most of it is a library.
    let has = |kind: &str| {
        let targets = package["targets"].as_array().into_iter().flatten();
        targets
            .into_iter()
            .any(|target| target["kind"] == serde_json::json!([kind]))
    };
    let is_library = has("lib") && !has("bin");
    package["dependencies"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|dependency| dependency["kind"].is_null())
        .filter_map(|dependency| dependency["name"].as_str())
        .filter(|used| {
            let upwards = used.starts_with("gate-") && !allowed.contains(used);
            let outer = is_library && OUTER_ONLY.contains(used);
            upwards || outer
        })
        .map(|used| format!("{name}: must not depend on {used}"))
        .collect()
}

fn manifest(name: &str, package: &Value) -> Result<Vec<String>> {
    let path = package["manifest_path"]
        .as_str()
        .context("a package without a manifest")?;
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
    let mut faults = Vec::new();
    if !text.contains("[lints]\nworkspace = true") {
        faults.push(format!("{name}: does not inherit the workspace's lints"));
    }
    if package["license"] != "MIT OR Apache-2.0" {
        faults.push(format!("{name}: has another licence than the workspace"));
    }
    Ok(faults)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn package(name: &str, dependency: &str) -> Value {
        json!({"name": name, "targets": [{"kind": ["lib"]}],
               "dependencies": [{"name": dependency, "kind": null}]})
    }

    #[test]
    fn a_lower_crate_may_not_use_its_neighbour() {
        let faults = dependencies("gate-token", &package("gate-token", "gate-state"));
        assert_eq!(faults, ["gate-token: must not depend on gate-state"]);
    }

    #[test]
    fn a_library_may_not_know_the_server() {
        let faults = dependencies("gate-api", &package("gate-api", "actix-web"));
        assert_eq!(faults, ["gate-api: must not depend on actix-web"]);
    }

    #[test]
    fn a_crate_without_a_layer_is_a_fault() {
        assert_eq!(
            dependencies("gate-new", &package("gate-new", "serde")).len(),
            1
        );
        assert!(dependencies("gate-api", &package("gate-api", "gate-token")).is_empty());
    }
}
