//! The built-in rules, one order a line.

use super::*;

fn check(data: &str, expected: &str) {
    let shown = match TypedData::parse(data) {
        Ok(_) => "taken".to_owned(),
        Err(error) => error.to_string(),
    };
    assert_eq!(shown, expected, "{data}");
}

#[test]
fn takes_every_known_member() {
    check("{}", "taken");
    check(
        r#"{"limits":{"default":{"max_order_qty":"10000","max_order_notional":1000000,
            "max_exposure":"5000000.000001","price_collar_pct":2.5,"max_orders_per_second":100},
            "clients":{"c5":{"max_order_qty":1005},"c6":{}}},
            "instruments":{"AAPL":{"reference_price":"185.00","contract_size":"1",
            "max_order_qty":5,"max_order_notional":5,"price_collar_pct":5},"X":{}},
            "restricted_symbols":{"GME":true,"AMC":false},"suspended_clients":{"bad1":true}}"#,
        "taken",
    );
}

#[test]
fn refuses_what_no_rule_reads_by_its_path() {
    let unknown = |data, path| check(data, &format!("data.json: `{path}` is not a known member"));
    unknown(r#"{"limit":{}}"#, "limit");
    unknown(r#"{"limits":{"defaults":{}}}"#, "limits.defaults");
    unknown(
        r#"{"limits":{"default":{"max_ordr_qty":1}}}"#,
        "limits.default.max_ordr_qty",
    );
    unknown(
        r#"{"limits":{"clients":{"c 5":{"max_exposur":1}}}}"#,
        "limits.clients.c 5.max_exposur",
    );
    unknown(
        r#"{"instruments":{"A":{"max_exposure":1}}}"#,
        "instruments.A.max_exposure",
    );
    unknown(
        r#"{"instruments":{"A":{"price":1}}}"#,
        "instruments.A.price",
    );
}

#[test]
fn refuses_what_is_not_of_its_type() {
    let refused = |data, rest| check(data, &format!("data.json: {rest}"));
    let limit = |value: &str, rest: &str| {
        let data = format!(r#"{{"limits":{{"default":{value}}}}}"#);
        check(&data, &format!("data.json: `limits.default{rest}"));
    };
    refused("[]", "`` must be an object");
    refused(r#"{"limits":null}"#, "`limits` must be an object");
    limit("5", "` must be an object");
    let number = "must be a number, or a string that is one";
    for value in ["null", "true", "[]", "{}", r#""ten""#, r#""""#, r#"" 1""#] {
        limit(
            &format!(r#"{{"max_order_qty":{value}}}"#),
            &format!(".max_order_qty` {number}"),
        );
    }
    limit(
        r#"{"max_order_qty":-1}"#,
        ".max_order_qty` must not be negative",
    );
    limit(
        r#"{"max_order_qty":1e30}"#,
        ".max_order_qty` has more than 18 digits",
    );
    let digits = "has more digits after the point than allowed";
    limit(
        r#"{"max_exposure":"0.0000001"}"#,
        &format!(".max_exposure` {digits}"),
    );
    limit(
        r#"{"price_collar_pct":0.0000001}"#,
        &format!(".price_collar_pct` {digits}"),
    );
    limit(
        r#"{"max_orders_per_second":1.5}"#,
        ".max_orders_per_second` must be a whole number",
    );
    refused(
        r#"{"instruments":{"A":{"reference_price":0}}}"#,
        "`instruments.A.reference_price` must be greater than zero",
    );
    refused(
        r#"{"restricted_symbols":{"A":"yes"}}"#,
        "`restricted_symbols.A` must be true or false",
    );
    refused(
        r#"{"suspended_clients":["bad1"]}"#,
        "`suspended_clients` must be an object",
    );
}

#[test]
fn a_client_overrides_member_by_member_and_an_instrument_only_tightens() {
    let data = TypedData::parse(
        r#"{"limits":{"default":{"max_order_qty":100,"max_exposure":50},
            "clients":{"c5":{"max_order_qty":200}}},
            "instruments":{"A":{"max_order_qty":150},"B":{"max_order_qty":300}}}"#,
    )
    .unwrap();
    let qty = |client, symbol| {
        let client = data.limits(client).unwrap();
        let limits = client.tightened(&data.instrument(symbol).unwrap().limits);
        limits.max_order_qty.unwrap().to_string()
    };
    assert_eq!(qty("c1", "A"), "100");
    assert_eq!(qty("c5", "A"), "150");
    assert_eq!(qty("c5", "B"), "200");
    assert_eq!(
        data.limits("c5").unwrap().max_exposure,
        Notional::parse("50").ok()
    );
}

#[test]
fn a_rego_bundle_may_keep_other_data_but_no_broken_contract_size() {
    let read = |text| TypedData::parse_for_rego(text);
    let data = read(
        r#"{"limits":{"default":{"max_exposure":7}},"mine":[1],
            "instruments":{"A":{"contract_size":50,"venue":"x"}}}"#,
    )
    .unwrap();
    assert_eq!(data.contract_size("A").to_string(), "50");
    assert_eq!(
        data.limits("c").unwrap().max_exposure,
        Notional::parse("7").ok()
    );
    // Other members do not switch the limit off.
    let data = read(
        r#"{"limits":{"default":{"max_exposure":7,"note":"x"},"tiers":{},
            "clients":{"c5":{"max_exposure":"9","desk":["eq"]},"c6":{"desk":1}}}}"#,
    )
    .unwrap();
    let limit = |client| data.limits(client).unwrap().max_exposure;
    assert_eq!(limit("c"), Notional::parse("7").ok());
    assert_eq!(limit("c5"), Notional::parse("9").ok());
    assert_eq!(limit("c6"), Notional::parse("7").ok());
    for other in [
        r#"{"limits":{"tiers":{}}}"#,
        r#"{"limits":[1]}"#,
        r#"{"limits":{"default":5,"clients":[{"max_exposure":1}]}}"#,
        r#"{"limits":{"default":{"max_exposur":1}}}"#,
    ] {
        assert!(read(other).unwrap().limits("c").is_none(), "{other}");
    }
    for (path, broken) in [
        (
            "instruments.A.contract_size",
            r#"{"instruments":{"A":{"contract_size":0}}}"#,
        ),
        (
            "limits.default.max_exposure",
            r#"{"limits":{"default":{"max_exposure":"much"}}}"#,
        ),
        (
            "limits.clients.c5.max_exposure",
            r#"{"limits":{"clients":{"c5":{"max_exposure":-1}}}}"#,
        ),
    ] {
        assert_eq!(read(broken).unwrap_err().path, path);
    }
}
