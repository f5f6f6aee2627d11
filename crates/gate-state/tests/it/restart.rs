//! Restarts: after a crash, and with damaged or foreign files.

use std::sync::Arc;

use gate_state::{
    DamageKind, Decided, Journal, Ledger, LedgerConfig, NewFill, OpenError, StoreView,
};
use gate_types::{ClientId, Clock, ContractSize, ExecId, OrderId, Price, Qty};
use rusqlite::Connection;

use crate::kit::{Kit, clock, exposure};

#[test]
fn a_crash_loses_nothing_that_was_waited_for() {
    let kit = Kit::new();
    for n in 0..20 {
        kit.authorize("c1", &format!("o-{n}"), "10");
    }
    let order = OrderId::new("o-3").unwrap();
    let client = ClientId::new("c1").unwrap();
    let released = kit
        .ledger
        .release(&client, &order, "canceled", None)
        .unwrap();
    kit.ledger.wait(released.wait_for).unwrap();
    let (_copy, crashed) = kit.crashed_copy();
    assert_eq!(exposure(&crashed, "c1"), kit.exposure("c1"));
    assert_eq!(crashed.durable_seq(), kit.ledger.durable_seq());
    assert_eq!(
        crashed.order(&client, &order),
        kit.ledger.order(&client, &order)
    );
}

#[test]
fn a_decision_is_replayed_across_a_restart_and_numbers_go_on() {
    let kit = Kit::new();
    let first = kit.authorize("c1", "o-1", "10");
    let stored = kit.ledger.decision(first.seq).unwrap();
    let (dir, ledger) = kit.reopen().unwrap();
    assert_eq!(ledger.decision(first.seq).unwrap(), stored);
    let context = ledger.set_context(crate::kit::context()).unwrap();
    assert_eq!(context.seq().get(), first.seq.get() + 1);
    let kit = Kit {
        dir,
        clock: clock(),
        ledger,
        context,
    };
    let again = kit.decide("c1", "o-1", "10", None);
    assert_eq!(again, Ok(Decided::Replayed { seq: first.seq }));
}

/// What the journal says was accepted is valid, however short the window is now.
#[test]
fn a_journal_written_with_a_longer_window_is_sound_in_a_shorter_one() {
    const HOUR_NS: u64 = 3_600_000_000_000;
    let kit = Kit::new();
    kit.authorize("c1", "o-1", "10");
    let (client, order) = (ClientId::new("c1").unwrap(), OrderId::new("o-1").unwrap());
    kit.ledger
        .release(&client, &order, "canceled", None)
        .unwrap();
    // With each decision, the client's orders that ended long before may be forgotten.
    kit.clock.advance_ns(2 * HOUR_NS);
    kit.authorize("c1", "o-2", "10");
    kit.clock.advance_ns(HOUR_NS);
    let exec_id = ExecId::new("e-1").unwrap();
    let fill = NewFill {
        client_id: &client,
        order_id: &order,
        exec_id: &exec_id,
        qty: Qty::parse("1").unwrap(),
        price: Price::parse("10").unwrap(),
    };
    let size = |_: &str| ContractSize::ONE;
    let late = kit.ledger.fill(&fill, size).unwrap();
    assert!(late.late, "{late:?}");
    kit.ledger.wait(late.wait_for).unwrap();

    let exposure_before = kit.exposure("c1");
    let Kit {
        dir, ledger, clock, ..
    } = kit;
    drop(ledger);
    let shown = StoreView::open(dir.path(), HOUR_NS).unwrap();
    let now = Clock::now(&*clock);
    assert_eq!(shown.clients(now), [("c1".into(), exposure_before)]);
    let orders = shown.orders("c1", now).unwrap();
    let ids: Vec<_> = orders
        .into_iter()
        .map(|order| order.decision.unwrap().order_id.into_owned())
        .collect();
    // The first ended three hours ago.
    assert_eq!(ids, ["o-2"]);
    let mut config = LedgerConfig::new(dir.path());
    config.dedupe_window_ns = HOUR_NS;
    let ledger = Ledger::open(config, clock).unwrap();
    assert_eq!(exposure(&ledger, "c1"), exposure_before);
    assert_eq!(ledger.order(&client, &order), None);
    assert_eq!(ledger.health().remembered, 1);
}

#[test]
fn relaxed_writes_the_same_journal() {
    let kit = Kit::relaxed();
    let mut last = kit.context.seq();
    for n in 0..1_000 {
        let Ok(Decided::New(decision)) = kit.decide("c1", &format!("o-{n}"), "1", None) else {
            panic!()
        };
        kit.ledger.wait(decision.seq).unwrap();
        last = decision.seq;
    }
    // Reading a decision waits for the disk under either durability.
    assert_eq!(kit.ledger.decision(last).unwrap().record.order_id, "o-999");
    let before = kit.exposure("c1");
    let (_dir, ledger) = kit.reopen().unwrap();
    assert_eq!(exposure(&ledger, "c1"), before);
}

#[test]
fn the_store_has_one_owner() {
    let kit = Kit::new();
    let second = Ledger::open(LedgerConfig::new(kit.dir.path()), clock());
    assert!(matches!(second, Err(OpenError::Locked)));
    let says = second.map(drop).unwrap_err().to_string();
    assert!(says.contains("in this one"), "{says}");
    kit.ledger.shutdown().unwrap();
    assert!(kit.decide("c1", "o-1", "1", None).is_err());
}

#[test]
fn a_newer_schema_and_a_foreign_file_are_refused() {
    let kit = Kit::new();
    let path = kit.dir.path().join("ledger.db");
    kit.ledger.shutdown().unwrap();
    let sql = |text: &str| {
        Connection::open(&path)
            .unwrap()
            .execute_batch(text)
            .unwrap();
    };
    sql("PRAGMA user_version = 99");
    let Kit { dir, ledger, .. } = kit;
    drop(ledger);
    let open = || Ledger::open(LedgerConfig::new(dir.path()), clock());
    assert!(matches!(
        open(),
        Err(OpenError::NewerSchema { found: 99, .. })
    ));
    sql("PRAGMA user_version = 2; PRAGMA application_id = 5");
    assert!(matches!(open(), Err(OpenError::Foreign)));
}

/// An older build cannot read the records that this one may write.
#[test]
fn an_older_store_is_taken_and_is_the_older_builds_no_longer() {
    let kit = Kit::new();
    kit.authorize("c1", "o-1", "10");
    let path = kit.dir.path().join("ledger.db");
    let Kit { dir, ledger, .. } = kit;
    drop(ledger);
    let conn = Connection::open(&path).unwrap();
    conn.execute_batch("PRAGMA user_version = 1").unwrap();
    let ledger = Ledger::open(LedgerConfig::new(dir.path()), clock()).unwrap();
    let c1 = ClientId::new("c1").unwrap();
    assert_eq!(ledger.exposure(&c1).reserved.to_string(), "10");
    drop(ledger);
    let version = conn.pragma_query_value(None, "user_version", |row| row.get(0));
    assert_eq!(version, Ok(2));
}

/// Changes the journal of a closed store and returns the damage that opening it finds.
fn damaged(change: impl FnOnce(&Connection)) -> (u64, DamageKind) {
    let kit = Kit::new();
    for n in 0..5 {
        kit.authorize("c1", &format!("o-{n}"), "10");
    }
    let Kit { dir, ledger, .. } = kit;
    drop(ledger);
    change(&Connection::open(dir.path().join("ledger.db")).unwrap());
    match Ledger::open(LedgerConfig::new(dir.path()), clock()) {
        Err(OpenError::Damaged(damage)) => (damage.seq.get(), damage.what),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_damaged_journal_is_refused_and_the_place_is_named() {
    // Records 1 to 6, one per row: the context and five decisions.
    let sql = |text: &'static str| {
        move |conn: &Connection| {
            assert!(conn.execute(text, []).unwrap() > 0);
        }
    };
    let found = damaged(sql("DELETE FROM journal WHERE first_seq = 4"));
    assert_eq!(found, (4, DamageKind::Missing));
    let found = damaged(|conn| {
        let mut row: Vec<u8> = conn
            .query_row(
                "SELECT records FROM journal WHERE first_seq = 3",
                [],
                |row| row.get(0),
            )
            .unwrap();
        let at = row.windows(2).position(|two| two == b"c1").unwrap();
        row[at] = b'd';
        conn.execute("UPDATE journal SET records = ?1 WHERE first_seq = 3", [row])
            .unwrap();
    });
    assert_eq!(found, (3, DamageKind::Changed));
    let found = damaged(sql(
        "UPDATE journal SET chain_hash = zeroblob(32) WHERE first_seq = 5",
    ));
    assert_eq!(found, (5, DamageKind::Row));
    let found = damaged(sql("UPDATE journal SET last_seq = 9 WHERE first_seq = 5"));
    assert_eq!(found, (5, DamageKind::Row));
    // No record is changed, but the next one could not be written.
    let found = damaged(sql(
        "INSERT INTO journal (first_seq, last_seq, chain_hash, records) \
         SELECT last_seq + 1, last_seq, chain_hash, x'' FROM journal ORDER BY first_seq DESC LIMIT 1",
    ));
    assert_eq!(found.1, DamageKind::Row);
}

#[test]
fn a_ledger_is_shared_between_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    let kit = Kit::new();
    shared(&Arc::new(&kit.ledger));
}

#[test]
fn a_lengthened_log_is_written_over_from_its_beginning_and_survives_a_crash() {
    let kit = Kit::with(|config| {
        config.lengthen_wal = true;
        config.checkpoint_bytes = 1024 * 1024;
    });
    let log = kit.dir.path().join("ledger.db-wal");
    let length = || std::fs::metadata(&log).unwrap().len();
    let at_start = length();
    assert!(at_start >= 1024 * 1024, "{at_start}");
    for n in 0..50 {
        kit.authorize("c1", &format!("o-{n}"), "10");
    }
    assert_eq!(length(), at_start, "a commit made the file longer");
    let (copy, crashed) = kit.crashed_copy();
    assert_eq!(exposure(&crashed, "c1"), kit.exposure("c1"));
    let verified = Journal::open(copy.path()).unwrap().verify(&[]).unwrap();
    assert_eq!(verified.records, 51);
    let filler: i64 = Connection::open(copy.path().join("ledger.db"))
        .unwrap()
        .query_row(
            "SELECT count(*) FROM sqlite_schema WHERE name = 'filler'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(filler, 0);
}

/// A backup made by SQLite is not a copy of the file.
#[test]
fn a_copy_by_vacuum_into_is_a_store_like_any_other() {
    let kit = Kit::new();
    kit.authorize("c1", "o-1", "10");
    let copy = tempfile::tempdir().unwrap();
    let into = copy.path().join("ledger.db");
    let source = Connection::open(kit.dir.path().join("ledger.db")).unwrap();
    source
        .execute("VACUUM INTO ?1", [into.to_str().unwrap()])
        .unwrap();
    let ledger = Ledger::open(LedgerConfig::new(copy.path()), kit.clock.clone()).unwrap();
    assert_eq!(ledger.sqlite().journal_mode, "wal");
    assert_eq!(ledger.state_hash(), kit.ledger.state_hash());
}

/// As a restore onto a full disk leaves it, or a restore of the wrong copy.
#[test]
fn an_emptied_database_and_another_store_are_not_begun_with() {
    let kit = Kit::new();
    kit.authorize("c1", "o-1", "10");
    let before = kit.exposure("c1");
    let Kit { dir, ledger, .. } = kit;
    drop(ledger);
    let database = dir.path().join("ledger.db");
    let open = || Ledger::open(LedgerConfig::new(dir.path()), clock());
    let whole = std::fs::read(&database).unwrap();

    std::fs::write(&database, b"").unwrap();
    let emptied = open();
    assert!(
        matches!(emptied, Err(OpenError::JournalMissing)),
        "{emptied:?}"
    );
    // A database without a table.
    std::fs::remove_file(&database).unwrap();
    Connection::open(&database)
        .unwrap()
        .execute_batch("CREATE TABLE t (x); DROP TABLE t")
        .unwrap();
    let blank = open();
    assert!(matches!(blank, Err(OpenError::JournalMissing)), "{blank:?}");

    let other = Kit::new();
    other.ledger.shutdown().unwrap();
    std::fs::copy(other.dir.path().join("ledger.db"), &database).unwrap();
    match open() {
        Err(OpenError::AnotherStore { noted, found }) => assert_ne!(noted, found),
        opened => panic!("{opened:?}"),
    }

    std::fs::write(&database, whole).unwrap();
    assert_eq!(exposure(&open().unwrap(), "c1"), before);
    // A note torn by a power failure only says that there was a store.
    for torn in [[0; 33], [0xff; 33]] {
        std::fs::write(dir.path().join("ledger.lock"), torn).unwrap();
        assert_eq!(exposure(&open().unwrap(), "c1"), before);
    }
}

/// Housekeeping is not on the record: a replay still has what it forgot. A snapshot has what ended
/// at the same nanosecond in another order.
#[test]
fn what_is_used_again_ends_once_however_the_clock_is_put() {
    const DAY_NS: u64 = 86_400_000_000_000;
    const ORDERS: [&str; 5] = ["o-1", "o-2", "o-3", "o-4", "again"];
    for with_snapshot in [false, true] {
        let kit = Kit::new();
        let begin = kit.clock.now();
        let end = |order: &str| {
            kit.authorize("c1", order, "10");
            kit.release("c1", order, None).unwrap();
        };
        end("again");
        kit.clock.advance_ns(2 * DAY_NS);
        let forget = |_| kit.ledger.maintain().unwrap().forgotten;
        assert_eq!((0..16).map(forget).sum::<usize>(), 1);
        // Put back to the very nanosecond: as many end as one decision drops, and one more.
        kit.clock.set(begin);
        ORDERS.into_iter().for_each(end);
        if with_snapshot {
            kit.ledger.snapshot().unwrap();
        }
        // Put forward and back: that decision dropped all but one of them.
        kit.clock.advance_ns(40 * DAY_NS);
        kit.authorize("c1", "o-5", "10");
        kit.clock.set(begin);
        let client = ClientId::new("c1").unwrap();
        let is_known = |order: &&str| {
            let order = OrderId::new(*order).unwrap();
            kit.ledger.order(&client, &order).is_some()
        };
        let known: Vec<_> = ORDERS.into_iter().filter(is_known).collect();
        let [last] = known[..] else {
            panic!("{known:?}")
        };
        // A late fill: its order is there in the replay, too.
        let filled = kit.fill(last, "e-1", "1", "10").unwrap();
        kit.ledger.wait(filled.wait_for).unwrap();
        let gross = kit.exposure("c1").gross;
        let (_dir, ledger) = kit.reopen().unwrap();
        assert_eq!(exposure(&ledger, "c1").gross, gross);
    }
}
