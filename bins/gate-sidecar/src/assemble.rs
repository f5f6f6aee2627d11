//! Builds the gate from the settings: opens the ledger, activates the policy, reads the keys. Each
//! error names the file at fault.

use std::io::Read as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use gate_api::{Gate, Settings};
use gate_policy::{Bundle, BundleError, Engine, Policy, SignatureError, VerificationKey};
use gate_state::{Ledger, LedgerConfig};
use gate_token::{KeyFile, KeyRing};
use gate_types::Clock;

use crate::config::{Config, KeyAlgorithm, NANOS_PER_SECOND};

/// The largest key file of a bundle's signature, in bytes.
const MAX_KEY_BYTES: u64 = 64 * 1024;

/// The file of generated keys in the data directory.
pub(crate) const KEY_FILE: &str = "keys.json";

/// The gate that the settings describe. The first start makes the data directory and a key.
pub(crate) fn gate(config: &Config, clock: Arc<dyn Clock>) -> Result<Gate> {
    // Other users must not read what clients order.
    let made = std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&config.data_dir);
    made.with_context(|| format!("cannot make the directory `{}`", config.data_dir.display()))?;
    let policy = policy(config)?;
    let ledger = ledger(config, Arc::clone(&clock))?;
    if is_first_start(&ledger) {
        make_keys(config)?;
    }
    let keys = keys(config)?;
    let settings = Settings {
        issuer: config.issuer.clone(),
        audience: config.audience.clone(),
        token_ttl_s: config.token_ttl_s,
    };
    Ok(Gate::new(ledger, policy, keys, settings, clock)?)
}

/// The configured bundle, verified with the configured key; or the embedded sample.
pub(crate) fn bundle(config: &Config) -> Result<Bundle> {
    let key = bundle_key(config)?;
    let Some(path) = &config.bundle else {
        anyhow::ensure!(
            key.is_none(),
            "`bundle_key` is set and `bundle` is not: the embedded sample is not signed"
        );
        return Ok(Bundle::sample(Engine::Rego)?);
    };
    Bundle::load(path, key.as_ref())
        .map_err(|error| match error {
            BundleError::Signature(SignatureError::NoKey) => {
                anyhow::anyhow!("{error}; name the key's file with `bundle_key`")
            }
            BundleError::Signature(SignatureError::Unsigned) => {
                anyhow::anyhow!("{error}; sign it, or take `bundle_key` away")
            }
            error => error.into(),
        })
        .with_context(|| format!("the bundle `{}`", path.display()))
}

/// The key that verifies the bundle's signature: PEM for RS256 and ES256; for HS256 all bytes of
/// the file, a trailing newline included.
fn bundle_key(config: &Config) -> Result<Option<VerificationKey>> {
    let Some(path) = &config.bundle_key else {
        return Ok(None);
    };
    read_bundle_key(path, config.bundle_key_alg.unwrap_or(KeyAlgorithm::Rs256))
        .map(|key| {
            let key = match &config.bundle_key_id {
                Some(id) => key.with_id(id.clone()),
                None => key,
            };
            match &config.bundle_scope {
                Some(scope) => Some(key.with_scope(scope.clone())),
                None => Some(key),
            }
        })
        .with_context(|| format!("the bundle key `{}`", path.display()))
}

fn read_bundle_key(path: &Path, algorithm: KeyAlgorithm) -> Result<VerificationKey> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path)?;
    file.take(MAX_KEY_BYTES + 1).read_to_end(&mut bytes)?;
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    anyhow::ensure!(
        length <= MAX_KEY_BYTES,
        "it has more than {MAX_KEY_BYTES} bytes"
    );
    if algorithm == KeyAlgorithm::Hs256 {
        return Ok(VerificationKey::hs256(&bytes)?);
    }
    let pem = String::from_utf8(bytes).context("it is not PEM")?;
    match algorithm {
        KeyAlgorithm::Es256 => VerificationKey::es256_pem(&pem),
        _ => VerificationKey::rs256_pem(&pem),
    }
    .with_context(|| format!("its algorithm is taken to be {algorithm:?} (`bundle_key_alg`)"))
}

/// The configured bundle, compiled and tested.
pub(crate) fn policy(config: &Config) -> Result<Arc<dyn Policy>> {
    let bundle = bundle(config)?;
    gate_policy::activate_with(&bundle, config.eval_limits()).with_context(|| named(config))
}

/// Like [`policy`], but beside order flow, with a `rest` between steps. `None` when revision and
/// content are those of `in_force`.
pub(crate) fn policy_if_changed(
    config: &Config,
    in_force: &Arc<dyn Policy>,
    rest: &(dyn Fn(Duration) + Sync),
) -> Result<Option<Arc<dyn Policy>>> {
    let bundle = bundle(config)?;
    let known = in_force.identity();
    if known.hash == bundle.hash() && known.revision == bundle.revision() {
        return Ok(None);
    }
    gate_policy::activate_beside(&bundle, config.eval_limits(), rest)
        .map(Some)
        .with_context(|| named(config))
}

/// The bundle's name in errors.
fn named(config: &Config) -> String {
    match &config.bundle {
        Some(path) => format!("the bundle `{}`", path.display()),
        None => "the embedded sample bundle".to_owned(),
    }
}

fn ledger(config: &Config, clock: Arc<dyn Clock>) -> Result<Ledger> {
    let shown = config.data_dir.display();
    Ledger::open(ledger_config(config), clock).with_context(|| format!("the journal in `{shown}`"))
}

/// The ledger's part of the settings.
pub(crate) fn ledger_config(config: &Config) -> LedgerConfig {
    LedgerConfig {
        durability: config.durability,
        queue_capacity: config.queue_capacity,
        dedupe_window_ns: config.dedupe_window_s.saturating_mul(NANOS_PER_SECOND),
        in_doubt_release_ns: (config.in_doubt_release_s > 0)
            .then(|| config.in_doubt_release_s.saturating_mul(NANOS_PER_SECOND)),
        max_orders: config.max_orders,
        max_orders_per_client: config.max_orders_per_client,
        lengthen_wal: true,
        writer_priority: config.journal_priority,
        ..LedgerConfig::new(config.data_dir.clone())
    }
}

/// The key file that the settings name, or the one in the data directory.
pub(crate) fn key_file(config: &Config) -> PathBuf {
    let generated = || config.data_dir.join(KEY_FILE);
    config.keys.clone().unwrap_or_else(generated)
}

/// Whether the journal has no record yet.
fn is_first_start(ledger: &Ledger) -> bool {
    ledger.durable_seq().get() == 0
}

/// Makes a key file in the data directory if the settings name none and there is none. Only for the
/// first start: later, verifiers know the old keys, and a missing file was lost or is being
/// replaced.
fn make_keys(config: &Config) -> Result<()> {
    if may_make_keys(config) {
        let path = &key_file(config);
        crate::commands::keys::generate(&KeyFile::new(path))?;
        tracing::info!(file = %path.display(), "generated a signing key");
    }
    Ok(())
}

/// Whether the settings name no key file, and the data directory has none.
pub(crate) fn may_make_keys(config: &Config) -> bool {
    config.keys.is_none() && !key_file(config).exists()
}

/// The keys of the file that the settings name, or of the one in the data directory.
pub(crate) fn keys(config: &Config) -> Result<Arc<KeyRing>> {
    Ok(Arc::new(KeyFile::new(key_file(config)).read()?))
}
