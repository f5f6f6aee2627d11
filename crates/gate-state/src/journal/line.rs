//! A record as auditors get it: one JSON object a line, amounts as decimal strings, hashes and
//! ids as hex, times in RFC 3339. Plain values; nothing is read here.

use std::collections::BTreeMap;
use std::sync::Arc;

use gate_types::{Exposure, Notional};
use serde::Serialize;

use crate::record::chain::{ChainHash, hex};
use crate::record::{ContextId, DecisionContext, DecisionRecord, Entry, Record};

/// One record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Its number.
    pub seq: u64,
    /// When it happened, in RFC 3339.
    pub at: String,
    /// What happened.
    #[serde(flatten)]
    pub what: LineRecord,
    /// The chain's hash after it, in hex.
    pub hash: String,
}

/// What happened; `kind` names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[allow(
    missing_docs,
    reason = "the members are those of the records, as text; docs/ledger.md lists them"
)]
pub enum LineRecord {
    Context {
        policy_revision: String,
        policy_hash: String,
        engine: String,
        kid: String,
        iss: String,
        aud: String,
    },
    Decision(Box<LineDecision>),
    Release {
        client_id: String,
        client_order_id: String,
        reason: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        qty: Option<String>,
        freed: String,
    },
    Fill {
        client_id: String,
        client_order_id: String,
        exec_id: String,
        qty: String,
        price: String,
        notional: String,
        converted: String,
        late: bool,
        over: bool,
    },
    Expire {
        client_id: String,
        decision: u64,
        order_key: String,
        freed: String,
    },
    Kill {
        scope: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        on: bool,
        actor: String,
        reason: String,
    },
    Void,
    Position {
        client_id: String,
        symbol: String,
        before: String,
        after: String,
        actor: String,
        reason: String,
    },
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(
    missing_docs,
    reason = "the members are those of `DecisionRecord`, as text"
)]
pub struct LineDecision {
    pub client_id: String,
    pub client_order_id: String,
    pub symbol: String,
    pub side: &'static str,
    pub qty: String,
    pub price: String,
    pub notional: String,
    pub order_digest: String,
    pub trace_id: String,
    pub expires: String,
    pub context: u64,
    #[serde(flatten)]
    pub policy: Option<LinePolicy>,
    pub status: &'static str,
    pub reasons: Vec<String>,
    pub hold: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    pub exposure_before: LineExposure,
    pub exposure_after: LineExposure,
}

/// The policy and key of a decision. Missing only when the context's record was pruned and the
/// snapshot is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(
    missing_docs,
    reason = "the members are those of `DecisionContext`, as text"
)]
pub struct LinePolicy {
    pub policy_revision: String,
    pub policy_hash: String,
    pub engine: String,
    pub kid: String,
}

/// An exposure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the members are those of `Exposure`, as text")]
pub struct LineExposure {
    pub reserved: String,
    pub filled: String,
    pub gross: String,
    pub open_orders: u64,
    pub orders_last_second: u64,
}

impl Line {
    /// `policies`: the contexts by record number; a context record is added.
    pub(crate) fn new(entry: &Entry<'_>, chain: &ChainHash, policies: &mut Policies) -> Self {
        if let Record::Context(context) = &entry.record {
            policies.insert(entry.seq.get(), LinePolicy::new(context));
        }
        Self {
            seq: entry.seq.get(),
            at: entry.at.to_string(),
            what: LineRecord::new(&entry.record, policies),
            hash: chain.to_string(),
        }
    }
}

impl LineRecord {
    fn new(record: &Record<'_>, policies: &Policies) -> Self {
        match record {
            Record::Context(context) => Self::Context {
                policy_revision: context.policy_revision.clone(),
                policy_hash: hex(&context.policy_hash),
                engine: context.engine.clone(),
                kid: context.kid.clone(),
                iss: context.iss.clone(),
                aud: context.aud.clone(),
            },
            Record::Decision(decision) => {
                let policy = policies.get(&decision.context.seq().get()).cloned();
                Self::Decision(Box::new(LineDecision::new(decision, policy)))
            }
            Record::Release(release) => Self::Release {
                client_id: release.client_id.to_string(),
                client_order_id: release.order_id.to_string(),
                reason: release.reason.to_string(),
                qty: release.qty.map(|qty| qty.to_string()),
                freed: release.freed.to_string(),
            },
            Record::Fill(fill) => Self::Fill {
                client_id: fill.client_id.to_string(),
                client_order_id: fill.order_id.to_string(),
                exec_id: fill.exec_id.to_string(),
                qty: fill.qty.to_string(),
                price: fill.price.to_string(),
                notional: fill.notional.to_string(),
                converted: fill.converted.to_string(),
                late: fill.late,
                over: fill.over,
            },
            Record::Expire(expire) => Self::Expire {
                client_id: expire.client_id.to_string(),
                decision: expire.decision.get(),
                order_key: hex(&expire.order_key),
                freed: expire.freed.to_string(),
            },
            Record::Kill(kill) => Self::Kill {
                scope: kill.scope.kind(),
                name: kill.scope.name().map(str::to_owned),
                on: kill.on,
                actor: kill.actor.to_string(),
                reason: kill.reason.to_string(),
            },
            Record::Void => Self::Void,
            Record::Position(position) => Self::Position {
                client_id: position.client_id.to_string(),
                symbol: position.symbol.to_string(),
                before: position.before.to_string(),
                after: position.after.to_string(),
                actor: position.actor.to_string(),
                reason: position.reason.to_string(),
            },
        }
    }
}

impl LineDecision {
    fn new(decision: &DecisionRecord<'_>, policy: Option<LinePolicy>) -> Self {
        Self {
            client_id: decision.client_id.to_string(),
            client_order_id: decision.order_id.to_string(),
            symbol: decision.symbol.to_string(),
            side: decision.side.as_str(),
            qty: decision.qty.to_string(),
            price: decision.price.to_string(),
            notional: decision.notional.to_string(),
            order_digest: hex(&decision.digest),
            trace_id: uuid(&decision.trace_id),
            expires: decision.expires.to_string(),
            context: decision.context.seq().get(),
            policy,
            status: decision.status.as_str(),
            reasons: decision.reasons.iter().map(ToString::to_string).collect(),
            hold: decision.hold().to_string(),
            limit: decision.limit.map(|limit: Notional| limit.to_string()),
            exposure_before: LineExposure::new(&decision.before),
            exposure_after: LineExposure::new(&decision.after()),
        }
    }
}

/// Contexts by the number of their record.
pub(crate) type Policies = BTreeMap<u64, LinePolicy>;

pub(crate) fn policies(contexts: &[(ContextId, Arc<DecisionContext>)]) -> Policies {
    let named = |(id, context): &(ContextId, Arc<DecisionContext>)| {
        (id.seq().get(), LinePolicy::new(context))
    };
    contexts.iter().map(named).collect()
}

impl LinePolicy {
    fn new(context: &DecisionContext) -> Self {
        Self {
            policy_revision: context.policy_revision.clone(),
            policy_hash: hex(&context.policy_hash),
            engine: context.engine.clone(),
            kid: context.kid.clone(),
        }
    }
}

impl LineExposure {
    fn new(exposure: &Exposure) -> Self {
        Self {
            reserved: exposure.reserved.to_string(),
            filled: exposure.filled.to_string(),
            gross: exposure.gross.to_string(),
            open_orders: exposure.open_orders,
            orders_last_second: exposure.orders_last_second,
        }
    }
}

/// In the form of the token's `jti` (RFC 9562 §4).
fn uuid(id: &[u8; 16]) -> String {
    let digits = hex(id);
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32];
    parts
        .map(|part| digits.get(part).unwrap_or_default())
        .join("-")
}
