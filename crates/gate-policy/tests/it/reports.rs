//! What the command line shows: check, test and diff.

use expect_test::expect;
use gate_policy::{Bundle, Engine, EvalLimits, RecordedInput, activate, check, diff, test};

#[test]
fn check_shows_what_a_bundle_is_and_what_it_limits() {
    let report = check(&Bundle::sample(Engine::Builtin).unwrap()).unwrap();
    let shown = report.to_string();
    let shown: Vec<&str> = shown
        .lines()
        .filter(|line| !line.starts_with("hash"))
        .collect();
    expect![[r#"
        revision   pretrade-2
        engine     builtin
        files      .manifest data.json
        default    max_order_qty=10000 max_order_notional=1000000 max_exposure=5000000 price_collar_pct=10 max_orders_per_second=100
        client     c5: max_order_qty=1005 max_order_notional=1000000 max_exposure=5000000 price_collar_pct=10 max_orders_per_second=100
        instruments 11; any other is blocked
        restricted 1 symbols; suspended 1 clients"#]]
    .assert_eq(&shown.join("\n"));

    let report = check(&Bundle::sample(Engine::Rego).unwrap()).unwrap();
    assert!(
        report.builtins.iter().any(|name| name == "to_number"),
        "{:?}",
        report.builtins
    );
    assert!(report.data.is_ok());
}

#[test]
fn check_warns_of_a_limit_that_no_built_in_rule_reads() {
    let data = r#"{"limits":{"default":{"max_ordr_qty":5}}}"#;
    let rego = "package gate\ndecision := {\"allow\": true, \"reasons\": []}\n";
    let bundle = Bundle::from_files([("data.json", data), ("p.rego", rego)]).unwrap();
    let shown = check(&bundle).unwrap().to_string();
    assert!(
        shown.contains("`limits.default.max_ordr_qty` is not a known member"),
        "{shown}"
    );
}

#[test]
fn the_sample_passes_its_tests() {
    let report = test(
        &Bundle::sample(Engine::Rego).unwrap(),
        EvalLimits::default(),
    )
    .unwrap();
    assert!(report.is_pass(), "{report}");
    assert!(report.passed.len() >= 15, "{report}");
    // The probes are 39; the others are inputs that the tests used.
    assert!(report.compared > 50, "{report}");
}

#[test]
fn diff_counts_what_would_change() {
    let policy = |qty| {
        let data = format!(r#"{{"limits":{{"default":{{"max_order_qty":{qty}}}}}}}"#);
        activate(&Bundle::from_files([("data.json", data)]).unwrap()).unwrap()
    };
    let orders = [5, 50, 500].map(|qty| {
        let order = format!(
            r#"{{"order":{{"client_order_id":"o-{qty}","symbol":"A","side":"BUY","qty":{qty},
                "price":"1.5"}},"context":{{"client_id":"c1"}}}}"#
        );
        RecordedInput::parse(&order).unwrap()
    });
    let report = diff(&*policy(100), &*policy(10), orders.clone());
    assert_eq!((report.orders, report.changes.len()), (3, 1));
    assert_eq!(report.changes[0].client_order_id, "o-50");
    assert_eq!(report.newly_blocked.to_string(), "75");
    let report = diff(&*policy(10), &*policy(1_000), orders);
    assert_eq!(report.newly_allowed.to_string(), "825");
}

#[test]
fn diff_sees_a_limit_that_only_the_ledger_holds() {
    let policy = |limit: u64| {
        let rego = format!(
            "package gate\ndecision := {{\"allow\": true, \"reasons\": [], \
             \"limits\": {{\"max_exposure\": {limit}}}}}\n"
        );
        activate(&Bundle::from_files([("p.rego", rego)]).unwrap()).unwrap()
    };
    let orders = ["0", "90", "91", "200"].map(|gross| {
        let order = format!(
            r#"{{"order":{{"client_order_id":"o-{gross}","symbol":"A","side":"BUY","qty":10,
                "price":"1"}},"context":{{"client_id":"c1"}},"exposure":{{"reserved":"{gross}"}}}}"#
        );
        RecordedInput::parse(&order).unwrap()
    });
    let report = diff(&*policy(150), &*policy(100), orders);
    let changed: Vec<&str> = report
        .changes
        .iter()
        .map(|c| c.client_order_id.as_str())
        .collect();
    assert_eq!(changed, ["o-91"]);
    assert_eq!(report.changes[0].new.reasons, ["max_exposure"]);
    assert_eq!(report.newly_blocked.to_string(), "10");
}
