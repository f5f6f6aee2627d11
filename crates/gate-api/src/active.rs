//! The policy and the key ring in force: replaced together, and named by one journal record.

use std::sync::Arc;

use gate_policy::Policy;
use gate_state::{ContextId, DecisionContext, RecordError};
use gate_token::KeyRing;
use gate_types::Timestamp;

use crate::gate::Settings;
use crate::problem::{Code, Problem};

/// The policy and key ring were not put in force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// The journal did not take the record that names them.
    #[error("the journal did not take the record of what is in force")]
    NotRecorded(#[from] RecordError),
    /// The active key of a change is not valid now, so nothing could be signed with it.
    #[error("the active key `{0}` is not valid at this time")]
    KeyNotValid(String),
    /// A key has the name of one in force and another secret, so that tokens which are good would
    /// not verify any more, and an order's replay would have another token.
    #[error(
        "the key `{0}` has another secret than the one of that name in force: give it a name of its own"
    )]
    KeyRenamed(String),
}

/// The policy and keys in force. Replaced whole, never changed.
pub(crate) struct Active {
    pub(crate) policy: Arc<dyn Policy>,
    pub(crate) keys: Arc<KeyRing>,
    /// The policy's hash as written in tokens.
    pub(crate) policy_hash: String,
    /// The journal record that names the policy and the key.
    pub(crate) context: ContextId,
    /// When they came into force.
    pub(crate) since: Timestamp,
}

impl Active {
    /// Policy and keys, named by the journal record `context`.
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

    /// The journal record that names them.
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

    /// Refuses to decide with a key that is not valid now: no verifier would accept its tokens.
    pub(crate) fn check_key(&self, now: Timestamp) -> Result<(), Problem> {
        let key = self.keys.active();
        if key.valid_at(now.unix_seconds(), 0) {
            return Ok(());
        }
        let detail = format!("the active key `{}` is not valid at this time", key.kid());
        Err(Problem::new(Code::KeyNotValid, detail))
    }
}
