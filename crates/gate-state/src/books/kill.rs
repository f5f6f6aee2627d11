//! Kill switches: which new orders are stopped. Releases and fills are never stopped.

use std::collections::{BTreeMap, HashSet};

use crate::record::{KillRecord, KillScope};

/// The switches that are thrown, each with who threw it and why.
#[derive(Debug, Clone, Default)]
pub(crate) struct KillSwitches {
    thrown: BTreeMap<KillScope<'static>, KillRecord<'static>>,
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
    pub(crate) fn apply(&mut self, record: &KillRecord<'_>) -> bool {
        let record = record.clone().into_owned();
        match (&record.scope, record.on) {
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
        let was_on = match record.on {
            true => self.thrown.insert(record.scope.clone(), record.clone()),
            false => self.thrown.remove(&record.scope),
        };
        was_on.is_some() != record.on
    }

    /// Every switch that is thrown.
    pub(crate) fn thrown(&self) -> impl Iterator<Item = &KillRecord<'static>> {
        self.thrown.values()
    }
}
