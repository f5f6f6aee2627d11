//! Runs other programs: each command is printed, and an error names it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// The root of the workspace, wherever the task was called from.
pub(crate) fn workspace_root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_path_buf()
}

/// Runs cargo at the workspace root and waits for it.
pub(crate) fn cargo(args: &[&str], environment: &[(&str, &str)]) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(args)
        .envs(environment.iter().copied())
        .current_dir(workspace_root());
    shown(&mut command, &format!("cargo {}", args.join(" ")))
}

/// Runs the command and fails when it fails.
pub(crate) fn shown(command: &mut Command, name: &str) -> Result<()> {
    println!("\n$ {name}");
    let status = command
        .status()
        .with_context(|| format!("cannot run `{name}`"))?;
    if !status.success() {
        bail!("`{name}` failed ({status})");
    }
    Ok(())
}
