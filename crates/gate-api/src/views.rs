//! What `Gate` shows beside decisions: exposure, one order, the policy in force.

use gate_state::{Exposure, OrderState};
use gate_types::{ClientId, OrderId};
use serde::Serialize;

use crate::gate::Gate;
use crate::problem::{Code, Problem, unknown_order};

#[derive(Serialize)]
struct ExposureView<'a> {
    client_id: &'a str,
    reserved: String,
    filled: String,
    gross: String,
    open_orders: u64,
    orders_last_second: u64,
    limit: Option<String>,
    headroom: Option<String>,
}

#[derive(Serialize)]
struct PolicyView<'a> {
    revision: &'a str,
    hash: String,
    engine: &'a str,
    activated_at: String,
}

impl Gate {
    /// The body of `GET /v1/exposure/{client_id}`. A client that never sent an order has none.
    #[must_use]
    pub fn exposure(&self, client_id: &ClientId<'_>) -> Vec<u8> {
        let exposure: Exposure = self.ledger.exposure(client_id);
        let limit = self.policy().max_exposure(client_id.as_str());
        json(&ExposureView {
            client_id: client_id.as_str(),
            reserved: exposure.reserved.to_string(),
            filled: exposure.filled.to_string(),
            gross: exposure.gross.to_string(),
            open_orders: exposure.open_orders,
            orders_last_second: exposure.orders_last_second,
            limit: limit.map(|limit| limit.to_string()),
            headroom: limit.map(|limit| exposure.headroom(limit).to_string()),
        })
    }

    /// The body of `GET /v1/policy`.
    #[must_use]
    pub fn policy_view(&self) -> Vec<u8> {
        let active = self.active();
        let identity = active.policy.identity();
        json(&PolicyView {
            revision: &identity.revision,
            hash: identity.hash.to_string(),
            engine: identity.engine.as_str(),
            activated_at: active.since.to_string(),
        })
    }
}

/// Our own views have no member that JSON cannot hold.
fn json(view: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(view).unwrap_or_default()
}
