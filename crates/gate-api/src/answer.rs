//! The reply to an order: the decision, and the signed token in it.

use gate_policy::PolicyHash;
use gate_policy::reason::FAULTS;
use gate_state::{Decision, Exposure, MAX_EXPOSURE, NewOrder, StoredDecision};
use gate_token::{Claims, Digest, SigningKey, Status, canonical, sign_into, sign_jws};
use gate_types::Notional;

use crate::gate::Settings;
use crate::timing::Timing;

/// The form of the token in a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TokenForm {
    /// `{"payload":{…},"signature":"…"}`.
    #[default]
    Object,
    /// A string: the same claims as compact JWS (RFC 7515 §7.1), which any JOSE library reads.
    Jws,
}

/// A reply without its timing.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The JSON object, not closed yet.
    json: Vec<u8>,
    authorized: bool,
    fault: Option<&'static str>,
}

/// Initial capacity: enough for a usual reply.
const USUAL_BYTES: usize = 1_280;

/// What the token of a new decision is made of.
pub(crate) struct Signed<'a> {
    pub(crate) order: &'a NewOrder<'a>,
    pub(crate) decision: &'a Decision,
    pub(crate) digest: Digest,
    pub(crate) policy_revision: &'a str,
    pub(crate) policy_hash: &'a str,
    pub(crate) settings: &'a Settings,
}

impl Signed<'_> {
    pub(crate) fn answer(&self, key: &SigningKey, form: TokenForm) -> Answer {
        let Self {
            order,
            decision,
            digest,
            policy_revision,
            policy_hash,
            settings,
        } = self;
        let trace_id = uuid::Uuid::from_bytes(order.trace_id);
        let mut trace_text = uuid::Uuid::encode_buffer();
        let notional = order.notional.text();
        let claims = Claims {
            kid: key.kid().into(),
            iss: settings.issuer.as_str().into(),
            aud: settings.audience.as_str().into(),
            iat: order.now.unix_seconds(),
            exp: order.expires.unix_seconds(),
            jti: (&*trace_id.hyphenated().encode_lower(&mut trace_text)).into(),
            seq: decision.seq.get(),
            status: status(decision.status),
            reasons: decision
                .reasons
                .iter()
                .map(|reason| reason.as_ref().into())
                .collect(),
            client_id: order.client_id.as_str().into(),
            client_order_id: order.order_id.as_str().into(),
            order_digest: *digest,
            notional: notional.as_str().into(),
            policy_revision: (*policy_revision).into(),
            policy_hash: (*policy_hash).into(),
        };
        let headroom = headroom(&claims, decision.limit, &decision.before);
        Answer::write(&claims, headroom, false, key, form)
    }
}

fn fault(reason: &str) -> Option<&'static str> {
    FAULTS.into_iter().find(|fault| *fault == reason)
}

impl Answer {
    /// The reply to a repeated order, from its record; the token is the first one, byte for byte.
    pub(crate) fn of_stored(stored: &StoredDecision, key: &SigningKey, form: TokenForm) -> Self {
        let StoredDecision {
            seq,
            at,
            record,
            context,
        } = stored;
        let claims = Claims {
            kid: key.kid().into(),
            iss: context.iss.as_str().into(),
            aud: context.aud.as_str().into(),
            iat: at.unix_seconds(),
            exp: record.expires.unix_seconds(),
            jti: uuid::Uuid::from_bytes(record.trace_id)
                .hyphenated()
                .to_string()
                .into(),
            seq: seq.get(),
            status: status(record.status),
            reasons: record
                .reasons
                .iter()
                .map(|reason| reason.as_ref().into())
                .collect(),
            client_id: record.client_id.as_ref().into(),
            client_order_id: record.order_id.as_ref().into(),
            order_digest: Digest::from_bytes(record.digest),
            notional: record.notional.to_string().into(),
            policy_revision: context.policy_revision.as_str().into(),
            policy_hash: PolicyHash(context.policy_hash).to_string().into(),
        };
        let headroom = headroom(&claims, record.limit, &record.before);
        Self::write(&claims, headroom, true, key, form)
    }

    fn write(
        claims: &Claims<'_>,
        headroom: Option<Notional>,
        replayed: bool,
        key: &SigningKey,
        form: TokenForm,
    ) -> Self {
        let mut json = Vec::with_capacity(USUAL_BYTES);
        json.extend_from_slice(b"{\"trace_id\":");
        canonical::write_string(&mut json, &claims.jti);
        json.extend_from_slice(b",\"status\":");
        canonical::write_string(&mut json, claims.status.as_str());
        json.extend_from_slice(b",\"reasons\":[");
        for (index, reason) in claims.reasons.iter().enumerate() {
            if index > 0 {
                json.push(b',');
            }
            canonical::write_string(&mut json, reason);
        }
        json.extend_from_slice(b"],\"replayed\":");
        json.extend_from_slice(if replayed { b"true" } else { b"false" });
        if let Some(headroom) = headroom {
            json.extend_from_slice(format!(",\"headroom\":\"{headroom}\"").as_bytes());
        }
        json.extend_from_slice(b",\"decision_token\":");
        match form {
            TokenForm::Object => sign_into(claims, key, &mut json),
            TokenForm::Jws => canonical::write_string(&mut json, &sign_jws(claims, key)),
        }
        let authorized = claims.status == Status::Authorized;
        let fault = claims.reasons.iter().find_map(|reason| fault(reason));
        Self {
            json,
            authorized,
            fault: fault.filter(|_| !authorized),
        }
    }

    /// Why the policy failed, if the order was blocked for that.
    pub(crate) const fn fault(&self) -> Option<&'static str> {
        self.fault
    }

    pub(crate) const fn is_authorized(&self) -> bool {
        self.authorized
    }

    /// The reply without timing, for queries.
    pub(crate) fn without_timing(self) -> Vec<u8> {
        let mut json = self.json;
        json.push(b'}');
        json
    }

    /// The reply, with its timing.
    pub(crate) fn finish(self, timing: &Timing) -> Vec<u8> {
        let mut json = self.json;
        json.extend_from_slice(b",\"timing_ms\":");
        timing.write_json_ms(&mut json);
        json.push(b'}');
        json
    }
}

const fn status(recorded: gate_state::Status) -> Status {
    match recorded {
        gate_state::Status::Authorized => Status::Authorized,
        gate_state::Status::Blocked => Status::Blocked,
    }
}

/// Room below the limit, for an order that the exposure limit blocked.
fn headroom(claims: &Claims<'_>, limit: Option<Notional>, before: &Exposure) -> Option<Notional> {
    let limited = claims.status == Status::Blocked
        && claims.reasons.iter().any(|reason| reason == MAX_EXPOSURE);
    limit
        .filter(|_| limited)
        .map(|limit| before.headroom(limit))
}
