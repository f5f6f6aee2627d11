//! Positions that an operator sets count against the limit from then on.

use serde_json::json;

use crate::client::assert_problem;
use crate::sidecar::{Sidecar, authorize, builtin_bundle, fresh, order, run};

fn set(sidecar: &Sidecar, net: &str, more: &str) -> crate::client::Reply {
    let body = format!(
        r#"{{"client_id":"c1","symbol":"AAPL","net":{net},"actor":"ops","reason":"carried over"{more}}}"#
    );
    sidecar.admin().post("/v1/positions", &body)
}

#[test]
fn what_a_client_brings_along_counts_and_what_it_trades_goes_on_from_there() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = builtin_bundle(dir.path(), "r", "2000");
    let data = dir.path().join("data");
    let flags = ["--bundle", bundle.to_str().unwrap()];
    {
        let sidecar = Sidecar::start(&data, &flags);
        // Short: 1,900 of 2,000 are used before the first order.
        let reply = set(&sidecar, "-1900.25", "").json();
        assert_eq!(reply["changed"], true, "{reply}");
        assert_eq!(
            (&reply["before"], &reply["net"]),
            (&json!("0"), &json!("-1900.25"))
        );
        assert_eq!(reply["exposure"]["filled"], "1900.25");
        assert_eq!(reply["exposure"]["headroom"], "99.75");
        let refused = authorize(&mut sidecar.client(), &order("c1", "o-1", 1, "185")).json();
        assert_eq!(refused["reasons"], json!(["max_exposure"]), "{refused}");
        // Another client is not affected.
        let other = authorize(&mut sidecar.client(), &order("c2", "o-1", 1, "185")).json();
        assert_eq!(other["status"], "AUTHORIZED");

        let right = set(&sidecar, "\"-1000\"", r#","expected":-1900.25"#).json();
        assert_eq!(right["before"], "-1900.25", "{right}");
        let order = authorize(&mut sidecar.client(), &order("c1", "o-2", 2, "185")).json();
        assert_eq!(order["status"], "AUTHORIZED", "{order}");
        let fill =
            r#"{"client_id":"c1","client_order_id":"o-2","exec_id":"e-1","qty":2,"price":185}"#;
        // A buy of 370 makes a short position of 1,000 one of 630.
        let filled = sidecar.client().post("/v1/fill", fill).json();
        assert_eq!(filled["exposure"]["gross"], "630", "{filled}");
        sidecar.kill();
    }
    let sidecar = Sidecar::start(&data, &flags);
    let positions = sidecar.admin().get("/v1/positions/c1").json();
    let held = json!([{"symbol": "AAPL", "net": "-630"}]);
    assert_eq!(positions, json!({"client_id": "c1", "positions": held}));
    assert_eq!(sidecar.exposure("c1")["filled"], "630");
    drop(sidecar);

    let data = data.to_str().unwrap();
    let shown = run(&["ledger", "show", "c1", "--data-dir", data], b"");
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("\n  AAPL\tnet -630\n"), "{shown}");
    let export = run(&["audit", "export", "--data-dir", data], b"");
    let lines = String::from_utf8(export.stdout).unwrap();
    let records: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &serde_json::Value| line["kind"] == "position")
        .collect();
    assert_eq!(records.len(), 2, "{lines}");
    assert_eq!(records[1]["before"], "-1900.25");
    assert_eq!(records[1]["after"], "-1000");
    assert_eq!(records[1]["actor"], "ops");
}

/// A retry after a lost answer changes nothing twice.
#[test]
fn a_position_is_set_once_and_only_from_what_it_is_taken_for() {
    let (sidecar, _dir) = fresh(&[]);
    let first = set(&sidecar, "100", r#","expected":"0""#);
    assert_eq!(first.json()["changed"], true);
    let again = set(&sidecar, "100", r#","expected":"0""#);
    assert_eq!(
        (again.status, &again.json()["changed"]),
        (200, &json!(false))
    );
    let late = set(&sidecar, "300", r#","expected":"0""#);
    assert_problem(&late, 409, "position_changed", Some("expected"));
    assert_eq!(sidecar.exposure("c1")["filled"], "100");
    let metrics = sidecar.metrics();
    assert!(
        metrics.contains("\ngate_changes_total{what=\"position\"} 1\n"),
        "{metrics}"
    );

    assert_eq!(set(&sidecar, "0", "").json()["exposure"]["filled"], "0");
    let positions = sidecar.admin().get("/v1/positions/c1").json();
    assert_eq!(positions["positions"], json!([]));
}

#[test]
fn a_wrong_position_is_refused_by_name_and_changes_nothing() {
    let (sidecar, _dir) = fresh(&[]);
    for (net, more, code, member) in [
        ("\"-\"", "", "invalid_member", "net"),
        ("null", "", "invalid_member", "net"),
        ("1.0000001", "", "invalid_member", "net"),
        ("12345678901234567890", "", "invalid_member", "net"),
        ("1", r#","expected":"x""#, "invalid_member", "expected"),
        ("1", r#","qty":1"#, "unknown_member", "qty"),
    ] {
        let refused = set(&sidecar, net, more);
        assert_problem(&refused, 422, code, Some(member));
    }
    let nobody = r#"{"client_id":"c1","symbol":"AAPL","net":1,"reason":"x"}"#;
    let refused = sidecar.admin().post("/v1/positions", nobody);
    assert_problem(&refused, 422, "missing_member", Some("actor"));
    assert_eq!(sidecar.exposure("c1")["filled"], "0");
    // Only the admin listener serves it.
    assert_eq!(sidecar.client().get("/v1/positions/c1").status, 404);
}
