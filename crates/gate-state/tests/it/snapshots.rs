//! Snapshots and pruning.

use gate_state::{
    Journal, KillRecord, KillScope, Ledger, LedgerConfig, LineRecord, NewFill, OpenError, Seq,
};
use gate_types::{ClientId, Clock as _, ContractSize, ExecId, OrderId, Price, Qty};

use crate::kit::{Kit, clock};

#[test]
fn a_snapshot_bounds_the_start_and_a_wrong_one_is_ignored() {
    let kit = Kit::with(|config| config.snapshot_every = 3);
    for n in 0..3 {
        kit.authorize("c1", &format!("o-{n}"), "10");
    }
    assert!(kit.ledger.maintain().unwrap().snapshot);
    assert!(!kit.ledger.maintain().unwrap().snapshot);
    kit.authorize("c1", "o-9", "10");
    let hash = kit.ledger.state_hash();
    let path = kit.dir.path().join("ledger.snapshot");
    let (dir, ledger) = kit.reopen().unwrap();
    assert_eq!(ledger.state_hash(), hash);
    drop(ledger);
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let ledger = Ledger::open(LedgerConfig::new(dir.path()), clock()).unwrap();
    assert_eq!(ledger.state_hash(), hash);
    drop(ledger);
    // A snapshot of another store.
    let other = Kit::new();
    other.ledger.snapshot().unwrap();
    std::fs::copy(other.dir.path().join("ledger.snapshot"), &path).unwrap();
    let ledger = Ledger::open(LedgerConfig::new(dir.path()), clock()).unwrap();
    assert_eq!(ledger.state_hash(), hash);
}

/// Replay of the fill must find its order.
#[test]
fn an_order_that_is_filled_after_the_clock_was_put_back_is_in_the_snapshot() {
    let kit = Kit::with(|config| config.dedupe_window_ns = 1_000);
    let (client, order) = (ClientId::new("c1").unwrap(), OrderId::new("o-1").unwrap());
    kit.authorize("c1", "o-1", "10");
    kit.ledger
        .release(&client, &order, "canceled", None)
        .unwrap();
    let ended = kit.clock.now();
    kit.clock.advance_ns(2_000);
    kit.ledger.snapshot().unwrap();
    kit.clock.set(ended);
    let fill = NewFill {
        client_id: &client,
        order_id: &order,
        exec_id: &ExecId::new("e-1").unwrap(),
        qty: Qty::parse("1").unwrap(),
        price: Price::parse("10").unwrap(),
    };
    let late = kit.ledger.fill(&fill, |_| ContractSize::ONE).unwrap();
    assert!(late.late, "{late:?}");
    kit.ledger.wait(late.wait_for).unwrap();
    let exposure = kit.exposure("c1");
    let (_dir, ledger) = kit.reopen().unwrap();
    assert_eq!(crate::kit::exposure(&ledger, "c1"), exposure);
    assert_eq!(exposure.filled.to_string(), "10");
}

#[test]
fn snapshots_are_taken_when_half_of_what_is_in_them_is_new() {
    let kit = Kit::with(|config| config.snapshot_every = 3);
    let taken: Vec<usize> = (1..=30)
        .filter(|n| {
            kit.authorize("c1", &format!("o-{n}"), "10");
            kit.ledger.maintain().unwrap().snapshot
        })
        .collect();
    // The context is a record, too. From 5 on the interval is half of the orders remembered.
    assert_eq!(taken, [2, 5, 10, 20]);
}

#[test]
fn a_new_snapshot_changes_places_with_the_old_one() {
    let kit = Kit::new();
    let path = |name: &str| kit.dir.path().join(name);
    for n in 0..50 {
        kit.authorize("c1", &format!("o-{n}"), "10");
    }
    let begins = kit.ledger.snapshot().unwrap();
    let first = std::fs::read(path("ledger.snapshot")).unwrap();
    assert!(!path("ledger.snapshot.spare").exists());
    // The next is shorter: most orders are forgotten by then.
    let client = ClientId::new("c1").unwrap();
    for n in 0..50 {
        let order = OrderId::new(format!("o-{n}")).unwrap();
        kit.ledger
            .release(&client, &order, "canceled", None)
            .unwrap();
    }
    kit.clock.advance_ns(u64::MAX / 4);
    assert!(kit.ledger.snapshot().unwrap() > begins);
    let second = std::fs::read(path("ledger.snapshot")).unwrap();
    assert!(second.len() < first.len());
    assert_eq!(std::fs::read(path("ledger.snapshot.spare")).unwrap(), first);
    // The one after overwrites the first, which was longer.
    kit.authorize("c1", "last", "10");
    kit.ledger.snapshot().unwrap();
    assert_eq!(
        std::fs::read(path("ledger.snapshot.spare")).unwrap(),
        second
    );
    let hash = kit.ledger.state_hash();
    std::fs::write(path("ledger.snapshot.spare"), b"nobody reads it").unwrap();
    let (_dir, ledger) = kit.reopen().unwrap();
    assert_eq!(ledger.state_hash(), hash);
    let loaded = ledger.health().snapshot_seq;
    assert!(loaded > begins, "{loaded:?}");
}

#[test]
fn old_ended_records_are_pruned_behind_an_anchor_and_the_rest_verifies() {
    let kit = Kit::with(|config| config.dedupe_window_ns = 1_000);
    let client = ClientId::new("c1").unwrap();
    for n in 0..10 {
        let id = format!("o-{n}");
        kit.authorize("c1", &id, "10");
        if n < 6 {
            let order = OrderId::new(id).unwrap();
            let released = kit
                .ledger
                .release(&client, &order, "canceled", None)
                .unwrap();
            kit.ledger.wait(released.wait_for).unwrap();
        }
    }
    // The context, then six orders decided and released; the seventh is alive.
    let now = gate_types::Clock::now(&*kit.clock).saturating_add_nanos(1);
    let early = kit.ledger.prune(now, |_| Vec::new()).unwrap();
    // All orders are remembered; at most the context's row, if it has its own, can go.
    let needless = early.is_none_or(|anchor| anchor.point.seq.get() == 1);
    assert!(needless, "{early:?}");
    kit.clock.advance_ns(5_000);
    for _ in 0..16 {
        kit.ledger.maintain().unwrap();
    }
    let hash = kit.ledger.state_hash();
    let first = kit.clock.clone();
    let anchor = kit
        .ledger
        .prune(now, |anchor| anchor.to_bytes())
        .unwrap()
        .unwrap();
    assert_eq!(anchor.point.seq.get(), 13);
    assert_eq!(anchor.at, gate_types::Clock::now(&*first));
    let journal = Journal::open(kit.dir.path()).unwrap();
    let verified = journal.verify(&[]).unwrap();
    assert_eq!((verified.begin, verified.records), (anchor.point, 4));
    assert_eq!(journal.anchor().unwrap(), Some((anchor, anchor.to_bytes())));
    // The context's record is gone; each decision still names it.
    for line in journal.lines(Seq::ZERO).unwrap() {
        let LineRecord::Decision(decision) = line.unwrap().what else {
            panic!("only decisions are left");
        };
        assert_eq!(decision.policy.unwrap().policy_revision, "r1");
    }
    assert_eq!(kit.ledger.health().begin_seq, anchor.point.seq);
    drop(journal);
    let order = kit
        .ledger
        .order(&client, &OrderId::new("o-7").unwrap())
        .unwrap();
    assert_eq!(
        kit.ledger.decision(order.decision).unwrap().context.kid,
        "k1"
    );

    let clock = kit.clock.clone();
    let Kit { dir, ledger, .. } = kit;
    drop(ledger);
    let mut config = LedgerConfig::new(dir.path());
    config.dedupe_window_ns = 1_000;
    let ledger = Ledger::open(config.clone(), clock.clone()).unwrap();
    assert_eq!(ledger.state_hash(), hash);
    drop(ledger);
    std::fs::remove_file(dir.path().join("ledger.snapshot")).unwrap();
    let refused = Ledger::open(config, clock);
    assert!(matches!(refused, Err(OpenError::SnapshotMissing)));
}

/// SQLite's integers end in 2262, as nanoseconds; times here in 2554.
#[test]
fn an_anchor_has_the_time_that_was_signed_however_late_it_is() {
    let kit = Kit::with(|config| config.dedupe_window_ns = 1_000);
    kit.clock
        .set(gate_types::Timestamp::from_unix_seconds(12_000_000_000));
    kit.authorize("c1", "o-1", "10");
    kit.release("c1", "o-1", None).unwrap();
    kit.clock.advance_ns(5_000);
    for _ in 0..16 {
        kit.ledger.maintain().unwrap();
    }
    let now = gate_types::Clock::now(&*kit.clock);
    let anchor = kit.ledger.prune(now, |anchor| anchor.to_bytes());
    let anchor = anchor.unwrap().unwrap();
    let journal = Journal::open(kit.dir.path()).unwrap();
    assert_eq!(journal.anchor().unwrap(), Some((anchor, anchor.to_bytes())));
}

#[test]
fn who_reads_a_journal_while_it_is_pruned_finds_no_damage() {
    let kit = Kit::with(|config| config.dedupe_window_ns = 1_000);
    let client = ClientId::new("c1").unwrap();
    for n in 0..6 {
        let id = format!("o-{n}");
        kit.authorize("c1", &id, "10");
        let order = OrderId::new(id).unwrap();
        let released = kit.ledger.release(&client, &order, "canceled", None);
        kit.ledger.wait(released.unwrap().wait_for).unwrap();
    }
    kit.clock.advance_ns(5_000);
    for _ in 0..16 {
        kit.ledger.maintain().unwrap();
    }
    kit.authorize("c1", "alive", "10");
    let prune = || {
        let now = gate_types::Clock::now(&*kit.clock);
        kit.ledger.prune(now, |anchor| anchor.to_bytes()).unwrap()
    };

    let journal = Journal::open(kit.dir.path()).unwrap();
    let mut lines = journal.lines(Seq::ZERO).unwrap();
    lines.next().unwrap().unwrap();
    let (mut anchor, mut passed) = (None, Vec::new());
    let verified = journal.verify_watched(&[], |seq| {
        passed.push(seq.get());
        if passed.len() == 2 {
            anchor = prune();
        }
    });
    let (verified, point) = (verified.unwrap(), anchor.unwrap().point);
    assert_eq!(verified.begin, point);
    assert_eq!(verified.end.seq.get(), 14);
    // Two rows from the old beginning, then all from the new one.
    let (before, after) = passed.split_at(2);
    assert!(
        before.iter().all(|seq| *seq < point.seq.get()),
        "{before:?}"
    );
    assert_eq!(after.first(), Some(&(point.seq.get() + 1)));

    // An export ends with the gap.
    let ended: Result<Vec<_>, _> = lines.collect();
    let Err(OpenError::PrunedMeanwhile { upto }) = ended else {
        panic!("{:?}", ended.map(|lines| lines.len()));
    };
    assert_eq!(upto, point.seq);
}

#[test]
fn a_snapshot_knows_when_a_switch_was_thrown() {
    let kit = Kit::new();
    let kill = KillRecord {
        scope: KillScope::All,
        on: true,
        actor: "ops".into(),
        reason: "drill".into(),
    };
    let thrown = kit.ledger.kill(&kill).unwrap();
    kit.ledger.wait(thrown.seq).unwrap();
    // A later record, so that a start does not read the switch's own again.
    kit.clock.advance_ns(5_000);
    let context = kit.ledger.set_context(crate::kit::context()).unwrap();
    kit.ledger.wait(context.seq()).unwrap();
    kit.ledger.snapshot().unwrap();
    let switches = kit.ledger.kills();
    assert_eq!((switches.len(), switches[0].at), (1, thrown.at));
    let (_dir, ledger) = kit.reopen().unwrap();
    assert_eq!(ledger.kills(), switches);
}
