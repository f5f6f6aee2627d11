//! The journal as an auditor uses it: `audit verify`, `audit export`, `ledger show`, `policy diff`.

use std::path::PathBuf;
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

use crate::sidecar::{Sidecar, authorize, builtin_bundle, order, rego_bundle, run};

/// A sidecar that has decided five orders of 185.55.
struct Five {
    dir: TempDir,
    data: PathBuf,
    sidecar: Sidecar,
}

impl Five {
    fn decided() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let sidecar = Sidecar::start(&data, &[]);
        let mut client = sidecar.client();
        for number in 0..5 {
            let body = order("c1", &format!("o-{number}"), 1, "185.55");
            assert_eq!(authorize(&mut client, &body).json()["status"], "AUTHORIZED");
        }
        Self { dir, data, sidecar }
    }

    fn audit(&self, command: &str, more: &[&str]) -> Output {
        let mut args = vec!["audit", command, "--data-dir", self.data.to_str().unwrap()];
        args.extend(more);
        run(&args, b"")
    }

    fn export(&self) -> String {
        String::from_utf8(self.audit("export", &[]).stdout).unwrap()
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_store_that_is_not_there_is_not_a_damaged_one() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    for command in [["audit", "verify"], ["audit", "export"], ["ledger", "show"]] {
        let args = [&command[..], &["--data-dir", data.to_str().unwrap()]].concat();
        let absent = run(&args, b"");
        let said = stderr(&absent);
        assert_eq!(absent.status.code(), Some(2), "{command:?}: {said}");
        assert!(said.contains("data`"), "{said}");
    }
}

#[test]
fn a_live_store_verifies_and_a_point_that_was_noted_must_be_in_it() {
    let five = Five::decided();
    let live = five.audit("verify", &[]);
    assert!(live.status.success(), "{}", stderr(&live));
    let shown = String::from_utf8(live.stdout).unwrap();
    let point = shown.trim().rsplit_once("to ").unwrap().1;
    let known = |point: &str| five.audit("verify", &["--known", point]).status.code();
    assert_eq!(known(point), Some(0));
    let (start, last) = point.split_at(point.len() - 1);
    let other = format!("{start}{}", if last == "0" { "1" } else { "0" });
    assert_eq!(known(&other), Some(1));
    assert_eq!(known("5"), Some(2), "not a point");
}

#[test]
fn an_export_has_every_record_once_and_the_ledger_adds_them_up() {
    let five = Five::decided();
    let export = five.export();
    let lines: Vec<Value> = export
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let decisions = lines.iter().filter(|line| line["kind"] == "decision");
    assert_eq!(decisions.count(), 5, "{export}");
    for (index, line) in lines.iter().enumerate() {
        assert_eq!(line["seq"], index as u64 + 1);
    }
    // A token's `jti` leads to its record.
    let body = order("c1", "o-3", 1, "185.55");
    let replayed = authorize(&mut five.sidecar.client(), &body).json();
    let trace = &replayed["decision_token"]["payload"]["jti"];
    let found = lines.iter().find(|line| line["trace_id"] == *trace);
    assert_eq!(found.unwrap()["client_order_id"], "o-3");

    let data = five.data.to_str().unwrap();
    let shown = run(&["ledger", "show", "c1", "--data-dir", data], b"");
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("gross 927.75"), "{shown}");
    assert_eq!(shown.lines().count(), 6, "{shown}");
    let lines = run(&["ledger", "show", "c1", "--json", "--data-dir", data], b"");
    let lines = String::from_utf8(lines.stdout).unwrap();
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 6);
    assert_eq!(
        (&lines[0]["kind"], &lines[0]["gross"]),
        (&"client".into(), &"927.75".into())
    );
    assert_eq!(
        (&lines[4]["kind"], &lines[4]["held"]),
        (&"order".into(), &"185.55".into())
    );
    assert_eq!(lines[4]["client_order_id"], "o-3");
}

/// An exporter that continues from where another store ended would find nothing, for ever.
#[test]
fn an_export_from_beyond_the_end_says_so_and_one_from_the_next_record_is_empty() {
    let five = Five::decided();
    let records = five.export().lines().count();
    let from = |seq: usize| five.audit("export", &["--from", &seq.to_string()]);
    let next = from(records + 1);
    assert_eq!((next.status.code(), next.stdout.len()), (Some(0), 0));
    let beyond = from(records + 2);
    assert_eq!(beyond.status.code(), Some(2));
    let said = stderr(&beyond);
    assert!(said.contains("the journal ends with record"), "{said}");
}

#[test]
fn a_diff_says_what_another_bundle_would_have_decided_and_what_it_cannot_know() {
    let five = Five::decided();
    let dir = five.dir.path();
    let orders = dir.join("orders.ndjson");
    std::fs::write(&orders, five.export()).unwrap();
    let text = |path: PathBuf| path.into_os_string().into_string().unwrap();
    let orders = text(orders);
    let diff = |old: &str, new: &str, orders: &str| {
        run(&["policy", "diff", old, new, "--orders", orders], b"")
    };
    let loose = text(builtin_bundle(dir, "loose", "1000"));
    let tight = text(builtin_bundle(dir, "tight", "600"));
    let changed = diff(&loose, &tight, &orders);
    let said = String::from_utf8_lossy(&changed.stdout);
    // Three of 185.55 fit under 600; the fourth and fifth do not.
    assert!(
        said.contains("5 orders, 2 changed: 371.1 newly blocked"),
        "{said}"
    );
    assert_eq!(
        (changed.status.code(), stderr(&changed)),
        (Some(1), String::new())
    );
    let none = diff(&loose, &tight, "/dev/null");
    assert_eq!(none.status.code(), Some(2), "nothing was compared");

    let asking = rego_bundle(dir, "asking", "1000");
    let rego = "package gate\ndecision := {\"allow\": count(deny) == 0, \"reasons\": deny}\n\
                deny contains \"desk\" if { desk := input.context.desk; not data.desks[desk] }\n";
    std::fs::write(asking.join("policy.rego"), rego).unwrap();
    let asking = text(asking);
    assert_eq!(
        stderr(&diff(&loose, &asking, &orders)),
        "warning: an export of the journal has no input.context.desk: what is decided by these is not told\n"
    );
    let check = run(&["policy", "check", &asking], b"");
    let check = String::from_utf8(check.stdout).unwrap();
    assert!(
        check.contains("\nasks for   input.context.desk\n"),
        "{check}"
    );
}

#[test]
fn a_changed_record_is_named_and_what_sqlite_cannot_read_is_damaged_too() {
    let five = Five::decided();
    five.sidecar.signal("TERM");
    let Five { dir, data, sidecar } = five;
    assert!(sidecar.wait().success());
    let database = data.join("ledger.db");
    let audit = |command| {
        run(
            &["audit", command, "--data-dir", data.to_str().unwrap()],
            b"",
        )
    };
    let store = rusqlite::Connection::open(&database).unwrap();
    let changed = store.execute(
        "UPDATE journal SET records = CAST(replace(CAST(records AS TEXT), 'o-3', 'o-7') AS BLOB)
         WHERE instr(records, CAST('o-3' AS BLOB)) > 0",
        [],
    );
    assert_eq!(changed.unwrap(), 1);
    drop(store);
    for command in ["verify", "export"] {
        let damaged = audit(command);
        assert_eq!(damaged.status.code(), Some(1), "{command}");
        let said = stderr(&damaged);
        assert!(said.contains("damaged at record"), "{said}");
    }
    // First its pages, then its header.
    let mut bytes = std::fs::read(&database).unwrap();
    for from in [4096, 0] {
        bytes[from..].fill(0xff);
        std::fs::write(&database, &bytes).unwrap();
        for command in ["verify", "export"] {
            let damaged = audit(command);
            assert_eq!(damaged.status.code(), Some(1), "{}", stderr(&damaged));
        }
    }
    drop(dir);
}
