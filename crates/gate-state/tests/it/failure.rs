//! A journal that cannot be written: nothing is authorized, nothing is guessed, and it comes
//! back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use gate_state::{CommitListener, DecideError, Decided, NotDurable, ReadError, Seq, Status};
use gate_types::{ClientId, OrderId};
use rusqlite::Connection;

use crate::kit::Kit;

/// Takes SQLite's write lock, so that the next commit fails.
fn jam(kit: &Kit) -> Connection {
    let conn = Connection::open(kit.dir.path().join("ledger.db")).unwrap();
    conn.execute_batch("BEGIN IMMEDIATE").unwrap();
    conn
}

#[derive(Default)]
struct Failures(AtomicUsize);

impl CommitListener for Failures {
    fn on_commit(&self, durable: Result<Seq, NotDurable>) {
        if durable.is_err() {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[test]
fn a_failed_commit_refuses_everything_until_the_store_is_recovered() {
    let kit = Kit::new();
    let failures = Arc::new(Failures::default());
    kit.ledger.subscribe(failures.clone());
    kit.authorize("c1", "o-1", "100");

    let jam = jam(&kit);
    let Ok(Decided::New(lost)) = kit.decide("c1", "o-2", "100", None) else {
        panic!()
    };
    assert_eq!(kit.ledger.wait(lost.seq), Err(NotDurable));
    assert!(!kit.ledger.health().writable);
    let refused = DecideError::NotDurable(NotDurable);
    assert_eq!(kit.decide("c1", "o-3", "100", None), Err(refused));
    let (client, order) = (ClientId::new("c1").unwrap(), OrderId::new("o-1").unwrap());
    assert!(
        kit.ledger
            .release(&client, &order, "canceled", None)
            .is_err()
    );

    // The cause is still there: it goes on refusing.
    assert!(kit.ledger.recover().is_err());
    assert_eq!(kit.decide("c1", "o-3", "100", None), Err(refused));

    drop(jam);
    kit.ledger.recover().unwrap();
    assert_eq!(failures.0.load(Ordering::SeqCst), 1);
    assert!(kit.ledger.health().writable);
    // The order that was never durable holds nothing; its number is on the record as void.
    assert_eq!(kit.exposure("c1").gross.to_string(), "100");
    assert_eq!(kit.ledger.durable_seq(), lost.seq);
    assert_eq!(kit.ledger.wait(lost.seq), Err(NotDurable));
    assert_eq!(
        kit.ledger.poll_durable(lost.seq),
        Poll::Ready(Err(NotDurable))
    );
    assert!(matches!(
        kit.ledger.decision(lost.seq),
        Err(ReadError::NotDurable(_))
    ));
    let retried = kit.authorize("c1", "o-2", "100");
    assert_eq!(retried.status, Status::Authorized);
    assert_eq!(retried.seq.get(), lost.seq.get() + 1);

    let (_copy, crashed) = kit.crashed_copy();
    assert_eq!(crashed.durable_seq(), retried.seq);
}

#[test]
fn shutting_down_a_failed_ledger_says_so() {
    let kit = Kit::new();
    kit.authorize("c1", "o-1", "1");
    let _jam = jam(&kit);
    let Ok(Decided::New(lost)) = kit.decide("c1", "o-2", "1", None) else {
        panic!()
    };
    assert_eq!(kit.ledger.wait(lost.seq), Err(NotDurable));
    assert_eq!(kit.ledger.shutdown(), Err(NotDurable));
    assert!(kit.ledger.recover().is_err() || !kit.ledger.health().writable);
}

#[test]
fn a_full_queue_refuses_before_anything_changes() {
    let kit = Kit::with(|config| config.queue_capacity = 3);
    kit.ledger.wait(kit.context.seq()).unwrap();
    let _jam = jam(&kit);
    // The writer is held up for as long as it waits for the lock; the queue holds three.
    let outcomes: Vec<_> = (0..5)
        .map(|n| kit.decide("c1", &format!("o-{n}"), "1", None))
        .collect();
    let taken = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(taken, 3, "{outcomes:?}");
    assert_eq!(outcomes[3], Err(DecideError::Overloaded));
    assert_eq!(kit.exposure("c1").gross.to_string(), "3");
}
