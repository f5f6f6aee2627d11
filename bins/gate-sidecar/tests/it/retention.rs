//! Retention: old records are pruned behind a signed anchor, by a command or by the running
//! sidecar, and the rest still verifies.

use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use gate_state::{Decided, DecisionContext, Judgement, Ledger, LedgerConfig, NewOrder};
use gate_types::{
    ClientId, Clock as _, ManualClock, Notional, OrderId, Price, Qty, Side, Symbol, Timestamp,
};

use crate::sidecar::{Sidecar, run};

/// Makes a store five days old, with 15 released orders, then 5 open ones, and a key file.
fn old_store(data: &Path) {
    let days = Duration::from_secs(5 * 86_400);
    let then = SystemTime::now() - days;
    let then = then.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let clock = ManualClock::at(Timestamp::from_unix_seconds(then.as_secs()));
    let clock = Arc::new(clock);
    let ledger = Ledger::open(LedgerConfig::new(data), clock.clone()).unwrap();
    let context = ledger.set_context(DecisionContext {
        policy_revision: "of-then".into(),
        policy_hash: [7; 32],
        engine: "builtin".into(),
        kid: "k1".into(),
        iss: "gate".into(),
        aud: "venue".into(),
    });
    let context = context.unwrap();
    let client_id = ClientId::new("c1").unwrap();
    for n in 0..20 {
        let id = format!("o-{n}");
        let order_id = OrderId::new(&id).unwrap();
        let order = NewOrder {
            client_id: &client_id,
            order_id: &order_id,
            symbol: &Symbol::new("AAPL").unwrap(),
            side: Side::Buy,
            qty: Qty::parse("1").unwrap(),
            price: Price::parse("185.55").unwrap(),
            notional: Notional::parse("185.55").unwrap(),
            digest: [1; 32],
            trace_id: [2; 16],
            now: clock.now(),
            expires: clock.now().saturating_add_nanos(30_000_000_000),
            context,
        };
        let judge = |_: &_| Judgement {
            allow: true,
            reasons: Vec::new(),
            max_exposure: None,
        };
        let Decided::New(decision) = ledger.decide(&order, judge).unwrap() else {
            panic!("{id} is not new");
        };
        ledger.wait(decision.seq).unwrap();
        if n < 15 {
            let released = ledger.release(&client_id, &order_id, "canceled", None);
            ledger.wait(released.unwrap().wait_for).unwrap();
        }
    }
    ledger.shutdown().unwrap();
    let keys = data.join("keys.json");
    let made = run(&["keys", "generate", "--keys", keys.to_str().unwrap()], b"");
    assert!(made.status.success());
}

fn said(output: &Output) -> (Option<i32>, String) {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

fn on(data: &Path, command: &[&str], more: &[&str]) -> (Option<i32>, String) {
    let data = ["--data-dir", data.to_str().unwrap()];
    said(&run(&[command, &data, more].concat(), b""))
}

#[test]
fn a_stopped_store_is_pruned_and_what_is_left_verifies() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    old_store(&data);
    let prune = |more: &[&str]| on(&data, &["ledger", "prune"], more);
    let verify = |more: &[&str]| on(&data, &["audit", "verify"], more);
    assert_eq!(prune(&[]).0, Some(1), "nobody said how much to keep");
    let (code, text) = prune(&["--keep-days", "2", "--check"]);
    assert!(code == Some(2) && text.contains("--check"), "{text}");
    let (code, text) = prune(&["--keep-days", "30"]);
    assert!(
        code == Some(0) && text.starts_with("nothing to prune"),
        "{text}"
    );
    let whole = verify(&[]);
    assert!(whole.1.starts_with("intact: 36 records"), "{whole:?}");

    // One context, then a decision and a release for each of fifteen orders.
    let (code, text) = prune(&["--keep-days", "2"]);
    assert!(
        code == Some(0) && text.starts_with("pruned records 1 to 31,"),
        "{text}"
    );
    assert!(
        text.contains("\nrecord 32 and all after it are kept"),
        "{text}"
    );
    let (code, text) = verify(&[]);
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("begins after 31:") && text.contains("signed with the key"),
        "{text}"
    );
    assert!(text.contains("\nintact: 5 records, to 36:"), "{text}");
    // A pruned record cannot be compared with anything.
    let noted = |seq| format!("{seq}:{}", "0".repeat(64));
    let (code, text) = verify(&["--known", &noted(5)]);
    assert!(
        code == Some(2) && text.contains("record 5 was pruned"),
        "{text}"
    );
    let (code, text) = verify(&["--known", &noted(31)]);
    assert!(
        code == Some(1) && text.contains("damaged at record 31"),
        "{text}"
    );
    // Anyone can cut off a beginning and write an anchor, so without keys there is no answer.
    let keys = data.join("keys.json");
    std::fs::rename(&keys, dir.path().join("keys.json")).unwrap();
    let (code, text) = verify(&[]);
    assert!(
        code == Some(2) && text.contains("its signature was not checked"),
        "{text}"
    );
    std::fs::rename(dir.path().join("keys.json"), &keys).unwrap();
    let (_, again) = prune(&["--keep-days", "2"]);
    assert!(again.starts_with("nothing to prune"), "{again}");
    // The journal is sound, but no sidecar starts without the snapshot: an incomplete restore must
    // not pass.
    let snapshot = data.join("ledger.snapshot");
    std::fs::rename(&snapshot, dir.path().join("aside")).unwrap();
    let (code, text) = verify(&[]);
    assert!(
        code == Some(1) && text.contains("put `ledger.snapshot` back"),
        "{text}"
    );
    std::fs::rename(dir.path().join("aside"), &snapshot).unwrap();

    // The record that put the policy in force is gone, but every line still names the policy.
    let (_, export) = on(&data, &["audit", "export"], &[]);
    assert_eq!(export.lines().count(), 5);
    for line in export.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["policy_revision"], "of-then");
        assert_eq!(line["policy_hash"], "07".repeat(32));
    }

    // Another key verifies nothing.
    let other = dir.path().join("other.json");
    let other = other.to_str().unwrap();
    assert!(
        run(&["keys", "generate", "--keys", other], b"")
            .status
            .success()
    );
    let (code, text) = verify(&["--keys", other]);
    assert!(
        code == Some(1) && text.contains("anchor names the key"),
        "{text}"
    );
    let (code, text) = verify(&["--keys", "absent.json"]);
    assert!(
        code == Some(2) && text.contains("`absent.json` cannot be used"),
        "whether it is signed cannot be told: {text}"
    );
    let store = rusqlite::Connection::open(data.join("ledger.db")).unwrap();
    store
        .execute("UPDATE anchor SET at_ns = at_ns + 1", [])
        .unwrap();
    drop(store);
    let (code, text) = verify(&[]);
    assert!(
        code == Some(1) && text.contains("signature is not that"),
        "{text}"
    );

    // The open orders still hold.
    let sidecar = Sidecar::start(&data, &[]);
    assert_eq!(sidecar.exposure("c1")["reserved"], "927.75");
}

#[test]
fn a_running_sidecar_prunes_by_itself_and_its_store_is_not_taken_from_it() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    old_store(&data);
    let sidecar = Sidecar::start(&data, &["--set", "retention_days=2"]);
    let (code, text) = on(&data, &["ledger", "prune"], &["--keep-days", "2"]);
    assert!(
        code == Some(1) && text.contains("a running process holds"),
        "{text}"
    );
    assert!(
        sidecar
            .metrics()
            .contains("\ngate_journal_retention_seconds 172800\n")
    );
    let pruned = (0..600).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        sidecar.metrics().contains("\ngate_journal_begin_seq 31\n")
    });
    assert!(pruned, "{}", sidecar.metrics());
    let (code, text) = on(&data, &["audit", "verify"], &[]);
    assert!(
        code == Some(0) && text.contains("signed with the key"),
        "{text}"
    );
    assert_eq!(sidecar.exposure("c1")["reserved"], "927.75");
    sidecar.kill();
    let sidecar = Sidecar::start(&data, &[]);
    assert_eq!(sidecar.exposure("c1")["reserved"], "927.75");
    let kept = sidecar.metrics();
    assert!(
        kept.contains("\ngate_journal_retention_seconds 0\n"),
        "{kept}"
    );
}
