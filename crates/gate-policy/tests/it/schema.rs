//! With the shipped rules, `data.json` is checked as with the built-in rules: a typo must not
//! switch a limit off.

use gate_policy::{ActivateError, Bundle, activate};

use crate::support::{Order, show};

const PREPARED: &str = include_str!("../../bundles/pretrade/prepared.rego");
const PRETRADE: &str = include_str!("../../bundles/pretrade/pretrade.rego");

#[allow(clippy::panic, reason = "a test fails by panicking")]
fn refusal(data: &str, own: &[(&str, &str)]) -> Option<String> {
    let shipped = [("prepared.rego", PREPARED), ("pretrade.rego", PRETRADE)];
    let files = [("data.json", data)].into_iter().chain(shipped);
    let bundle = Bundle::from_files(files.chain(own.iter().copied())).unwrap();
    match activate(&bundle) {
        Ok(_) => None,
        Err(ActivateError::Data(error)) => Some(error.to_string()),
        Err(error) => panic!("{error}"),
    }
}

/// Each switched a check off while only the built-in rules checked the data.
#[test]
fn a_typo_in_the_data_of_the_shipped_rules_is_refused_as_by_the_built_in_ones() {
    for data in [
        r#"{"limits":{"default":{"price_collar_pct":"10"}},"instruments":{"AAPL":{"reference_price":"185,00"}}}"#,
        r#"{"limits":{"default":{"price_collar_pct":"10"}},"instruments":{"AAPL":{"reference_price":""}}}"#,
        r#"{"limits":{"default":{"price_collar_pct":null}},"instruments":{"AAPL":{}}}"#,
        r#"{"limits":{"default":{"price_collar_pct":"10"},"clients":{"c1":{"price_collar_pct":false}}}}"#,
        r#"{"limits":{"default":{}},"restricted_symbols":["GME"]}"#,
        r#"{"limits":{"default":{}},"suspended_clients":["c1"]}"#,
        r#"{"limits":{"default":{"max_exposur":"10"}}}"#,
        r#"{"limits":{"default":{"max_order_notional":"1.0000001"}}}"#,
        r#"{"limits":{"default":{},"client":{"c1":{"max_exposure":"1"}}}}"#,
        r#"{"limits":{"default":{}},"restricted_symbol":{"GME":true}}"#,
        r#"{"limits":{"default":{}},"instruments":{"AAPL":{"sector":"tech"}}}"#,
    ] {
        let built_in = Bundle::from_files([("data.json", data)]).unwrap();
        let expected = activate(&built_in).err().unwrap().to_string();
        assert_eq!(refusal(data, &[]), Some(expected), "{data}");
    }
}

#[test]
fn rules_of_the_brokers_own_have_data_of_their_own() {
    let data = r#"{"limits":{"default":{}},"desks":{"eq":true}}"#;
    let own = "package gate\ndeny contains \"desk\" if not data.desks[input.context.desk]\n";
    assert_eq!(refusal(data, &[("own.rego", own)]), None);
    let refused = refusal(data, &[("own.rego", "package gate\n")]);
    assert_eq!(
        refused.as_deref(),
        Some("data.json: `desks` is not a known member")
    );
}

/// Plain OPA knows no schema: there the rules themselves have to deny.
#[test]
fn a_collar_that_cannot_be_read_denies() {
    let rego = PRETRADE.replace("data_schema := \"pretrade\"", "");
    assert_ne!(rego, PRETRADE);
    for (limits, instrument, expected) in [
        (
            r#"{"price_collar_pct":"10"}"#,
            r#"{"reference_price":"185,00"}"#,
            "price_collar",
        ),
        (
            r#"{"price_collar_pct":"10"}"#,
            r#"{"reference_price":""}"#,
            "price_collar",
        ),
        (
            r#"{"price_collar_pct":"10"}"#,
            r#"{"reference_price":null}"#,
            "price_collar",
        ),
        (
            r#"{"price_collar_pct":"x"}"#,
            r#"{"reference_price":"185"}"#,
            "price_collar",
        ),
        (
            r#"{"price_collar_pct":null}"#,
            "{}",
            "reference_price_missing",
        ),
        (
            "{}",
            r#"{"price_collar_pct":false}"#,
            "reference_price_missing",
        ),
        (
            r#"{"price_collar_pct":"10"}"#,
            r#"{"reference_price":"185"}"#,
            "allow",
        ),
    ] {
        let data =
            format!(r#"{{"limits":{{"default":{limits}}},"instruments":{{"AAPL":{instrument}}}}}"#);
        for prepared in [true, false] {
            let mut files = vec![
                ("data.json", data.as_str()),
                ("pretrade.rego", rego.as_str()),
            ];
            files.extend(prepared.then_some(("prepared.rego", PREPARED)));
            let policy = activate(&Bundle::from_files(files).unwrap()).unwrap();
            let verdict = Order::new("c1", "AAPL", "1", "185")
                .judge(&*policy)
                .unwrap();
            assert_eq!(show(&verdict), expected, "{data}, prepared: {prepared}");
        }
    }
}

/// A client with a collar of its own is not judged by the default one.
#[test]
fn a_clients_own_collar_is_never_judged_by_the_shortcut() {
    let rego = PRETRADE.replace("data_schema := \"pretrade\"", "");
    let data = r#"{"limits":{"default":{"price_collar_pct":"10"},"clients":{"c1":{"price_collar_pct":false}}},
                   "instruments":{"AAPL":{"reference_price":"1000000"}}}"#;
    let files = [
        ("data.json", data),
        ("prepared.rego", PREPARED),
        ("pretrade.rego", rego.as_str()),
    ];
    let policy = activate(&Bundle::from_files(files).unwrap()).unwrap();
    let verdict = Order::new("c1", "AAPL", "1", "999999")
        .judge(&*policy)
        .unwrap();
    assert_eq!(show(&verdict), "price_collar");
}
