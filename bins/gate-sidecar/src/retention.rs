//! Retention: prunes old records from the journal; signs the anchor that takes their place, and
//! checks such signatures.

use anyhow::{Context as _, Result, bail};
use gate_api::Gate;
use gate_state::{Anchor, SnapshotError};
use gate_token::KeyRing;
use gate_types::Timestamp;

const NANOS_PER_DAY: u64 = 86_400_000_000_000;

/// The time before which records are pruned.
pub(crate) fn older_than(now: Timestamp, keep_days: u64) -> Timestamp {
    let kept = keep_days.saturating_mul(NANOS_PER_DAY);
    Timestamp::from_unix_nanos(now.unix_nanos().saturating_sub(kept))
}

/// The signature of an anchor by the active key: the key's id, a space, base64url.
pub(crate) fn sign(keys: &KeyRing, anchor: &Anchor) -> Vec<u8> {
    let key = keys.active();
    let signature = key.sign(&anchor.to_bytes()).to_base64url();
    format!("{} {signature}", key.kid()).into_bytes()
}

/// The id of the key that signed the anchor. Fails when `signature` is malformed, names a key that
/// is not in `keys`, or is not that key's.
pub(crate) fn signer(keys: &KeyRing, anchor: &Anchor, signature: &[u8]) -> Result<String> {
    let text = std::str::from_utf8(signature).ok();
    let (kid, signature) = text
        .and_then(|text| text.rsplit_once(' '))
        .context("its anchor is not signed")?;
    let key = keys
        .get(kid)
        .with_context(|| format!("its anchor names the key `{kid}`, which is not there"))?;
    if key.sign(&anchor.to_bytes()).to_base64url() != signature {
        bail!("its anchor's signature is not that of the key `{kid}`");
    }
    Ok(kid.to_owned())
}

/// Prunes records older than `keep_days` from a running sidecar's journal. Errors are only logged.
pub(crate) fn prune(gate: &Gate, now: Timestamp, keep_days: u64) {
    let keys = gate.keys();
    let older_than = older_than(now, keep_days);
    match gate
        .ledger()
        .prune(older_than, |anchor| sign(&keys, anchor))
    {
        Ok(None) => {}
        Ok(Some(anchor)) => tracing::info!(
            last = anchor.point.seq.get(),
            hash = %anchor.point.hash,
            %older_than,
            "pruned the journal"
        ),
        // The sidecar is stopping; the next start prunes.
        Err(SnapshotError::Closed) => {}
        Err(error) => {
            let reason = format!("{:#}", anyhow::Error::from(error));
            tracing::error!(
                reason,
                "the journal was not pruned; trying again in an hour"
            );
        }
    }
}
