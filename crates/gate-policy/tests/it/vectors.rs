//! Decision vectors of a bundle, and the order form they are written in.

use gate_policy::{Bundle, Engine, activate};

fn check(vectors: &str, expected: &str) {
    for engine in [Engine::Builtin, Engine::Rego] {
        let data = include_str!("../../bundles/pretrade/data.json");
        let mut files = vec![("data.json", data), ("a_vectors.json", vectors)];
        if engine == Engine::Rego {
            files.push((
                "p.rego",
                include_str!("../../bundles/pretrade/pretrade.rego"),
            ));
        }
        let shown = match activate(&Bundle::from_files(files).unwrap()) {
            Ok(_) => "in force".to_owned(),
            Err(error) => error.to_string(),
        };
        assert!(shown.contains(expected), "{engine}: {shown}");
    }
}

fn vector(qty: &str, expect: &str) -> String {
    format!(
        r#"[{{"description":"one","input":{{"order":{{"client_order_id":"o","symbol":"AAPL",
            "side":"BUY","qty":{qty},"price":"185.5","tif":"DAY"}},"context":{{"client_id":"c5"}},
            "exposure":{{"reserved":"10.5"}}}},"expect":{expect}}}]"#
    )
}

#[test]
fn vectors_are_judged_on_both_engines() {
    check(&vector("1005", r#"{"allow":true}"#), "in force");
    check(
        &vector("1006", r#"{"allow":false,"reasons":["max_order_qty"]}"#),
        "in force",
    );
    check(
        &vector("1006", r#"{"allow":true}"#),
        "a_vectors.json: one: expected allow [], got block [max_order_qty]",
    );
    check(
        &vector("1006", r#"{"allow":false,"reasons":["order_rate"]}"#),
        "expected block [order_rate], got block [max_order_qty]",
    );
}

#[test]
fn a_vector_that_cannot_be_read_refuses_the_bundle() {
    check("{}", "a_vectors.json: not a list of decision vectors");
    check(
        &vector("0", r#"{"allow":true}"#),
        "`order.qty` must be greater than zero",
    );
    check(&vector("1", r#"{"alow":true}"#), "unknown field `alow`");
}
