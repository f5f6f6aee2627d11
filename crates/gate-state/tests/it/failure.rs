//! A journal that cannot be written: nothing is authorized meanwhile, and recovery brings it back.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use gate_state::{
    CommitListener, DecideError, Decided, Journal, JournalState, Ledger, LedgerConfig, NotDurable,
    OpenError, ReadError, Seq, Status,
};
use gate_types::{ClientId, Clock, ManualClock, OrderId, Timestamp};
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
    assert_eq!(kit.ledger.health().journal, JournalState::Failed);
    let refused = DecideError::NotDurable(NotDurable);
    assert_eq!(kit.decide("c1", "o-3", "100", None), Err(refused));
    let (client, order) = (ClientId::new("c1").unwrap(), OrderId::new("o-1").unwrap());
    assert!(
        kit.ledger
            .release(&client, &order, "canceled", None)
            .is_err()
    );

    // The cause is still there: recovery fails.
    assert!(kit.ledger.recover().is_err());
    assert_eq!(kit.decide("c1", "o-3", "100", None), Err(refused));

    drop(jam);
    kit.ledger.recover().unwrap();
    assert_eq!(failures.0.load(Ordering::SeqCst), 1);
    assert_eq!(kit.ledger.health().journal, JournalState::Open);
    // The order that was never durable holds nothing; its number is a void record.
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

/// Decisions go on under the newest context, so recovery writes it again if it was lost.
#[test]
fn what_was_put_in_force_in_a_failed_commit_is_on_the_record_after_the_recovery() {
    let mut kit = Kit::new();
    kit.ledger.wait(kit.context.seq()).unwrap();
    let jam = jam(&kit);
    let mut changed = crate::kit::context();
    changed.policy_revision = "r2".into();
    kit.context = kit.ledger.set_context(changed).unwrap();
    assert_eq!(kit.ledger.wait(kit.context.seq()), Err(NotDurable));
    drop(jam);
    kit.ledger.recover().unwrap();
    let first = kit.authorize("c1", "o-1", "1");
    let revision = |ledger: &Ledger| {
        let decision = ledger.decision(first.seq).unwrap();
        decision.context.policy_revision.clone()
    };
    assert_eq!(revision(&kit.ledger), "r2");
    let (_copy, crashed) = kit.crashed_copy();
    assert_eq!(revision(&crashed), "r2");
}

#[test]
fn however_many_records_a_failed_commit_loses_they_are_voided_in_a_few_commits() {
    let kit = Kit::new();
    kit.ledger.wait(kit.context.seq()).unwrap();
    let rows = || {
        let conn = Connection::open(kit.dir.path().join("ledger.db")).unwrap();
        let count = "SELECT count(*) FROM journal";
        conn.query_row(count, [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    let before = rows();
    let jam = jam(&kit);
    let mut last = None;
    for n in 0..1_000 {
        // Until the commit has failed.
        if let Ok(Decided::New(decision)) = kit.decide("c1", &format!("o-{n}"), "1", None) {
            last = Some(decision.seq);
        }
    }
    let last = last.unwrap();
    assert_eq!(kit.ledger.wait(last), Err(NotDurable));
    drop(jam);
    kit.ledger.recover().unwrap();
    assert_eq!(kit.ledger.durable_seq(), last);
    assert_eq!(rows() - before, 1);
    assert_eq!(kit.exposure("c1").gross.to_string(), "0");
    let verified = Journal::open(kit.dir.path()).unwrap().verify(&[]).unwrap();
    assert_eq!(verified.records, last.get());
}

#[test]
fn shutting_down_a_failed_ledger_says_so() {
    let kit = Kit::new();
    kit.authorize("c1", "o-1", "1");
    let jam = jam(&kit);
    let Ok(Decided::New(lost)) = kit.decide("c1", "o-2", "1", None) else {
        panic!()
    };
    assert_eq!(kit.ledger.wait(lost.seq), Err(NotDurable));
    assert_eq!(kit.ledger.shutdown(), Err(NotDurable));
    // Closed stays closed, though the cause is gone.
    drop(jam);
    assert!(matches!(kit.ledger.recover(), Err(OpenError::Closed)));
    assert_eq!(kit.ledger.health().journal, JournalState::Closed);
}

#[test]
fn a_full_queue_refuses_before_anything_changes() {
    let kit = Kit::with(|config| config.queue_capacity = 3);
    kit.ledger.wait(kit.context.seq()).unwrap();
    let _jam = jam(&kit);
    // The writer waits for the lock; the queue takes three.
    let outcomes: Vec<_> = (0..5)
        .map(|n| kit.decide("c1", &format!("o-{n}"), "1", None))
        .collect();
    let taken = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(taken, 3, "{outcomes:?}");
    assert_eq!(outcomes[3], Err(DecideError::Overloaded));
    assert_eq!(kit.ledger.health().journal, JournalState::QueueFull);
    assert_eq!(kit.exposure("c1").gross.to_string(), "3");
}

#[test]
fn a_snapshot_waits_for_the_last_records_of_clients_already_closed() {
    let kit = Kit::with(|config| config.dedupe_window_ns = 1_000_000_000);
    kit.authorize("c1", "o-1", "100");
    let jam = jam(&kit);
    let (client, order) = (ClientId::new("c1").unwrap(), OrderId::new("o-1").unwrap());
    let released = kit
        .ledger
        .release(&client, &order, "canceled", None)
        .unwrap();
    kit.clock.advance_ns(10_000_000_000);
    let closed: usize = (0..16).map(|_| kit.ledger.maintain().unwrap().closed).sum();
    assert_eq!(closed, 1);
    std::thread::scope(|scope| {
        let snapshot = scope.spawn(|| kit.ledger.snapshot());
        // Until the snapshot waits for the journal, as it must, or is done, as it must not be.
        let patience = Instant::now();
        while !snapshot.is_finished() && patience.elapsed() < Duration::from_millis(100) {
            std::thread::yield_now();
        }
        drop(jam);
        let reaches = snapshot.join().unwrap().unwrap();
        assert_eq!(Some(reaches), released.seq);
    });
    // The client is in neither the snapshot nor what is replayed after it.
    let (_copy, crashed) = kit.crashed_copy();
    assert_eq!(crashed.durable_seq(), released.wait_for);
    assert_eq!(crashed.order(&client, &order), None);
}

#[test]
fn a_foreign_reader_bounds_the_log_and_its_end_frees_the_journal() {
    const LIMIT: u64 = 512 * 1024;
    let kit = Kit::with(|config| {
        config.checkpoint_bytes = 64 * 1024;
        config.max_wal_bytes = LIMIT;
        config.queue_capacity = 16;
    });
    let reader = Connection::open(kit.dir.path().join("ledger.db")).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    let _: i64 = reader
        .query_row("SELECT count(*) FROM journal", [], |row| row.get(0))
        .unwrap();
    // One at a time, so that each is a commit of about two pages; far more than fit.
    let mut told = Vec::new();
    let mut refused = None;
    for n in 0..2_000 {
        match kit.decide("c1", &format!("o-{n}"), "1", None) {
            Ok(Decided::New(decision)) => told.push(decision.seq),
            other => {
                refused = Some(other);
                break;
            }
        }
        let catching_up = |kit: &Kit| {
            let health = kit.ledger.health();
            health.queue_depth > 8 && health.wal_bytes < LIMIT
        };
        let patience = Instant::now();
        while catching_up(&kit) && patience.elapsed() < Duration::from_secs(10) {
            std::thread::yield_now();
        }
    }
    assert_eq!(refused, Some(Err(DecideError::Overloaded)));
    // Known before the writer begins to wait.
    let patience = Instant::now();
    while kit.ledger.journal_state() != JournalState::LogAtLimit {
        assert!(patience.elapsed() < Duration::from_secs(10));
        std::thread::yield_now();
    }
    let health = kit.ledger.health();
    assert!(health.queue_depth > 0, "written all the same");
    assert_eq!(health.journal, JournalState::LogAtLimit);
    // At most one commit beyond the limit.
    assert!(health.wal_bytes >= LIMIT, "{}", health.wal_bytes);
    assert!(health.wal_bytes < LIMIT + 64 * 1024, "{}", health.wal_bytes);

    reader.execute_batch("COMMIT").unwrap();
    for seq in told {
        kit.ledger.wait(seq).unwrap();
    }
    kit.authorize("c1", "after", "1");
    assert_eq!(kit.ledger.health().journal, JournalState::Open);
    let grown = kit.ledger.health().wal_bytes;
    assert!(grown < LIMIT + 64 * 1024, "the log started over: {grown}");
}

/// The journal then ends in a void, which is no failure.
#[test]
fn a_snapshot_can_be_taken_right_after_a_recovery_that_lost_something() {
    let kit = Kit::new();
    kit.authorize("c1", "o-1", "100");
    let jam = jam(&kit);
    let Ok(Decided::New(lost)) = kit.decide("c1", "o-2", "100", None) else {
        panic!()
    };
    assert_eq!(kit.ledger.wait(lost.seq), Err(NotDurable));
    drop(jam);
    kit.ledger.recover().unwrap();
    assert_eq!(kit.ledger.snapshot().unwrap(), lost.seq);
}

/// The files name every client's orders.
#[test]
fn nobody_else_has_a_right_to_the_files_of_a_store() {
    use std::os::unix::fs::PermissionsExt as _;
    let kit = Kit::new();
    kit.authorize("c1", "o-1", "100");
    kit.ledger.snapshot().unwrap();
    for entry in std::fs::read_dir(kit.dir.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o007, 0, "{entry:?} {mode:o}");
    }
}

/// Pruning a stopped store as root leaves such a file behind.
#[test]
fn a_spare_snapshot_of_somebody_elses_is_replaced() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let kit = Kit::new();
    kit.authorize("c1", "o-1", "100");
    let spare = kit.dir.path().join("ledger.snapshot.spare");
    std::fs::write(&spare, "x").unwrap();
    std::fs::set_permissions(&spare, std::fs::Permissions::from_mode(0o000)).unwrap();
    // Root can write it all the same.
    let before = std::fs::metadata(&spare).unwrap().ino();
    kit.ledger.snapshot().unwrap();
    let is_root = std::fs::metadata(kit.dir.path()).unwrap().uid() == 0;
    let snapshot = kit.dir.path().join("ledger.snapshot");
    let is_the_same = std::fs::metadata(snapshot).unwrap().ino() == before;
    assert_eq!(is_the_same, is_root);
}

/// Panics in the writer's thread at the reading of the clock that is told.
struct Trap(ManualClock, AtomicUsize);

impl Trap {
    /// An open ledger on a directory, and a commit that panics at its `reading`th look at the clock.
    fn sprung(dir: &Path, reading: usize) -> (Arc<Self>, Ledger) {
        let now = ManualClock::at(Timestamp::from_unix_seconds(1_700_000_000));
        let trap = Arc::new(Self(now, AtomicUsize::new(0)));
        let ledger = Ledger::open(LedgerConfig::new(dir), trap.clone()).unwrap();
        let first = ledger.set_context(crate::kit::context()).unwrap();
        ledger.wait(first.seq()).unwrap();
        trap.1.store(reading, Ordering::SeqCst);
        let second = ledger.set_context(crate::kit::context()).unwrap();
        assert_eq!(ledger.wait(second.seq()), Err(NotDurable));
        assert_eq!(ledger.health().journal, JournalState::Failed);
        (trap, ledger)
    }
}

impl Clock for Trap {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn monotonic_ns(&self) -> u64 {
        let here = std::thread::current();
        if here.name() == Some("gate-journal") {
            let left = |left: usize| left.checked_sub(1);
            let before = self
                .1
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, left);
            assert_ne!(before, Ok(1), "planted");
        }
        self.0.monotonic_ns()
    }
}

/// Whatever the panic was: nobody waits for a thread that is gone.
#[test]
fn a_writer_that_panics_is_a_journal_that_failed() {
    let dir = tempfile::tempdir().unwrap();
    let (_trap, ledger) = Trap::sprung(dir.path(), 1);
    assert!(ledger.maintain().unwrap().recovered);
    let third = ledger.set_context(crate::kit::context()).unwrap();
    ledger.wait(third.seq()).unwrap();
}

/// The commit that the panic broke off is not under way for ever.
#[test]
fn after_a_panic_within_a_commit_a_recovered_journal_is_open() {
    let dir = tempfile::tempdir().unwrap();
    let (trap, ledger) = Trap::sprung(dir.path(), 2);
    assert!(ledger.maintain().unwrap().recovered);
    trap.0.advance_ns(60_000_000_000);
    assert_eq!(ledger.journal_state(), JournalState::Open);
}
