//! Read-only views: exposure, one order, the policy in force. Amounts are decimal strings.

use gate_state::{Exposure, OrderState, Seq, WaitFor};
use gate_types::{ClientId, OrderId, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::answer::TokenForm;
use crate::gate::Gate;
use crate::problem::{Code, Problem, unknown_order};

#[derive(Serialize)]
pub(crate) struct ExposureView<'a> {
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
pub(crate) struct OrderView {
    state: &'static str,
    side: &'static str,
    ordered: String,
    filled: String,
    ended: String,
    open: String,
    held: String,
    in_doubt: bool,
    over_filled: bool,
    expires: Option<String>,
    ended_at: Option<String>,
}

/// A remembered order.
#[derive(Debug)]
pub struct FoundOrder {
    client_id: ClientId<'static>,
    order_id: OrderId<'static>,
    order: OrderState,
    as_of: Seq,
}

impl FoundOrder {
    /// What must be durable before it is shown: the decision is read from the disk, and what was
    /// heard of the order since could still be lost.
    #[must_use]
    pub const fn wait_for(&self) -> WaitFor {
        WaitFor::Disk(self.as_of)
    }
}

#[derive(Serialize)]
struct OrderAnswer<'a> {
    client_id: &'a str,
    client_order_id: &'a str,
    order: OrderView,
    /// `None` if its key is gone.
    decision: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct PolicyView<'a> {
    revision: &'a str,
    hash: String,
    engine: &'a str,
    activated_at: String,
}

impl OrderView {
    pub(crate) fn of(order: &OrderState) -> Self {
        Self {
            state: order.phase.as_str(),
            side: order.side.as_str(),
            ordered: order.ordered.to_string(),
            filled: order.filled.to_string(),
            ended: order.ended.to_string(),
            open: order.open.to_string(),
            held: order.held.to_string(),
            in_doubt: order.in_doubt,
            over_filled: order.over_filled,
            expires: order.expires.map(|time| time.to_string()),
            ended_at: order.ended_at.map(|time| time.to_string()),
        }
    }
}

impl Gate {
    /// The body of `GET /v1/exposure/{client_id}`; all zero for a client that never sent an order.
    #[must_use]
    pub fn exposure(&self, client_id: &ClientId<'_>) -> Vec<u8> {
        json(&self.exposure_view(client_id, &self.ledger.exposure(client_id)))
    }

    /// Finds an order. [`Gate::show_order`] shows it once [`FoundOrder::wait_for`] is durable.
    ///
    /// # Errors
    /// `unknown_order` if it is not remembered.
    pub fn find_order(
        &self,
        client_id: &ClientId<'_>,
        order_id: &OrderId<'_>,
    ) -> Result<FoundOrder, Problem> {
        let found = self.ledger.order_as_of(client_id, order_id);
        let (order, as_of) = found.ok_or_else(unknown_order)?;
        Ok(FoundOrder {
            client_id: client_id.clone().into_owned(),
            order_id: order_id.clone().into_owned(),
            order,
            as_of,
        })
    }

    /// The body of `GET /v1/orders/{client_id}/{client_order_id}`: the hold's state and the
    /// decision as answered, which is null if the key that signed it is gone. Reads the disk.
    ///
    /// # Errors
    /// A 503 if the decision is not durable; a 500 if the journal cannot be read.
    pub fn show_order(&self, found: &FoundOrder, form: TokenForm) -> Result<Vec<u8>, Problem> {
        self.ensure_durable(found.wait_for())?;
        let decision = match self.replay(found.order.decision, form) {
            Ok(answer) => Some(answer.without_timing()),
            Err(problem) if problem.code() == Code::KeyNotValid => None,
            Err(problem) => return Err(problem),
        };
        let decision: Option<&RawValue> = decision
            .as_deref()
            .map(serde_json::from_slice)
            .transpose()
            .map_err(|error| Problem::internal(&error))?;
        Ok(json(&OrderAnswer {
            client_id: found.client_id.as_str(),
            client_order_id: found.order_id.as_str(),
            order: OrderView::of(&found.order),
            decision,
        }))
    }

    /// When policy and keys came into force.
    #[must_use]
    pub fn active_since(&self) -> Timestamp {
        self.active().since
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

    pub(crate) fn exposure_view<'a>(
        &self,
        client_id: &'a ClientId<'_>,
        exposure: &Exposure,
    ) -> ExposureView<'a> {
        let limit = self.policy().max_exposure(client_id.as_str());
        ExposureView {
            client_id: client_id.as_str(),
            reserved: exposure.reserved.to_string(),
            filled: exposure.filled.to_string(),
            gross: exposure.gross.to_string(),
            open_orders: exposure.open_orders,
            orders_last_second: exposure.orders_last_second,
            limit: limit.map(|limit| limit.to_string()),
            headroom: limit.map(|limit| exposure.headroom(limit).to_string()),
        }
    }
}

/// A view as JSON. Cannot fail: views have string keys and no floats.
pub(crate) fn json(view: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(view).unwrap_or_default()
}
