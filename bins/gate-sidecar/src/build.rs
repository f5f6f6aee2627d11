//! From settings to a gate: the ledger opened and recovered, the policy activated, the keys
//! read. Each step's failure says which file was wrong.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use gate_api::{Gate, Settings};
use gate_policy::{Bundle, Engine, Policy};
use gate_state::{Ledger, LedgerConfig};
use gate_token::{KeyFile, KeyRing};
use gate_types::Clock;

use crate::config::Config;

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// Write-ahead log after which it is checkpointed: seldom enough not to be felt, and a fraction of
/// a second to read at a start.
const CHECKPOINT_BYTES: u64 = 128 * 1024 * 1024;

/// The file of generated keys in the data directory.
const KEY_FILE: &str = "keys.json";

/// A gate as the settings ask for it.
pub(crate) fn gate(config: &Config, clock: Arc<dyn Clock>) -> Result<Gate> {
    std::fs::create_dir_all(&config.data_dir)
        .with_context(|| format!("cannot make the directory `{}`", config.data_dir.display()))?;
    let policy = policy(config.bundle.as_deref())?;
    let ledger = ledger(config, Arc::clone(&clock))?;
    let keys = keys(config)?;
    let settings = Settings {
        issuer: config.issuer.clone(),
        audience: config.audience.clone(),
        token_ttl_s: config.token_ttl_s,
    };
    Ok(Gate::new(ledger, policy, keys, settings, clock)?)
}

/// The bundle at `path`, or the embedded sample.
pub(crate) fn bundle(path: Option<&Path>) -> Result<Bundle> {
    match path {
        None => Ok(Bundle::sample(Engine::Rego)?),
        Some(path) => {
            Bundle::load(path, None).with_context(|| format!("the bundle `{}`", path.display()))
        }
    }
}

/// The bundle at `path`, compiled and tested.
pub(crate) fn policy(path: Option<&Path>) -> Result<Arc<dyn Policy>> {
    let bundle = bundle(path)?;
    let name = path.map_or("the embedded sample".into(), |path| {
        path.display().to_string()
    });
    gate_policy::activate(&bundle).with_context(|| format!("the bundle `{name}`"))
}

fn ledger(config: &Config, clock: Arc<dyn Clock>) -> Result<Ledger> {
    let shown = config.data_dir.display();
    let settings = LedgerConfig {
        durability: config.durability,
        queue_capacity: config.queue_capacity,
        dedupe_window_ns: config.dedupe_window_s.saturating_mul(NANOS_PER_SECOND),
        in_doubt_release_ns: (config.in_doubt_release_s > 0)
            .then(|| config.in_doubt_release_s.saturating_mul(NANOS_PER_SECOND)),
        max_remembered: config.max_orders,
        checkpoint_bytes: CHECKPOINT_BYTES,
        lengthen_wal: true,
        ..LedgerConfig::new(config.data_dir.clone())
    };
    Ledger::open(settings, clock).with_context(|| format!("the journal in `{shown}`"))
}

/// The keys the settings name; without a name, those of the data directory, made when absent.
pub(crate) fn keys(config: &Config) -> Result<Arc<KeyRing>> {
    let generated = config.data_dir.join(KEY_FILE);
    let path = config.keys.as_deref().unwrap_or(&generated);
    if config.keys.is_none() && !path.exists() {
        crate::commands::keys::generate(&KeyFile::new(path))?;
        tracing::info!(file = %path.display(), "generated a signing key");
    }
    let keys = KeyFile::new(path)
        .read()
        .with_context(|| format!("the key file `{}`", path.display()))?;
    Ok(Arc::new(keys))
}
