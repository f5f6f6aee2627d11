//! A ledger for the unit tests of this crate, over a store of its own.

use std::sync::Arc;

use gate_types::{ManualClock, Timestamp};
use tempfile::TempDir;

use super::Ledger;
use crate::config::LedgerConfig;

/// A new ledger, its clock and its directory, which lives as long as it is kept.
pub(crate) fn opened(
    change: impl FnOnce(&mut LedgerConfig),
) -> (TempDir, Arc<ManualClock>, Ledger) {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(Timestamp::from_unix_seconds(9)));
    let mut config = LedgerConfig::new(dir.path());
    change(&mut config);
    let ledger = Ledger::open(config, clock.clone()).unwrap();
    (dir, clock, ledger)
}
