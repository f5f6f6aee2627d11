//! Kill switches: new orders of everyone, of one client or in one symbol are stopped at once.
//! Releases and fills go on, and who did it and why is on the record.

use gate_state::{KillRecord, KillScope, ThrownSwitch, WaitFor};
use gate_types::Timestamp;
use serde::Serialize;

use crate::applied::{Applied, Change};
use crate::gate::Gate;
use crate::problem::Problem;
use crate::request::{KillRequest, KillTarget};
use crate::views::json;

#[derive(Serialize)]
struct SwitchView {
    scope: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    on: bool,
    at: String,
    actor: String,
    reason: String,
}

/// A switch that was thrown or lifted now.
#[derive(Serialize)]
struct Switched {
    #[serde(flatten)]
    switch: SwitchView,
    /// False when it was so already.
    changed: bool,
}

#[derive(Serialize)]
struct Switches {
    kill_switches: Vec<SwitchView>,
}

impl Gate {
    /// `POST /v1/kill`: throws or lifts a switch.
    ///
    /// # Errors
    /// A [`Problem`]; the switch is as it was then.
    pub fn kill(&self, body: &[u8]) -> Result<Applied, Problem> {
        let request = KillRequest::parse(body)?;
        let record = KillRecord {
            scope: match &request.scope {
                KillTarget::All => KillScope::All,
                KillTarget::Client(client) => KillScope::Client(client.as_str().into()),
                KillTarget::Symbol(symbol) => KillScope::Symbol(symbol.as_str().into()),
            },
            on: request.on,
            actor: request.actor,
            reason: request.reason,
        };
        let switched = self.ledger.kill(&record)?;
        Ok(Applied {
            // Whoever has thrown it goes by it until it is lifted: it must outlast a failed commit.
            wait_for: WaitFor::Disk(switched.seq),
            what: Change::Kill,
            body: json(&Switched {
                switch: view(switched.at, &record),
                changed: switched.changed,
            }),
        })
    }

    /// The body of `GET /v1/kill`: the switches that are thrown.
    #[must_use]
    pub fn kill_switches(&self) -> Vec<u8> {
        json(&Switches {
            kill_switches: self.ledger.kills().iter().map(thrown).collect(),
        })
    }
}

fn thrown(ThrownSwitch { at, kill }: &ThrownSwitch) -> SwitchView {
    view(*at, kill)
}

fn view(at: Timestamp, record: &KillRecord<'_>) -> SwitchView {
    SwitchView {
        scope: record.scope.kind(),
        name: record.scope.name().map(str::to_owned),
        on: record.on,
        at: at.to_string(),
        actor: record.actor.to_string(),
        reason: record.reason.to_string(),
    }
}
