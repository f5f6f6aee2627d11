//! Housekeeping: recovery, holds in doubt, forgetting, snapshots.

use std::sync::atomic::Ordering;

use gate_types::Timestamp;
use parking_lot::MutexGuard;

use super::Ledger;
use crate::account::event::Event;
use crate::account::key::OrderKey;
use crate::account::notional;
use crate::account::order::Order;
use crate::books::{Books, SharedAccount};
use crate::error::{OpenError, SnapshotError};
use crate::record::{ExpireRecord, Seq};

/// Most ended orders dropped from one client per visit, but for rounding.
const FORGET_PER_VISIT: usize = 100_000;
/// Most of them dropped before others who wait for the client's lock get it.
const FORGET_AT_ONCE: usize = 500;

/// What one call of [`Ledger::maintain`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Maintained {
    /// A failed journal was recovered.
    pub recovered: bool,
    /// Number of holds in doubt given back.
    pub expired: usize,
    /// Number of ended orders forgotten.
    pub forgotten: usize,
    /// Number of clients dropped because nothing of them is left.
    pub closed: usize,
    /// A snapshot was taken.
    pub snapshot: bool,
}

impl Ledger {
    /// Housekeeping, to be called about every second. Recovers a failed journal, forgets orders
    /// past the dedupe window, gives back holds in doubt if configured, and takes a snapshot when
    /// due. A call visits a sixteenth of the clients; one that takes a snapshot lasts as long as
    /// that.
    ///
    /// # Errors
    /// [`OpenError`] if the journal failed and cannot be recovered yet.
    pub fn maintain(&self) -> Result<Maintained, OpenError> {
        let mut done = Maintained::default();
        if self.queue.is_poisoned() {
            self.recover()?;
            done.recovered = true;
        }
        let now = self.clock.now();
        let clients = self.books.read().next_visits();
        for client in clients {
            // Locked anew for each client, so that a kill switch need not wait for all of them.
            self.visit(&self.books.read(), &client, now, &mut done);
        }
        let every = self.config.snapshot_every;
        // Half of what a snapshot contains: then snapshots cost each record the same, however much
        // is remembered.
        let remembered = u64::try_from(self.books.read().remembered()).unwrap_or(u64::MAX);
        let enough = every.max(remembered.div_ceil(2));
        let since = self
            .durable
            .seq()
            .saturating_sub(self.snapshot_seq.load(Ordering::Acquire));
        if every > 0 && since >= enough {
            match self.snapshot() {
                Ok(_) => done.snapshot = true,
                Err(SnapshotError::Closed) => {}
                // The previous one is kept; the next call tries again.
                Err(error) => tracing::warn!(%error, "no snapshot was taken"),
            }
        }
        Ok(done)
    }

    /// Drops a client's orders that ended longer ago than the dedupe window, up to
    /// [`FORGET_PER_VISIT`]. Returns how many.
    pub(crate) fn forget(&self, books: &Books, client: &SharedAccount, now: Timestamp) -> usize {
        let window_ns = self.config.dedupe_window_ns;
        let mut gone = 0_usize;
        for _ in 0..FORGET_PER_VISIT.div_ceil(FORGET_AT_ONCE) {
            let mut account = client.lock();
            let forgotten = books.forget(&mut account, now, window_ns, FORGET_AT_ONCE);
            // Fair: those who wait for the lock get it before this loop does.
            MutexGuard::unlock_fair(account);
            gone = gone.saturating_add(forgotten);
            if forgotten == 0 {
                break;
            }
        }
        gone
    }

    fn visit(&self, books: &Books, client: &str, now: Timestamp, done: &mut Maintained) {
        let Some(shared) = books.known_account(client) else {
            return;
        };
        done.forgotten = done
            .forgotten
            .saturating_add(self.forget(books, &shared, now));
        let mut account = shared.lock();
        account.pass(now);
        if let Some(grace_ns) = self.config.in_doubt_release_ns {
            let deadline = now.unix_nanos().saturating_sub(grace_ns);
            let deadline = Timestamp::from_unix_nanos(deadline);
            let expire = |(key, order): (OrderKey, &Order)| ExpireRecord {
                client_id: client.into(),
                decision: Seq::new(order.seq),
                order_key: key.0,
                freed: notional(order.hold().held),
            };
            let records: Vec<_> = account
                .in_doubt_since(deadline)
                .into_iter()
                .map(expire)
                .collect();
            for record in records {
                // A full queue or a failed journal: the next visit tries again.
                let Ok(seq) = self.push(now, &record) else {
                    return;
                };
                books.apply(&mut account, &Event::expired((seq, now), &record));
                done.expired = done.expired.saturating_add(1);
            }
        }
        let blank = account.is_blank(now);
        drop(account);
        drop(shared);
        let taking_snapshot = self.taking_snapshot.load(Ordering::SeqCst);
        if blank && !taking_snapshot && books.close_blank(client, now) {
            done.closed = done.closed.saturating_add(1);
        }
    }
}
