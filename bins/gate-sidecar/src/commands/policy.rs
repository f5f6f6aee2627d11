//! `gate-sidecar policy`: look at a bundle before it decides anything.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;

use super::{NO, say};
use crate::build;
use crate::cli::Policy;

pub(crate) fn run(command: Policy) -> Result<ExitCode> {
    match command {
        Policy::Check { bundle } => check(&bundle),
    }
}

fn check(path: &Path) -> Result<ExitCode> {
    let bundle = build::bundle(Some(path))?;
    say(&format!(
        "revision  {}\nsha256    {}",
        bundle.revision(),
        bundle.hash()
    ))?;
    match gate_policy::activate(&bundle) {
        Ok(policy) => {
            say(&format!(
                "engine    {}\nusable",
                policy.identity().engine.as_str()
            ))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            eprintln!("{:#}", anyhow::Error::from(error));
            Ok(NO)
        }
    }
}
