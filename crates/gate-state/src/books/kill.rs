//! Kill switches: which new orders are stopped. Releases and fills are never stopped.

use std::collections::{BTreeMap, HashSet};

use gate_types::Timestamp;

use crate::record::{KillRecord, KillScope};

/// A kill switch that is thrown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThrownSwitch {
    /// When it was thrown last.
    pub at: Timestamp,
    /// What it stops, who threw it and why.
    pub kill: KillRecord<'static>,
}

/// The switches that are thrown.
#[derive(Debug, Clone, Default)]
pub(crate) struct KillSwitches {
    thrown: BTreeMap<KillScope<'static>, ThrownSwitch>,
    by_client: HashSet<Box<str>>,
    by_symbol: HashSet<Box<str>>,
    all: bool,
}

impl KillSwitches {
    /// The reason code with which an order is blocked, if it is.
    pub(crate) fn blocks(&self, client_id: &str, symbol: &str) -> Option<&'static str> {
        if self.thrown.is_empty() {
            return None;
        }
        if self.all {
            return Some("kill_switch_all");
        }
        if self.by_client.contains(client_id) {
            return Some("kill_switch_client");
        }
        self.by_symbol
            .contains(symbol)
            .then_some("kill_switch_symbol")
    }

    /// Whether it changed anything: not when it was thrown, or not thrown, already.
    pub(crate) fn apply(&mut self, at: Timestamp, record: &KillRecord<'_>) -> bool {
        let kill = record.clone().into_owned();
        match (&kill.scope, kill.on) {
            (KillScope::All, on) => self.all = on,
            (KillScope::Client(client), true) => {
                self.by_client.insert(client.as_ref().into());
            }
            (KillScope::Client(client), false) => {
                self.by_client.remove(client.as_ref());
            }
            (KillScope::Symbol(symbol), true) => {
                self.by_symbol.insert(symbol.as_ref().into());
            }
            (KillScope::Symbol(symbol), false) => {
                self.by_symbol.remove(symbol.as_ref());
            }
        }
        let was_on = match kill.on {
            true => {
                let scope = kill.scope.clone();
                self.thrown.insert(scope, ThrownSwitch { at, kill })
            }
            false => self.thrown.remove(&kill.scope),
        };
        was_on.is_some() != record.on
    }

    /// Every switch that is thrown.
    pub(crate) fn thrown(&self) -> impl Iterator<Item = &ThrownSwitch> {
        self.thrown.values()
    }
}
