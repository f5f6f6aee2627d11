//! A store's state for `ledger show`: a read-only replay of its journal, live or stopped. A live
//! store has moved on by the time the result is used.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use gate_types::{Exposure, NetNotional, Timestamp};

use super::Journal;
use super::read::find;
use super::rebuild::rebuild;
use crate::account::state::OrderState;
use crate::books::Books;
use crate::books::kill::ThrownSwitch;
use crate::error::OpenError;
use crate::record::chain::ChainPoint;
use crate::record::{DecisionRecord, Record};
use crate::snapshot;
use crate::store::Paths;

/// State replayed from a store's journal.
pub struct StoreView {
    journal: Journal,
    books: Books,
    window_ns: u64,
    end: ChainPoint,
}

impl fmt::Debug for StoreView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreView")
            .field("journal", &self.journal)
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

/// One order of a client with its decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderView {
    /// Its current state.
    pub state: OrderState,
    /// What was decided; `None` when the record was pruned.
    pub decision: Option<DecisionRecord<'static>>,
}

impl StoreView {
    /// Replays the journal of the store in `dir`. Ended orders are shown for `dedupe_window_ns`.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(dir: &Path, dedupe_window_ns: u64) -> Result<Self, OpenError> {
        Self::open_watched(dir, dedupe_window_ns, || {})
    }

    /// Calls `begins` before each replay.
    fn open_watched(
        dir: &Path,
        dedupe_window_ns: u64,
        mut begins: impl FnMut(),
    ) -> Result<Self, OpenError> {
        let journal = Journal::open(dir)?;
        let (books, end) = loop {
            let (begin, id) = (journal.begin()?, journal.store_id());
            let snapshot = snapshot::load(&Paths::new(dir), journal.conn(), &id)?;
            begins();
            match rebuild(journal.conn(), &id, snapshot, dedupe_window_ns) {
                Ok(rebuilt) => break rebuilt,
                // The owner pruned what was still to be read; a newer snapshot has it.
                Err(_) if journal.begin()? != begin => {}
                Err(error) => return Err(error),
            }
        };
        Ok(Self {
            journal,
            books,
            window_ns: dedupe_window_ns,
            end,
        })
    }

    /// The last record contained.
    #[must_use]
    pub const fn end(&self) -> ChainPoint {
        self.end
    }

    /// Every client, in order of name, with its exposure as of `now`.
    #[must_use]
    pub fn clients(&self, now: Timestamp) -> Vec<(Box<str>, Exposure)> {
        let names = self.books.clients();
        let with_exposure = |name: Box<str>| {
            let account = self.books.known_account(&name)?;
            let exposure = account.lock().exposure(now);
            Some((name, exposure))
        };
        names.into_iter().filter_map(with_exposure).collect()
    }

    /// The orders of a client that are remembered as of `now`, in the order of their decisions.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn orders(&self, client_id: &str, now: Timestamp) -> Result<Vec<OrderView>, OpenError> {
        let Some(account) = self.books.known_account(client_id) else {
            return Ok(Vec::new());
        };
        let account = account.lock();
        let remembered = account.orders();
        let remembered = remembered.filter(|order| order.is_remembered(now, self.window_ns));
        let states = remembered.map(|order| OrderState::of(order, now)).collect();
        self.views(states)
    }

    /// The orders in doubt as of `now`, each with its client, in order of name.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn in_doubt(&self, now: Timestamp) -> Result<Vec<(Box<str>, OrderView)>, OpenError> {
        let mut found = Vec::new();
        for client in self.books.clients() {
            let Some(account) = self.books.known_account(&client) else {
                continue;
            };
            let account = account.lock();
            let doubtful = account.orders().filter(|order| order.is_in_doubt(now));
            let states: Vec<_> = doubtful.map(|order| OrderState::of(order, now)).collect();
            let orders = self.views(states)?.into_iter();
            found.extend(orders.map(|order| (client.clone(), order)));
        }
        Ok(found)
    }

    /// Adds each order's decision; sorted by decision.
    fn views(&self, mut states: Vec<OrderState>) -> Result<Vec<OrderView>, OpenError> {
        states.sort_unstable_by_key(|state| state.decision);
        let mut views = Vec::new();
        for state in states {
            let decision = find(
                self.journal.conn(),
                state.decision.get(),
                |entry| match &entry.record {
                    Record::Decision(decision) => Some(decision.clone().into_owned()),
                    _ => None,
                },
            )?;
            let decision = decision.flatten();
            views.push(OrderView { state, decision });
        }
        Ok(views)
    }

    /// A client's nonzero net positions, by symbol.
    #[must_use]
    pub fn positions(&self, client_id: &str) -> Vec<(Arc<str>, NetNotional)> {
        self.books.positions(client_id)
    }

    /// The active kill switches.
    #[must_use]
    pub fn kills(&self) -> Vec<ThrownSwitch> {
        self.books.kills.thrown().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use gate_types::Clock as _;

    use super::*;

    use crate::ledger::opened::opened;
    use crate::{KillRecord, KillScope};

    #[test]
    fn a_store_that_is_pruned_meanwhile_is_read_again() {
        let (dir, clock, ledger) = opened(|_| {});
        let switch = |symbol: &str| {
            let kill = KillRecord {
                scope: KillScope::Symbol(symbol.to_owned().into()),
                on: true,
                actor: "ops".into(),
                reason: "drill".into(),
            };
            ledger.wait(ledger.kill(&kill).unwrap().seq).unwrap();
        };
        for symbol in ["AAPL", "GME", "MSFT"] {
            switch(symbol);
        }
        clock.advance_ns(1_000);
        let mut begun = 0;
        let view = StoreView::open_watched(dir.path(), 1, || {
            begun += 1;
            if begun == 1 {
                let pruned = ledger.prune(clock.now(), |anchor| anchor.to_bytes());
                assert!(pruned.unwrap().is_some());
            }
        });
        assert_eq!(view.unwrap().kills().len(), 3);
        assert_eq!(begun, 2);
    }
}
