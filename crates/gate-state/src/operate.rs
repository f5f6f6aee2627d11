//! What operators and housekeeping do: kill switches, holds in doubt, forgetting.

use gate_types::Timestamp;

use crate::account::{Event, What, notional};
use crate::books::Books;
use crate::error::{OpenError, RecordError};
use crate::ledger::Ledger;
use crate::record::{ExpireRecord, KillRecord, Record, Seq};

/// Ended orders dropped from one client at most, each time housekeeping comes by.
const FORGET_PER_VISIT: usize = 100_000;

/// What one call of [`Ledger::maintain`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Maintained {
    /// A failed journal was brought back.
    pub recovered: bool,
    /// Holds in doubt that were given back.
    pub expired: usize,
    /// Ended orders that are no longer remembered.
    pub forgotten: usize,
    /// Clients of whom nothing is left.
    pub closed: usize,
}

impl Ledger {
    /// Throws or lifts a kill switch. Once this returns, no order in its scope is authorized
    /// with a later number; those before it are on the record before it. Releases and fills go
    /// on. Answer once the record is durable.
    ///
    /// # Errors
    /// [`RecordError`]; then the switch is as it was.
    pub fn kill(&self, kill: &KillRecord<'_>) -> Result<Seq, RecordError> {
        // Waits for every decision in progress, and holds up new ones meanwhile.
        let mut books = self.books.write();
        let seq = self.push(self.clock.now(), &Record::Kill(kill.clone()))?;
        books.kills.apply(kill);
        Ok(Seq::new(seq))
    }

    /// The kill switches that are thrown.
    pub fn kills(&self) -> Vec<KillRecord<'static>> {
        self.books.read().kills.thrown().cloned().collect()
    }

    /// Housekeeping; to be called every second or so. Brings back a failed journal, forgets
    /// what ended longer ago than the dedupe window, and gives back holds in doubt when the
    /// configuration says so. A call visits a sixteenth of the clients.
    ///
    /// # Errors
    /// [`OpenError`] when the journal failed and cannot be brought back yet.
    pub fn maintain(&self) -> Result<Maintained, OpenError> {
        let mut done = Maintained::default();
        if self.queue.is_poisoned() {
            self.recover()?;
            done.recovered = true;
        }
        let now = self.clock.now();
        let clients = self.books.read().next_visits();
        for client in clients {
            // Taken anew for each, so that a kill switch need not wait for all of them.
            self.visit(&self.books.read(), &client, now, &mut done);
        }
        Ok(done)
    }

    fn visit(&self, books: &Books, client: &str, now: Timestamp, done: &mut Maintained) {
        let Some(shared) = books.known_account(client) else {
            return;
        };
        let mut account = shared.lock();
        let window_ns = self.config.dedupe_window_ns;
        let forgotten = books.forget(&mut account, now, window_ns, FORGET_PER_VISIT);
        done.forgotten = done.forgotten.saturating_add(forgotten);
        if let Some(grace_ns) = self.config.in_doubt_release_ns {
            let deadline = now.unix_nanos().saturating_sub(grace_ns);
            for (key, decision) in account.in_doubt_since(Timestamp::from_unix_nanos(deadline)) {
                let held = account.orders.get(&key).map(|order| order.hold().held);
                let record = Record::Expire(ExpireRecord {
                    client_id: client.into(),
                    decision: Seq::new(decision),
                    order_key: key.0,
                    freed: notional(held.unwrap_or_default()),
                });
                // A full queue or a failed journal: the next visit tries again.
                let Ok(seq) = self.push(now, &record) else {
                    return;
                };
                let event = Event {
                    seq,
                    at: now,
                    order: key,
                    what: What::Expire,
                };
                books.apply(&mut account, &event);
                done.expired = done.expired.saturating_add(1);
            }
        }
        let blank = account.is_blank(now);
        drop(account);
        drop(shared);
        let picturing = self.picturing.load(std::sync::atomic::Ordering::SeqCst);
        if blank && !picturing && books.close_blank(client, now) {
            done.closed = done.closed.saturating_add(1);
        }
    }
}
