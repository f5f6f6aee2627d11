//! Verifying and exporting a journal from outside: where it was tampered with, and what it says.

use expect_test::expect;
use gate_state::{
    ChainPoint, DamageKind, Journal, KillRecord, KillScope, LineRecord, NewFill, OpenError, Seq,
    StoreView, Verified,
};
use gate_types::{ClientId, Clock, ContractSize, ExecId, OrderId, Price, Qty};
use rusqlite::{Connection, params};

use crate::kit::Kit;

const DAY_NS: u64 = 86_400_000_000_000;

/// A closed store with at least one row of many records.
fn store() -> tempfile::TempDir {
    let kit = Kit::relaxed();
    for n in 0..3_000 {
        kit.decide("c1", &format!("o-{n}"), "1", None).unwrap();
    }
    kit.ledger.shutdown().unwrap();
    let Kit { dir, ledger, .. } = kit;
    drop(ledger);
    dir
}

fn verify(dir: &tempfile::TempDir, known: &[ChainPoint]) -> Result<Verified, (u64, DamageKind)> {
    match Journal::open(dir.path()).unwrap().verify(known) {
        Ok(verified) => Ok(verified),
        Err(OpenError::Damaged(damage)) => Err((damage.seq.get(), damage.what)),
        Err(error) => panic!("{error}"),
    }
}

/// Changes the frames (length, body, tag) of a row with many of them, from its third on. Returns
/// the third record's number and the error of verification.
fn tampered(change: impl FnOnce(&mut Vec<Vec<u8>>)) -> (u64, (u64, DamageKind)) {
    let dir = store();
    assert_eq!(verify(&dir, &[]).unwrap().records, 3_001);
    let conn = Connection::open(dir.path().join("ledger.db")).unwrap();
    let (first, row): (u32, Vec<u8>) = conn
        .query_row(
            "SELECT first_seq, records FROM journal WHERE last_seq - first_seq > 5 LIMIT 1",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    let (mut frames, mut rest) = (Vec::new(), &row[..]);
    while !rest.is_empty() {
        let len = u32::from_le_bytes(*rest.first_chunk().unwrap());
        let (frame, after) = rest.split_at(4 + usize::try_from(len).unwrap() + 8);
        frames.push(frame.to_vec());
        rest = after;
    }
    let mut tail = frames.split_off(2);
    change(&mut tail);
    frames.append(&mut tail);
    conn.execute(
        "UPDATE journal SET records = ?2 WHERE first_seq = ?1",
        params![first, frames.concat()],
    )
    .unwrap();
    drop(conn);
    (u64::from(first) + 2, verify(&dir, &[]).unwrap_err())
}

#[test]
fn a_changed_record_is_named() {
    let (seq, found) = tampered(|frames| frames[0][30] ^= 1);
    assert_eq!(found, (seq, DamageKind::Changed));
}

#[test]
fn a_removed_record_is_named() {
    let (seq, found) = tampered(|frames| drop(frames.remove(0)));
    assert_eq!(found, (seq, DamageKind::Missing));
}

#[test]
fn an_inserted_record_is_named() {
    let (seq, found) = tampered(|frames| frames.insert(1, frames[0].clone()));
    assert_eq!(found, (seq + 1, DamageKind::Inserted));
}

#[test]
fn reordered_records_are_named() {
    let (seq, found) = tampered(|frames| frames.swap(0, 1));
    assert_eq!(found, (seq, DamageKind::Missing));
}

#[test]
fn a_torn_record_is_named() {
    let (seq, found) = tampered(|frames| {
        frames.truncate(1);
        frames[0].pop();
    });
    assert_eq!(found, (seq, DamageKind::Malformed));
}

#[test]
fn a_cut_off_end_is_found_by_a_point_noted_elsewhere() {
    let dir = store();
    let end = verify(&dir, &[]).unwrap().end;
    assert_eq!(verify(&dir, &[end]).unwrap().end, end);
    let conn = Connection::open(dir.path().join("ledger.db")).unwrap();
    let cut: u32 = conn
        .query_row("SELECT max(first_seq) FROM journal", [], |row| row.get(0))
        .unwrap();
    conn.execute("DELETE FROM journal WHERE first_seq = ?1", [cut])
        .unwrap();
    drop(conn);
    let cut = u64::from(cut);
    assert_eq!(verify(&dir, &[]).unwrap().end.seq.get(), cut - 1);
    assert_eq!(verify(&dir, &[end]), Err((cut, DamageKind::Missing)));
    // A point of another history with the same length does not match.
    let other = ChainPoint {
        seq: Seq::new(cut - 1),
        hash: end.hash,
    };
    let found = verify(&dir, &[other]);
    assert_eq!(found, Err((cut - 1, DamageKind::Changed)));
}

#[test]
fn a_live_store_is_read_while_it_is_written() {
    let kit = Kit::new();
    kit.authorize("c1", "o-1", "100");
    let journal = Journal::open(kit.dir.path()).unwrap();
    assert_eq!(
        journal.verify(&[]).unwrap().end.seq,
        kit.ledger.durable_seq()
    );
    kit.authorize("c1", "o-2", "100");
    assert_eq!(
        journal.verify(&[]).unwrap().end.seq,
        kit.ledger.durable_seq()
    );
    let view = StoreView::open(kit.dir.path(), DAY_NS).unwrap();
    let now = kit.clock.now();
    assert_eq!(view.end().seq, kit.ledger.durable_seq());
    assert_eq!(view.clients(now), [("c1".into(), kit.exposure("c1"))]);
    let orders = view.orders("c1", now).unwrap();
    let ids: Vec<_> = orders
        .iter()
        .map(|order| order.decision.as_ref().unwrap().order_id.clone())
        .collect();
    assert_eq!(ids, ["o-1", "o-2"]);
}

#[test]
fn every_kind_of_record_has_its_line() {
    let kit = Kit::with(|config| config.in_doubt_release_ns = Some(0));
    kit.authorize("c1", "o-1", "185.55");
    kit.authorize("c1", "o-2", "7");
    let (client_id, order_id) = (ClientId::new("c1").unwrap(), OrderId::new("o-1").unwrap());
    let fill = NewFill {
        client_id: &client_id,
        order_id: &order_id,
        exec_id: &ExecId::new("e-1").unwrap(),
        qty: Qty::parse("0.4").unwrap(),
        price: Price::parse("185.5").unwrap(),
    };
    kit.ledger.fill(&fill, |_| ContractSize::ONE).unwrap();
    kit.ledger
        .release(&client_id, &order_id, "canceled", None)
        .unwrap();
    let kill = KillRecord {
        scope: KillScope::Client("c1".into()),
        on: true,
        actor: "ops".into(),
        reason: "runaway".into(),
    };
    kit.ledger.kill(&kill).unwrap();
    kit.clock.advance_ns(30_000_000_000);
    for _ in 0..16 {
        kit.ledger.maintain().unwrap();
    }
    kit.ledger.shutdown().unwrap();

    let journal = Journal::open(kit.dir.path()).unwrap();
    let mut text = String::new();
    for line in journal.lines(Seq::new(1)).unwrap() {
        let mut line = line.unwrap();
        assert_eq!(line.hash.len(), 64);
        line.hash.clear();
        match &mut line.what {
            LineRecord::Context { policy_hash, .. } => policy_hash.truncate(4),
            LineRecord::Decision(made) => made.policy.as_mut().unwrap().policy_hash.truncate(4),
            _ => {}
        }
        text += &serde_json::to_string(&line).unwrap();
        text += "\n";
    }
    expect![[r#"
        {"seq":1,"at":"2023-11-14T22:13:20.000000000Z","kind":"context","policy_revision":"r1","policy_hash":"0707","engine":"builtin","kid":"k1","iss":"gate","aud":"venue","hash":""}
        {"seq":2,"at":"2023-11-14T22:13:20.000000000Z","kind":"decision","client_id":"c1","client_order_id":"o-1","symbol":"AAPL","side":"BUY","qty":"1","price":"185.55","notional":"185.55","order_digest":"3138352e35353100000000000000000000000000000000000000000000000000","trace_id":"03030303-0303-0303-0303-030303030303","expires":"2023-11-14T22:13:50.000000000Z","context":1,"policy_revision":"r1","policy_hash":"0707","engine":"builtin","kid":"k1","status":"AUTHORIZED","reasons":[],"hold":"185.55","exposure_before":{"reserved":"0","filled":"0","gross":"0","open_orders":0,"orders_last_second":0},"exposure_after":{"reserved":"185.55","filled":"0","gross":"185.55","open_orders":1,"orders_last_second":1},"hash":""}
        {"seq":3,"at":"2023-11-14T22:13:20.000000000Z","kind":"decision","client_id":"c1","client_order_id":"o-2","symbol":"AAPL","side":"BUY","qty":"1","price":"7","notional":"7","order_digest":"3731000000000000000000000000000000000000000000000000000000000000","trace_id":"03030303-0303-0303-0303-030303030303","expires":"2023-11-14T22:13:50.000000000Z","context":1,"policy_revision":"r1","policy_hash":"0707","engine":"builtin","kid":"k1","status":"AUTHORIZED","reasons":[],"hold":"7","exposure_before":{"reserved":"185.55","filled":"0","gross":"185.55","open_orders":1,"orders_last_second":1},"exposure_after":{"reserved":"192.55","filled":"0","gross":"192.55","open_orders":2,"orders_last_second":2},"hash":""}
        {"seq":4,"at":"2023-11-14T22:13:20.000000000Z","kind":"fill","client_id":"c1","client_order_id":"o-1","exec_id":"e-1","qty":"0.4","price":"185.5","notional":"74.2","converted":"74.22","late":false,"over":false,"hash":""}
        {"seq":5,"at":"2023-11-14T22:13:20.000000000Z","kind":"release","client_id":"c1","client_order_id":"o-1","reason":"canceled","freed":"111.33","hash":""}
        {"seq":6,"at":"2023-11-14T22:13:20.000000000Z","kind":"kill","scope":"client","name":"c1","on":true,"actor":"ops","reason":"runaway","hash":""}
        {"seq":7,"at":"2023-11-14T22:13:50.000000000Z","kind":"expire","client_id":"c1","decision":3,"order_key":"40ec9d7ad9bf8b490c2df65bf63cffb1","freed":"7","hash":""}
    "#]].assert_eq(&text);
    let last = journal.lines(Seq::new(7)).unwrap().map(Result::unwrap);
    assert_eq!(last.map(|line| line.seq).collect::<Vec<_>>(), [7]);
}
