//! Commit listeners: what they may call, and that one that panics harms nobody.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak, mpsc};
use std::time::{Duration, Instant};

use gate_state::{
    CommitListener, Decided, JournalState, Ledger, LedgerConfig, NotDurable, OpenError, Seq,
};
use rusqlite::Connection;

use crate::kit::{Kit, context, exposure};

const PATIENCE: Duration = Duration::from_secs(10);

/// A listener from a function.
struct On<F>(F);

impl<F: Fn(Result<Seq, NotDurable>) + Send + Sync> CommitListener for On<F> {
    fn on_commit(&self, durable: Result<Seq, NotDurable>) {
        (self.0)(durable);
    }
}

/// The outcome of `work` on a thread of its own; a panic if it has none in time.
fn in_time<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, outcome) = mpsc::sync_channel(1);
    std::thread::spawn(move || done.send(work()));
    outcome.recv_timeout(PATIENCE).unwrap()
}

/// Makes a commit fail, and lets the cause go.
fn fail_a_commit(kit: &Kit) {
    let jam = Connection::open(kit.dir.path().join("ledger.db")).unwrap();
    jam.execute_batch("BEGIN IMMEDIATE").unwrap();
    let lost = kit.decide("c1", "lost", "100", None).unwrap();
    let Decided::New(lost) = lost else { panic!() };
    assert_eq!(kit.ledger.wait(lost.seq), Err(NotDurable));
}

#[test]
fn a_listener_may_ask_for_the_health_at_any_time() {
    let kit = Kit::new();
    kit.authorize("c1", "o-1", "100");
    fail_a_commit(&kit);
    let Kit { dir, ledger, .. } = kit;
    let ledger = Arc::new(ledger);
    let asking = Arc::downgrade(&ledger);
    let (tell, told) = mpsc::channel();
    ledger.subscribe(Arc::new(On(move |_| {
        let state = asking.upgrade().map(|ledger| ledger.health().journal);
        let _ = tell.send(state);
    })));
    let recovering = Arc::clone(&ledger);
    assert!(in_time(move || recovering.maintain().unwrap().recovered));
    // The writer may have told of the failure only now.
    let states: Vec<_> = told.try_iter().flatten().collect();
    assert_eq!(states.last(), Some(&JournalState::Open), "{states:?}");
    let seq = ledger.set_context(context()).unwrap().seq();
    ledger.wait(seq).unwrap();
    let closing = Arc::clone(&ledger);
    in_time(move || closing.shutdown()).unwrap();
    let states: Vec<_> = told.try_iter().flatten().collect();
    assert_eq!(states.last(), Some(&JournalState::Closed), "{states:?}");
    drop((dir, ledger));
}

#[test]
fn a_listener_that_panics_harms_nobody() {
    let kit = Kit::new();
    kit.ledger.wait(kit.context.seq()).unwrap();
    kit.ledger.subscribe(Arc::new(On(|_| panic!("planted"))));
    let calls = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&calls);
    kit.ledger.subscribe(Arc::new(On(move |_| {
        counting.fetch_add(1, Ordering::SeqCst);
    })));
    kit.authorize("c1", "o-1", "100");
    kit.authorize("c1", "o-2", "100");
    assert_eq!(kit.ledger.journal_state(), JournalState::Open);
    fail_a_commit(&kit);
    assert!(kit.ledger.maintain().unwrap().recovered);
    kit.authorize("c1", "o-3", "100");
    assert_eq!(kit.ledger.shutdown(), Ok(()));
    assert_eq!(kit.exposure("c1").gross.to_string(), "300");
    // Three commits, a failure, a recovery and the end; the context's commit may be among them, since
    // who waits is woken first.
    let calls = calls.load(Ordering::SeqCst);
    assert!((6..=7).contains(&calls), "{calls}");
}

#[test]
fn a_listener_may_subscribe_another() {
    let kit = Kit::new();
    kit.ledger.wait(kit.context.seq()).unwrap();
    let Kit {
        dir: _dir, ledger, ..
    } = kit;
    let ledger = Arc::new(ledger);
    let (subscribing, (tell, told)) = (Mutex::new(Some(Arc::clone(&ledger))), mpsc::channel());
    ledger.subscribe(Arc::new(On(move |_| {
        if let Some(ledger) = subscribing.lock().unwrap().take() {
            let tell = tell.clone();
            ledger.subscribe(Arc::new(On(move |durable| tell.send(durable).unwrap())));
        }
    })));
    let committing = Arc::clone(&ledger);
    let second = in_time(move || {
        let commit = || {
            let seq = committing.set_context(context()).unwrap().seq();
            committing.wait(seq).map(|()| seq)
        };
        commit().and(commit())
    });
    assert!(second.is_ok());
    let mut told = std::iter::from_fn(|| told.recv_timeout(PATIENCE).ok());
    assert!(told.any(|durable| durable == second));
}

/// A worker that has the last reference, say. What was queued is written, and the store closed.
#[test]
fn a_listener_may_drop_the_ledger() {
    let kit = Kit::new();
    kit.ledger.wait(kit.context.seq()).unwrap();
    let (here, there) = (Mutex::new(None::<Weak<Ledger>>), mpsc::sync_channel(0));
    let ((entered, enters), (leave, left)) = (mpsc::sync_channel(1), there);
    let left = Mutex::new(left);
    let here = Arc::new(here);
    let holding = Arc::clone(&here);
    kit.ledger.subscribe(Arc::new(On(move |_| {
        let held = holding.lock().unwrap().take();
        if let Some(ledger) = held.as_ref().and_then(Weak::upgrade) {
            entered.send(()).unwrap();
            left.lock().unwrap().recv_timeout(PATIENCE).unwrap();
            drop(ledger);
        }
    })));
    let Kit {
        dir,
        clock,
        ledger,
        context: in_force,
    } = kit;
    let ledger = Arc::new(ledger);
    *here.lock().unwrap() = Some(Arc::downgrade(&ledger));
    ledger.set_context(context()).unwrap();
    enters.recv_timeout(PATIENCE).unwrap();
    // Queued while the writer calls the listener.
    let queued = ledger.set_context(context()).unwrap();
    assert_eq!(queued.seq().get(), in_force.seq().get() + 2);
    drop(ledger);
    leave.send(()).unwrap();
    let begun = Instant::now();
    let reopened = loop {
        match Ledger::open(LedgerConfig::new(dir.path()), clock.clone()) {
            Err(OpenError::Locked) if begun.elapsed() < PATIENCE => std::thread::yield_now(),
            opened => break opened.unwrap(),
        }
    };
    assert_eq!(reopened.durable_seq(), queued.seq());
    assert_eq!(exposure(&reopened, "c1").open_orders, 0);
}

#[test]
fn a_listener_that_recovers_the_journal_is_refused() {
    let kit = Kit::new();
    kit.authorize("c1", "o-1", "100");
    let (tell, told) = mpsc::channel();
    let ledger = Arc::new(Mutex::new(None::<Weak<Ledger>>));
    let recovering = Arc::clone(&ledger);
    kit.ledger.subscribe(Arc::new(On(move |durable| {
        let ledger = recovering.lock().unwrap().as_ref().and_then(Weak::upgrade);
        if let (Err(_), Some(ledger)) = (durable, ledger) {
            let _ = tell.send(ledger.recover().is_err());
        }
    })));
    let (dir, shared) = (kit.dir, Arc::new(kit.ledger));
    *ledger.lock().unwrap() = Some(Arc::downgrade(&shared));
    let jam = Connection::open(dir.path().join("ledger.db")).unwrap();
    jam.execute_batch("BEGIN IMMEDIATE").unwrap();
    let lost = shared.set_context(context()).unwrap();
    assert_eq!(shared.wait(lost.seq()), Err(NotDurable));
    drop(jam);
    assert_eq!(told.recv_timeout(PATIENCE), Ok(true));
    assert!(in_time(move || shared.maintain().unwrap().recovered));
}
