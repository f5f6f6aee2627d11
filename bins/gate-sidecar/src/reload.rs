//! Putting a changed bundle or key file in force while orders flow. What does not load, does
//! not compile or fails its tests leaves everything as it was.

use gate_api::{Code, Gate, Problem};

use crate::build;
use crate::config::Config;

/// Knows where policy and keys came from.
pub(crate) struct Reloader {
    config: Config,
}

impl Reloader {
    pub(crate) const fn new(config: Config) -> Self {
        Self { config }
    }

    /// Reads bundle and keys again; both are good before either is put in force.
    pub(crate) fn reload(&self, gate: &Gate) -> Result<Vec<u8>, Problem> {
        let outcome = self.try_reload(gate);
        match &outcome {
            Ok(()) => {
                let policy = gate.policy();
                let identity = policy.identity();
                let (revision, hash) = (&identity.revision, identity.hash);
                tracing::info!(revision, sha256 = %hash, "reloaded policy and keys");
            }
            Err(error) => {
                let reason = format!("{error:#}");
                tracing::error!(reason, "reload refused; what was in force stays in force");
            }
        }
        outcome.map_err(|error| Problem::new(Code::ReloadRefused, format!("{error:#}")))?;
        Ok(gate.policy_view())
    }

    fn try_reload(&self, gate: &Gate) -> anyhow::Result<()> {
        let policy = build::policy(&self.config)?;
        let keys = build::keys(&self.config)?;
        gate.change(policy, keys)?;
        Ok(())
    }
}
