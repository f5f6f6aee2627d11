//! What decisions are made and signed with: one policy and one key ring, on the record together.

use std::sync::Arc;

use gate_policy::Policy;
use gate_state::{ContextId, DecisionContext, Ledger, RecordError};
use gate_token::KeyRing;
use gate_types::Timestamp;

use crate::gate::Settings;
use crate::problem::{Code, Problem};

/// The record that names policy and key did not get into the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the journal did not take the record of what is in force")]
pub struct SetupError(#[from] RecordError);

/// Replaced whole, never changed.
pub(crate) struct Active {
    pub(crate) policy: Arc<dyn Policy>,
    pub(crate) keys: Arc<KeyRing>,
    /// The policy's hash as it stands in a token.
    pub(crate) policy_hash: String,
    /// The journal record that names the policy and the key.
    pub(crate) context: ContextId,
    /// Since when.
    pub(crate) since: Timestamp,
}

impl Active {
    /// Puts both on the record, as of `now`.
    pub(crate) fn begin(
        policy: Arc<dyn Policy>,
        keys: Arc<KeyRing>,
        ledger: &Ledger,
        settings: &Settings,
        now: Timestamp,
    ) -> Result<Self, SetupError> {
        let identity = policy.identity();
        let context = ledger.set_context(DecisionContext {
            policy_revision: identity.revision.clone(),
            policy_hash: identity.hash.0,
            engine: identity.engine.as_str().to_owned(),
            kid: keys.active().kid().to_owned(),
            iss: settings.issuer.clone(),
            aud: settings.audience.clone(),
        })?;
        Ok(Self {
            policy_hash: identity.hash.to_string(),
            policy,
            keys,
            context,
            since: now,
        })
    }

    /// Nothing is decided with a key that no verifier would take: its tokens would all be refused.
    pub(crate) fn check_key(&self, now: Timestamp) -> Result<(), Problem> {
        let key = self.keys.active();
        if key.valid_at(now.unix_seconds(), 0) {
            return Ok(());
        }
        let detail = format!("the active key `{}` is not valid at this time", key.kid());
        Err(Problem::new(Code::KeyNotValid, detail))
    }
}
