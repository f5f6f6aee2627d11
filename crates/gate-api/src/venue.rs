//! The venue's reports on an order after its decision: it ended, or it traded.

use gate_policy::Policy;
use gate_state::{FillError, NewFill, Seq, WaitFor};
use gate_types::{ContractSize, Notional};
use serde::Serialize;

use crate::applied::{Applied, Change};
use crate::gate::Gate;
use crate::problem::Problem;
use crate::request::{FillRequest, ReleaseRequest};
use crate::views::{ExposureView, OrderView, json};

#[derive(Serialize)]
struct Released<'a> {
    client_id: &'a str,
    client_order_id: &'a str,
    /// False if nothing was left to free, or for a repetition.
    changed: bool,
    freed: String,
    order: OrderView,
    exposure: ExposureView<'a>,
}

#[derive(Serialize)]
struct Filled<'a> {
    client_id: &'a str,
    client_order_id: &'a str,
    exec_id: &'a str,
    /// False if this execution was applied before.
    changed: bool,
    converted: String,
    /// Some of the quantity had been released or expired before.
    late: bool,
    /// Some of the quantity had never been ordered.
    over: bool,
    order: OrderView,
    exposure: ExposureView<'a>,
}

impl Gate {
    /// `POST /v1/release`: the venue canceled, rejected or expired the order, wholly or in part.
    ///
    /// # Errors
    /// A [`Problem`]; nothing changed.
    pub fn release(&self, body: &[u8]) -> Result<Applied, Problem> {
        let request = ReleaseRequest::parse(body)?;
        let (client_id, order_id) = (&request.client_id, &request.client_order_id);
        let released = self
            .ledger
            .release(client_id, order_id, &request.reason, request.qty)?;
        let body = json(&Released {
            client_id: client_id.as_str(),
            client_order_id: order_id.as_str(),
            changed: released.seq.is_some(),
            freed: released.freed.to_string(),
            order: OrderView::of(&released.order),
            exposure: self.exposure_view(client_id, &released.exposure),
        });
        Ok(Applied {
            wait_for: released.wait_for.into(),
            what: released.seq.map_or(Change::Nothing, |_| Change::Release),
            body,
        })
    }

    /// `POST /v1/fill`: the venue executed some of the order. A late fill or an over-fill is
    /// flagged, never refused: the venue's word is a fact.
    ///
    /// # Errors
    /// A [`Problem`]; nothing changed.
    pub fn fill(&self, body: &[u8]) -> Result<Applied, Problem> {
        let request = FillRequest::parse(body)?;
        let (client_id, order_id) = (&request.client_id, &request.client_order_id);
        let exec_id = &request.exec_id;
        let fill = NewFill {
            client_id,
            order_id,
            exec_id,
            qty: request.qty,
            price: request.price,
        };
        let filled = match self.ledger.order(client_id, order_id) {
            None => Err(FillError::UnknownOrder),
            Some(order) => {
                // After the order: what is in force now is nothing older than what decided it.
                let active = self.active();
                let size = (order.decision < active.context.seq())
                    .then(|| self.decided_size(order.decision, &*active.policy))
                    .transpose()?;
                self.ledger.fill(&fill, |symbol| {
                    size.unwrap_or_else(|| active.policy.contract_size(symbol))
                })
            }
        };
        let filled = filled.inspect_err(|error| {
            if !matches!(error, FillError::Overloaded | FillError::NotDurable(_)) {
                // This trade is counted nowhere until an operator sets the position.
                let (client, order) = (client_id.as_str(), order_id.as_str());
                tracing::warn!(client, order, exec = exec_id.as_str(), %error, "a fill was refused");
            }
        })?;
        let body = json(&Filled {
            client_id: client_id.as_str(),
            client_order_id: order_id.as_str(),
            exec_id: exec_id.as_str(),
            changed: !filled.repeated,
            converted: filled.converted.to_string(),
            late: filled.late,
            over: filled.over,
            order: OrderView::of(&filled.order),
            exposure: self.exposure_view(client_id, &filled.exposure),
        });
        Ok(Applied {
            wait_for: filled.wait_for.into(),
            what: match (filled.repeated, filled.over, filled.late) {
                (true, _, _) => Change::Nothing,
                (false, true, _) => Change::OverFill,
                (false, false, true) => Change::LateFill,
                (false, false, false) => Change::Fill,
            },
            body,
        })
    }

    /// The contract size that an order was decided with: that of the policy in force if it gives
    /// the order's notional, else the one that the order's amounts imply.
    fn decided_size(&self, decision: Seq, policy: &dyn Policy) -> Result<ContractSize, Problem> {
        self.ensure_durable(WaitFor::Disk(decision))?;
        let decided = self.ledger.decision(decision)?.record;
        let (qty, price, notional) = (decided.qty, decided.price, decided.notional);
        let size = policy.contract_size(&decided.symbol);
        if Notional::of(qty, price, size) == Ok(notional) {
            return Ok(size);
        }
        Ok(ContractSize::implied(qty, price, notional).unwrap_or(size))
    }
}
