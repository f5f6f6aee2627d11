//! Kill switches: thrown and lifted by an operator.

use gate_types::Timestamp;

use super::Ledger;
use crate::books::kill::ThrownSwitch;
use crate::error::RecordError;
use crate::record::{KillRecord, Seq};

/// The outcome of [`Ledger::kill`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Switched {
    /// Its record: answer once it is durable.
    pub seq: Seq,
    /// When.
    pub at: Timestamp,
    /// Not so when it was thrown, or not thrown, already: a name that was misspelt, perhaps.
    pub changed: bool,
}

impl Ledger {
    /// Throws or lifts a kill switch. Once this returns, no order in its scope is authorized
    /// with a later number; those before it are on the record before it. Releases and fills go
    /// on. Answer once the record is durable.
    ///
    /// # Errors
    /// [`RecordError`]; then the switch is as it was.
    pub fn kill(&self, kill: &KillRecord<'_>) -> Result<Switched, RecordError> {
        // Waits for every decision in progress, and holds up new ones meanwhile.
        let mut books = self.books.write();
        let at = self.clock.now();
        let seq = self.push_always(at, kill)?;
        let changed = books.kills.apply(at, kill);
        drop(books);
        let KillRecord {
            scope,
            on,
            actor,
            reason,
        } = kill;
        let (actor, reason) = (actor.as_ref(), reason.as_ref());
        tracing::warn!(?scope, on, changed, actor, reason, "kill switch");
        Ok(Switched {
            seq: Seq::new(seq),
            at,
            changed,
        })
    }

    /// The kill switches that are thrown.
    pub fn kills(&self) -> Vec<ThrownSwitch> {
        self.books.read().kills.thrown().cloned().collect()
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    use crate::ledger::opened::opened;
    use crate::record::KillScope;
    use crate::store::Appender;

    /// It is thrown when things go wrong.
    #[test]
    fn a_full_queue_does_not_keep_a_kill_switch_out() {
        let (_dir, _clock, ledger) = opened(|config| config.queue_capacity = 1);
        // Until this ends nothing gets to the disk.
        let (block, blocked) = std::sync::mpsc::channel::<()>();
        let work = move |_: &Appender| blocked.recv().is_err();
        ledger.queue.push_job(Box::new(work)).unwrap();
        let kill = |scope| KillRecord {
            scope,
            on: true,
            actor: "ops".into(),
            reason: "drill".into(),
        };
        ledger.kill(&kill(KillScope::All)).unwrap();
        assert_eq!(ledger.queue.admits(), Err(RecordError::Overloaded));
        let second = ledger
            .kill(&kill(KillScope::Client("c1".into())))
            .unwrap()
            .seq;
        assert_eq!(ledger.kills().len(), 2);
        drop(block);
        ledger.wait(second).unwrap();
    }
}
