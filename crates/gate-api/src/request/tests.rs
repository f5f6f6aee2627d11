//! The answer to each wrong body: code and member.

use gate_types::{Qty, Side};

use serde_json::Value;

use super::*;

const GOOD: &str = r#"{"order":{"client_order_id":"o-1","symbol":"AAPL","side":"BUY","qty":100,"price":185.50},"context":{"client_id":"c5"}}"#;

fn check(body: &str, code: Code, member: &str) {
    let problem = AuthorizeRequest::parse(body.as_bytes()).unwrap_err();
    assert_eq!(
        (problem.code(), problem.member().unwrap_or("")),
        (code, member),
        "{body}"
    );
    assert!(problem.detail().contains(member), "{}", problem.detail());
}

/// The good body with one piece replaced.
fn with(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "`{from}` is not in the body");
    GOOD.replacen(from, to, 1)
}

#[test]
fn reads_the_documented_request() {
    let request = AuthorizeRequest::parse(GOOD.as_bytes()).unwrap();
    assert_eq!(request.client_id.as_str(), "c5");
    assert_eq!(request.order.client_order_id.as_str(), "o-1");
    assert_eq!(request.order.symbol.as_str(), "AAPL");
    assert_eq!(request.order.side, Side::Buy);
    assert_eq!(request.order.qty, Qty::parse("100").unwrap());
    assert_eq!(request.order.price.to_string(), "185.5");
    assert!(request.order.extra.is_empty() && request.context_extra.is_empty());
}

#[test]
fn keeps_further_members_and_takes_amounts_as_text() {
    let body = with(
        r#""qty":100"#,
        r#""qty":"100.0","tif":"IOC","algo":{"id":7}"#,
    )
    .replace(
        r#""client_id":"c5""#,
        r#""client_id":"\u0063\u0035","desk":"eq""#,
    );
    let request = AuthorizeRequest::parse(body.as_bytes()).unwrap();
    assert_eq!(request.client_id.as_str(), "c5");
    assert_eq!(request.order.qty, Qty::parse("100").unwrap());
    assert_eq!(
        Value::Object(request.order.extra).to_string(),
        r#"{"algo":{"id":7},"tif":"IOC"}"#
    );
    assert_eq!(
        Value::Object(request.context_extra).to_string(),
        r#"{"desk":"eq"}"#
    );
}

#[test]
fn names_the_missing_member() {
    check("{}", Code::MissingMember, "order");
    check(
        &with(r#","context":{"client_id":"c5"}"#, ""),
        Code::MissingMember,
        "context",
    );
    check(
        &with(r#""client_id":"c5""#, ""),
        Code::MissingMember,
        "context.client_id",
    );
    check(&with(r#""qty":100,"#, ""), Code::MissingMember, "order.qty");
    check(
        &with(r#","price":185.50"#, ""),
        Code::MissingMember,
        "order.price",
    );
    check(
        &with(r#""side":"BUY","#, ""),
        Code::MissingMember,
        "order.side",
    );
    check(
        &with(r#""symbol":"AAPL","#, ""),
        Code::MissingMember,
        "order.symbol",
    );
    check(
        &with(r#""client_order_id":"o-1","#, ""),
        Code::MissingMember,
        "order.client_order_id",
    );
}

#[test]
fn names_the_duplicate_member_at_every_depth() {
    check(
        &with(r#""qty":100"#, r#""qty":100,"qty":100"#),
        Code::DuplicateMember,
        "order.qty",
    );
    check(
        &with(r#""qty":100"#, r#""qty":100,"\u0071ty":1"#),
        Code::DuplicateMember,
        "order.qty",
    );
    check(
        &with(r#""qty":100"#, r#""\u0071ty":1,"qty":100"#),
        Code::DuplicateMember,
        "order.qty",
    );
    check(
        &with(r#""qty":100"#, r#""qty":100,"x":1,"x":1"#),
        Code::DuplicateMember,
        "order.x",
    );
    check(
        &with(r#""qty":100"#, r#""qty":100,"x":{"y":1,"y":2}"#),
        Code::DuplicateMember,
        "order.x",
    );
    check(
        &with(r#""context":"#, r#""context":{},"context":"#),
        Code::DuplicateMember,
        "context",
    );
    check(
        &with(r#"{"client_id":"c5"}"#, r#"{"client_id":"c5"},"order":{}"#),
        Code::DuplicateMember,
        "order",
    );
    check(
        &with(
            r#""client_id":"c5""#,
            r#""client_id":"c5","client_id":"c6""#,
        ),
        Code::DuplicateMember,
        "context.client_id",
    );
}

#[test]
fn names_the_invalid_member() {
    for (value, member) in [
        (r#""qty":0"#, "order.qty"),
        (r#""qty":-1"#, "order.qty"),
        (r#""qty":"-1""#, "order.qty"),
        (r#""qty":"""#, "order.qty"),
        (r#""qty":"1e""#, "order.qty"),
        (r#""qty":" 1""#, "order.qty"),
        (r#""qty":null"#, "order.qty"),
        (r#""qty":true"#, "order.qty"),
        (r#""qty":[1]"#, "order.qty"),
        (r#""qty":1e400"#, "order.qty"),
        (r#""qty":0.0000000001"#, "order.qty"),
    ] {
        check(&with(r#""qty":100"#, value), Code::InvalidMember, member);
    }
    check(
        &with("185.50", "1234567890123456789"),
        Code::InvalidMember,
        "order.price",
    );
    check(
        &with("185.50", "12345678901.23456789"),
        Code::InvalidMember,
        "order.price",
    );
    check(&with("185.50", "0.00"), Code::InvalidMember, "order.price");
    check(
        &with(r#""BUY""#, r#""HOLD""#),
        Code::InvalidMember,
        "order.side",
    );
    check(&with(r#""BUY""#, "1"), Code::InvalidMember, "order.side");
    check(
        &with(r#""AAPL""#, r#""""#),
        Code::InvalidMember,
        "order.symbol",
    );
    check(
        &with(r#""o-1""#, r#""a\nb""#),
        Code::InvalidMember,
        "order.client_order_id",
    );
    check(
        &with(r#""o-1""#, r#""\ud800""#),
        Code::InvalidMember,
        "order.client_order_id",
    );
    check(
        &with(r#""c5""#, "5"),
        Code::InvalidMember,
        "context.client_id",
    );
    check(
        &with(r#"{"client_id":"c5"}"#, "[]"),
        Code::InvalidMember,
        "context",
    );
    check(
        r#"{"order":7,"context":{"client_id":"c5"}}"#,
        Code::InvalidMember,
        "order",
    );
    for beyond in [
        "9007199254740993",
        "-9007199254740992",
        "18446744073709551616",
        "-100000000000000000001",
    ] {
        let extra = format!(r#""qty":100,"x":{{"y":[{beyond}]}}"#);
        check(
            &with(r#""qty":100"#, &extra),
            Code::InvalidMember,
            "order.x",
        );
    }
    check("[]", Code::InvalidMember, "");
    check("null", Code::InvalidMember, "");
}

#[test]
fn refuses_an_unknown_member_beside_order_and_context() {
    check(
        &with(r#"{"order""#, r#"{"exposure":{},"order""#),
        Code::UnknownMember,
        "exposure",
    );
    check(
        &with(r#""context""#, r#""contxt""#),
        Code::UnknownMember,
        "contxt",
    );
}

#[test]
fn names_what_must_be_an_object() {
    for (body, member) in [
        ("[]", ""),
        ("7", ""),
        (r#"{"order":[]}"#, "order"),
        (r#"{"order":"x"}"#, "order"),
        (r#"{"order":null,"context":{}}"#, "order"),
        (r#"{"order":1e999}"#, "order"),
        (r#"{"order":"\ud800"}"#, "order"),
    ] {
        check(body, Code::InvalidMember, member);
    }
    let context = with(r#"{"client_id":"c5"}"#, r#""c5""#);
    check(&context, Code::InvalidMember, "context");
}

#[test]
fn refuses_what_is_not_json() {
    for body in [
        "",
        "{",
        "{]",
        "not json",
        "{\"order\":}",
        "{}x",
        "{'a':1}",
        "\u{feff}{}",
        r#"{"order":{"qty":1"#,
        r#"{"order":{},"context":{}"#,
        r#"{"order":{"qty":nul}}"#,
        // A name that is not Unicode text.
        r#"{"\ud800":1}"#,
        r#"{"order":{"\ud800":1}}"#,
        // Malformed JSON, whatever else is wrong.
        r#"{"order":[1,}"#,
        r#"{"order":{"qty":0,"x":}}"#,
        r#"{"order":{"qty":0}"#,
        r#"{"ordr":{}} x"#,
    ] {
        check(body, Code::MalformedJson, "");
    }
    let not_utf8 = AuthorizeRequest::parse(b"{\"order\":\"\xff\"}").unwrap_err();
    assert_eq!(not_utf8.code(), Code::MalformedJson);
    let deep = format!("{{\"order\":{}{}}}", "[".repeat(8_000), "]".repeat(8_000));
    assert!(AuthorizeRequest::parse(deep.as_bytes()).is_err());
}

#[test]
fn reads_a_release() {
    let body = br#"{"client_id":"c5","client_order_id":"o-1","reason":"canceled","qty":"2.5"}"#;
    let release = ReleaseRequest::parse(body).unwrap();
    assert_eq!(release.client_id.as_str(), "c5");
    assert_eq!(release.client_order_id.as_str(), "o-1");
    assert_eq!(release.reason, "canceled");
    assert_eq!(release.qty, Some(Qty::parse("2.5").unwrap()));
}

#[test]
fn names_what_is_wrong_with_a_release() {
    let check = |body: &str, code, member: &str| {
        let problem = ReleaseRequest::parse(body.as_bytes()).unwrap_err();
        assert_eq!(
            (problem.code(), problem.member().unwrap_or("")),
            (code, member),
            "{body}"
        );
    };
    check(
        r#"{"client_id":"c","client_order_id":"o"}"#,
        Code::MissingMember,
        "reason",
    );
    check(
        r#"{"client_id":"c","reason":"x"}"#,
        Code::MissingMember,
        "client_order_id",
    );
    check(
        r#"{"client_id":"c","client_order_id":"o","reason":"x","quantity":1}"#,
        Code::UnknownMember,
        "quantity",
    );
    check(
        r#"{"client_id":"c","client_order_id":"o","reason":"","qty":1}"#,
        Code::InvalidMember,
        "reason",
    );
    check(
        r#"{"client_id":"c","client_order_id":"o","reason":"x","qty":0}"#,
        Code::InvalidMember,
        "qty",
    );
}

#[test]
fn reads_a_fill_and_names_what_is_missing() {
    let body = r#"{"client_id":"c","client_order_id":"o","exec_id":"e","qty":1,"price":"185.55"}"#;
    let fill = FillRequest::parse(body.as_bytes()).unwrap();
    assert_eq!(
        (fill.exec_id.as_str(), fill.price.to_string().as_str()),
        ("e", "185.55")
    );
    let problem = FillRequest::parse(body.replace(r#""exec_id":"e","#, "").as_bytes()).unwrap_err();
    assert_eq!(
        (problem.code(), problem.member()),
        (Code::MissingMember, Some("exec_id"))
    );
}

#[test]
fn reads_a_kill_switch_and_names_what_is_wrong() {
    let all = KillRequest::parse(br#"{"on":true,"actor":"ops","reason":"drill"}"#).unwrap();
    assert!(matches!(all.scope, KillTarget::All) && all.on);
    let body = br#"{"on":false,"actor":"ops","reason":"drill","symbol":"AAPL"}"#;
    let one = KillRequest::parse(body).unwrap();
    assert!(matches!(one.scope, KillTarget::Symbol(symbol) if symbol.as_str() == "AAPL"));
    for (body, code, member) in [
        (
            r#"{"on":1,"actor":"a","reason":"r"}"#,
            Code::InvalidMember,
            "on",
        ),
        (r#"{"on":true,"reason":"r"}"#, Code::MissingMember, "actor"),
        (r#"{"actor":"a","reason":"r"}"#, Code::MissingMember, "on"),
        (
            r#"{"on":true,"actor":"a","reason":"r","client_id":"c","symbol":"s"}"#,
            Code::InvalidMember,
            "symbol",
        ),
        (
            r#"{"on":true,"actor":"a","reason":"r","client":"c"}"#,
            Code::UnknownMember,
            "client",
        ),
    ] {
        let problem = KillRequest::parse(body.as_bytes()).unwrap_err();
        assert_eq!(
            (problem.code(), problem.member()),
            (code, Some(member)),
            "{body}"
        );
    }
}
