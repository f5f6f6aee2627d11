//! Positions set by an operator: brought along by a client, traded elsewhere, or taken back by the
//! venue. Who and why is on the record.

use gate_state::{SetPosition, WaitFor};
use gate_types::ClientId;
use serde::Serialize;

use crate::applied::{Applied, Change};
use crate::gate::Gate;
use crate::problem::Problem;
use crate::request::PositionRequest;
use crate::views::{ExposureView, json};

#[derive(Serialize)]
struct PositionSet<'a> {
    client_id: &'a str,
    symbol: &'a str,
    /// False if the position was `net` already.
    changed: bool,
    before: String,
    net: String,
    exposure: ExposureView<'a>,
}

#[derive(Serialize)]
struct Positions<'a> {
    client_id: &'a str,
    positions: Vec<PositionView>,
}

#[derive(Serialize)]
struct PositionView {
    symbol: String,
    net: String,
}

impl Gate {
    /// `POST /v1/positions`: sets a client's net position in one instrument.
    ///
    /// # Errors
    /// A [`Problem`]; nothing changed.
    pub fn set_position(&self, body: &[u8]) -> Result<Applied, Problem> {
        let request = PositionRequest::parse(body)?;
        let set = self.ledger.set_position(&SetPosition {
            client_id: &request.client_id,
            symbol: &request.symbol,
            net: request.net,
            expected: request.expected,
            actor: &request.actor,
            reason: &request.reason,
        })?;
        let body = json(&PositionSet {
            client_id: request.client_id.as_str(),
            symbol: request.symbol.as_str(),
            changed: set.seq.is_some(),
            before: set.before.to_string(),
            net: request.net.to_string(),
            exposure: self.exposure_view(&request.client_id, &set.exposure),
        });
        Ok(Applied {
            // Nobody repeats it: it must survive a failed commit.
            wait_for: WaitFor::Disk(set.wait_for),
            what: set.seq.map_or(Change::Nothing, |_| Change::Position),
            body,
        })
    }

    /// The body of `GET /v1/positions/{client_id}`: the nonzero net positions.
    #[must_use]
    pub fn positions(&self, client_id: &ClientId<'_>) -> Vec<u8> {
        let held = self.ledger.positions(client_id);
        let view = |(symbol, net): &(_, gate_types::NetNotional)| PositionView {
            symbol: String::from(std::sync::Arc::as_ref(symbol)),
            net: net.to_string(),
        };
        json(&Positions {
            client_id: client_id.as_str(),
            positions: held.iter().map(view).collect(),
        })
    }
}
