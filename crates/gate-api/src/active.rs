//! What decisions are made and signed with: one policy and one key ring, on the record together.

use std::sync::Arc;

use gate_policy::Policy;
use gate_state::{ContextId, DecisionContext, RecordError};
use gate_token::KeyRing;
use gate_types::Timestamp;

use crate::gate::Settings;
use crate::problem::{Code, Problem};

/// A policy and a key ring did not come into force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// The record that names them did not get into the journal.
    #[error("the journal did not take the record of what is in force")]
    NotRecorded(#[from] RecordError),
    /// Nothing could be signed with the active key now.
    #[error("the active key `{0}` is not valid at this time")]
    KeyNotValid(String),
}

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
    /// Both, as the journal record `context` names them.
    pub(crate) fn new(
        policy: Arc<dyn Policy>,
        keys: Arc<KeyRing>,
        context: ContextId,
        since: Timestamp,
    ) -> Self {
        Self {
            policy_hash: policy.identity().hash.to_string(),
            policy,
            keys,
            context,
            since,
        }
    }

    /// What the journal is told of them.
    pub(crate) fn record(
        policy: &dyn Policy,
        keys: &KeyRing,
        settings: &Settings,
    ) -> DecisionContext {
        let identity = policy.identity();
        DecisionContext {
            policy_revision: identity.revision.clone(),
            policy_hash: identity.hash.0,
            engine: identity.engine.as_str().to_owned(),
            kid: keys.active().kid().to_owned(),
            iss: settings.issuer.clone(),
            aud: settings.audience.clone(),
        }
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
