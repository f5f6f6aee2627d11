//! The kill switch: it is on the disk before it is answered, and survives a restart.

use crate::client::assert_problem;
use crate::sidecar::{authorize, fresh, order};

/// With `relaxed`, replies to orders do not wait for the disk; those to a kill switch do, as it
/// must last.
#[test]
fn a_kill_switch_is_answered_when_it_is_on_the_disk_even_where_orders_are_not() {
    let (sidecar, dir) = fresh(&["--durability", "relaxed"]);
    let jam = rusqlite::Connection::open(dir.path().join("data/ledger.db")).unwrap();
    jam.execute_batch("BEGIN IMMEDIATE").unwrap();
    let on = r#"{"on":true,"actor":"ops","reason":"drill"}"#;
    let lost = sidecar.admin().post("/v1/kill", on);
    assert_problem(&lost, 503, "not_durable", None);
}

#[test]
fn what_operators_write_is_one_line_of_text() {
    let (sidecar, _dir) = fresh(&[]);
    let on = r#"{"on":true,"actor":"ops","reason":"drill\nkill switch for all orders by eve: no"}"#;
    let refused = sidecar.admin().post("/v1/kill", on);
    assert_problem(&refused, 422, "invalid_member", Some("reason"));
}

#[test]
fn a_kill_switch_stops_new_orders_at_once_and_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let on = r#"{"on":true,"symbol":"AAPL","actor":"ops","reason":"drill"}"#;
    let at;
    {
        let sidecar = crate::sidecar::Sidecar::start(dir.path(), &[]);
        assert_eq!(
            authorize(&mut sidecar.client(), &order("c1", "o-1", 1, "185")).status,
            200
        );
        let thrown = sidecar.admin().post("/v1/kill", on);
        assert_eq!(thrown.status, 200);
        at = thrown.json()["at"].clone();
        let stopped = authorize(&mut sidecar.client(), &order("c1", "o-2", 1, "185")).json();
        assert_eq!(stopped["status"], "BLOCKED", "{stopped}");
        let other = order("c1", "o-3", 1, "400").replace("AAPL", "MSFT");
        let other = authorize(&mut sidecar.client(), &other).json();
        assert_ne!(other["reasons"], stopped["reasons"]);
        let release = r#"{"client_id":"c1","client_order_id":"o-1","reason":"canceled"}"#;
        assert_eq!(
            sidecar.client().post("/v1/release", release).json()["changed"],
            true
        );
        sidecar.kill();
    }
    let sidecar = crate::sidecar::Sidecar::start(dir.path(), &[]);
    let switches = sidecar.admin().get("/v1/kill").json();
    assert_eq!(switches["kill_switches"][0]["name"], "AAPL", "{switches}");
    assert_eq!(switches["kill_switches"][0]["actor"], "ops");
    assert_eq!(switches["kill_switches"][0]["at"], at);
    let stopped = authorize(&mut sidecar.client(), &order("c1", "o-4", 1, "185")).json();
    assert_eq!(stopped["status"], "BLOCKED", "{stopped}");
    // A misspelt one lifts nothing, and the answer says so.
    let off = on.replace("true", "false");
    let wrong = sidecar
        .admin()
        .post("/v1/kill", &off.replace("AAPL", "aapl"));
    assert_eq!(wrong.json()["changed"], false);
    let lifted = sidecar.admin().post("/v1/kill", &off).json();
    assert_eq!(
        (&lifted["changed"], &lifted["name"]),
        (&true.into(), &"AAPL".into())
    );
    let again = authorize(&mut sidecar.client(), &order("c1", "o-5", 1, "185")).json();
    assert_eq!(again["status"], "AUTHORIZED", "{again}");
    assert_problem(
        &sidecar.admin().post("/v1/kill", "{}"),
        422,
        "missing_member",
        Some("on"),
    );
}
