//! The HTTP contract: what a caller gets for the right request and for each wrong one.

use std::collections::BTreeSet;

use serde_json::json;

use crate::client::{Reply, assert_problem};
use crate::sidecar::{authorize, fresh, order};

#[test]
fn the_documented_order_is_authorized_and_held() {
    let (sidecar, _dir) = fresh(&[]);
    let reply = authorize(&mut sidecar.client(), &order("c5", "o-1", 100, "185.50"));
    let body = reply.json();
    assert_eq!(reply.status, 200, "{body}");
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(body["status"], "AUTHORIZED");
    assert_eq!(body["reasons"], json!([]));
    assert_eq!(body["replayed"], false);
    for segment in ["parse", "policy", "state", "sign", "total"] {
        assert!(
            body["timing_ms"][segment].as_f64().unwrap() >= 0.0,
            "{body}"
        );
    }
    let payload = &body["decision_token"]["payload"];
    assert_eq!(payload["jti"], body["trace_id"]);
    assert_eq!(payload["notional"], "18550");
    assert_eq!(payload["client_order_id"], "o-1");
    assert_eq!(payload["typ"], "gate-decision+v1");

    let exposure = sidecar.exposure("c5");
    assert_eq!(exposure["reserved"], "18550", "{exposure}");
    assert_eq!(exposure["gross"], "18550");
    assert_eq!(exposure["filled"], "0");
    assert_eq!(exposure["open_orders"], 1);
    assert_eq!(exposure["limit"], "5000000");
    assert_eq!(exposure["headroom"], "4981450");
}

#[test]
fn a_broken_rule_blocks_with_its_reasons_and_holds_nothing() {
    let (sidecar, _dir) = fresh(&[]);
    let mut client = sidecar.client();
    let restricted = order("c1", "o-1", 100, "185.50").replace("AAPL", "GME");
    for (body, reason) in [
        (restricted, "restricted_symbol"),
        (order("bad1", "o-1", 100, "185.50"), "client_suspended"),
        (order("c1", "o-2", 100_000, "185.50"), "max_order_qty"),
        (order("c1", "o-3", 1, "300"), "price_collar"),
    ] {
        let body = authorize(&mut client, &body).json();
        assert_eq!(body["status"], "BLOCKED", "{body}");
        let reasons = body["reasons"].as_array().unwrap();
        assert!(reasons.contains(&json!(reason)), "{body}");
        assert_eq!(
            body["decision_token"]["payload"]["reasons"],
            body["reasons"]
        );
    }
    assert_eq!(sidecar.exposure("c1")["gross"], "0");
    assert_eq!(sidecar.exposure("bad1")["gross"], "0");
}

#[test]
fn every_wrong_body_is_named_and_moves_nothing() {
    let (sidecar, _dir) = fresh(&[]);
    let good = order("c1", "o-1", 100, "185.50");
    let with = |from: &str, to: &str| good.replacen(from, to, 1);
    let mut client = sidecar.client();
    for (body, status, code, member) in [
        (good.replace('}', ""), 400, "malformed_json", None),
        (
            with("\"qty\":100", "\"qty\":100,\"qty\":1"),
            400,
            "duplicate_member",
            Some("order.qty"),
        ),
        (
            with("\"qty\":100,", ""),
            422,
            "missing_member",
            Some("order.qty"),
        ),
        (
            with("\"qty\":100", "\"qty\":0"),
            422,
            "invalid_member",
            Some("order.qty"),
        ),
        (
            with("\"qty\":100", "\"qty\":-5"),
            422,
            "invalid_member",
            Some("order.qty"),
        ),
        (
            with("185.50", "1234567890.123456789"),
            422,
            "invalid_member",
            Some("order.price"),
        ),
        (
            with("BUY", "HOLD"),
            422,
            "invalid_member",
            Some("order.side"),
        ),
        (
            with("\"order\"", "\"ordr\""),
            422,
            "unknown_member",
            Some("ordr"),
        ),
    ] {
        assert_problem(&client.post("/v1/authorize", &body), status, code, member);
    }
    assert_eq!(sidecar.exposure("c1")["gross"], "0");
    assert_eq!(authorize(&mut client, &good).json()["status"], "AUTHORIZED");
}

#[test]
fn a_large_body_is_refused_and_the_service_stays_up() {
    let (sidecar, _dir) = fresh(&[]);
    let large = format!("{{\"order\":\"{}\"}}", "x".repeat(1_000_000));
    assert_problem(
        &sidecar.client().post("/v1/authorize", &large),
        413,
        "body_too_large",
        None,
    );
    let just_over = "x".repeat(16 * 1024 + 1);
    let reply = sidecar.client().post("/v1/authorize", &just_over);
    assert_problem(&reply, 413, "body_too_large", None);
    let at_limit = "x".repeat(16 * 1024);
    let reply = sidecar.client().post("/v1/authorize", &at_limit);
    assert_problem(&reply, 400, "malformed_json", None);
    assert_eq!(sidecar.client().get("/health").status, 200);
}

#[test]
fn a_wrong_content_type_is_refused() {
    let (sidecar, _dir) = fresh(&[]);
    let body = order("c1", "o-1", 1, "185.50");
    for headers in [&[("content-type", "text/plain")][..], &[]] {
        let reply = sidecar
            .client()
            .send("POST", "/v1/authorize", headers, body.as_bytes());
        assert_problem(&reply.unwrap(), 415, "unsupported_media_type", None);
    }
    let json = ("content-type", "application/json");
    let (identity, gzip) = (
        ("content-encoding", "identity"),
        ("content-encoding", "gzip"),
    );
    for coded in [&[json, gzip][..], &[json, identity, gzip]] {
        let reply = sidecar
            .client()
            .send("POST", "/v1/authorize", coded, body.as_bytes());
        assert_problem(&reply.unwrap(), 415, "unsupported_media_type", None);
    }
    assert_eq!(sidecar.exposure("c1")["open_orders"], 0);
    let json = [("content-type", "Application/JSON; charset=utf-8")];
    let reply = sidecar
        .client()
        .send("POST", "/v1/authorize", &json, body.as_bytes())
        .unwrap();
    assert_eq!(reply.status, 200);
}

/// A misspelt `order` must not pass for a check of that order.
#[test]
fn verify_knows_its_members_and_no_others() {
    let (sidecar, _dir) = fresh(&[]);
    let reply = authorize(&mut sidecar.client(), &order("c1", "o-1", 1, "185.50")).json();
    let asked = |key: &str| {
        let body = serde_json::json!({"token": reply["decision_token"], key: {"symbol": "X"}});
        sidecar.client().post("/v1/verify", &body.to_string())
    };
    assert_problem(&asked("oder"), 422, "unknown_member", Some("oder"));
    // Spelt right it is read; this object is no order.
    assert_problem(&asked("order"), 422, "invalid_member", Some("order"));
}

/// The router would decode it to another client's name.
#[test]
fn a_name_in_a_path_is_text_or_refused() {
    let (sidecar, _dir) = fresh(&[]);
    let mut client = sidecar.client();
    for path in [
        "/v1/exposure/%ff",
        "/v1/exposure/%zz",
        "/v1/exposure/a%2",
        "/v1/orders/%ff/o-1",
    ] {
        let refused = client.get(path);
        assert_problem(&refused, 422, "invalid_member", Some("client_id"));
    }
    let refused = sidecar.admin().get("/v1/positions/%c3");
    assert_problem(&refused, 422, "invalid_member", Some("client_id"));
    let taken = client.get("/v1/exposure/a%2Fb%25%C3%A9").json();
    assert_eq!(taken["client_id"], "a/b%é", "{taken}");
}

#[test]
fn a_wrong_path_or_method_is_a_problem_too() {
    let (sidecar, _dir) = fresh(&[]);
    let mut client = sidecar.client();
    assert_problem(&client.get("/v1/nothing"), 404, "not_found", None);
    let allowed = |reply: &Reply| reply.header("allow").map(str::to_owned);
    assert_eq!(allowed(&client.get("/v1/authorize")).unwrap(), "POST");
    // A body that nobody reads ends its connection, so this takes one of its own.
    let refused = sidecar.client().post("/v1/policy", "{}");
    assert_eq!(allowed(&refused).unwrap(), "GET, HEAD");
    let data = sidecar
        .client()
        .send("DELETE", "/v1/data/gate", &[], b"")
        .unwrap();
    assert_eq!(allowed(&data).unwrap(), "GET, HEAD, POST");
    assert_problem(
        &client.get("/v1/authorize"),
        405,
        "method_not_allowed",
        None,
    );
    assert_problem(
        &client.post("/health", "{}"),
        405,
        "method_not_allowed",
        None,
    );
}

#[test]
fn a_head_is_a_get_without_the_body() {
    let (sidecar, _dir) = fresh(&[]);
    for path in ["/health", "/v1/policy", "/v1/exposure/c1"] {
        // The reply's head announces a body that does not come, so one connection for each.
        let mut client = sidecar.client();
        client.write(
            format!("HEAD {path} HTTP/1.1\r\nhost: gate\r\nconnection: close\r\n\r\n").as_bytes(),
        );
        let all = client.read_to_end();
        let (head, body) = all.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{path}: {head}");
        assert_eq!(body, "", "{path}");
        let length = sidecar.client().get(path).body.len();
        let announced = format!("content-length: {length}");
        assert!(
            head.contains(&announced),
            "{path}: no {announced} in {head}"
        );
    }
    let mut ready = sidecar.admin();
    ready.write(b"HEAD /ready HTTP/1.1\r\nhost: gate\r\nconnection: close\r\n\r\n");
    assert!(ready.read_to_end().starts_with("HTTP/1.1 200"));
}

#[test]
fn a_release_frees_the_hold_once() {
    let (sidecar, _dir) = fresh(&[]);
    let mut client = sidecar.client();
    authorize(&mut client, &order("c1", "o-1", 100, "185.50"));
    let part = r#"{"client_id":"c1","client_order_id":"o-1","reason":"canceled","qty":40}"#;
    assert_eq!(client.post("/v1/release", part).status, 200);
    assert_eq!(sidecar.exposure("c1")["reserved"], "11130");
    let whole = r#"{"client_id":"c1","client_order_id":"o-1","reason":"canceled"}"#;
    for _ in 0..2 {
        assert_eq!(client.post("/v1/release", whole).status, 200);
        let exposure = sidecar.exposure("c1");
        assert_eq!(
            (&exposure["reserved"], &exposure["open_orders"]),
            (&json!("0"), &json!(0))
        );
    }
    let unknown = r#"{"client_id":"c1","client_order_id":"o-9","reason":"canceled"}"#;
    assert_problem(
        &client.post("/v1/release", unknown),
        404,
        "unknown_order",
        None,
    );
}

#[test]
fn the_policy_in_force_is_named() {
    let (sidecar, _dir) = fresh(&[]);
    let policy = sidecar.client().get("/v1/policy").json();
    let payload = authorize(&mut sidecar.client(), &order("c1", "o-1", 1, "185.50")).json();
    let payload = &payload["decision_token"]["payload"];
    assert_eq!(policy["revision"], payload["policy_revision"]);
    assert_eq!(policy["hash"], payload["policy_hash"]);
    assert_eq!(policy["hash"].as_str().unwrap().len(), 64);
}

#[test]
fn a_fill_turns_hold_into_filled_exposure_once_and_is_never_refused_for_being_late() {
    let (sidecar, _dir) = fresh(&[]);
    let mut client = sidecar.client();
    authorize(&mut client, &order("c1", "o-1", 100, "185.50"));
    let fill = |exec: &str, qty: u64| {
        format!(
            r#"{{"client_id":"c1","client_order_id":"o-1","exec_id":"{exec}","qty":{qty},"price":185}}"#
        )
    };
    let first = client.post("/v1/fill", &fill("e-1", 60)).json();
    assert_eq!(first["changed"], true, "{first}");
    for _ in 0..2 {
        // 60 × 185 filled; 40 of 100 still held at 185.50.
        let exposure = sidecar.exposure("c1");
        assert_eq!(
            (&exposure["filled"], &exposure["reserved"]),
            (&json!("11100"), &json!("7420"))
        );
        assert_eq!(
            client.post("/v1/fill", &fill("e-1", 60)).json()["changed"],
            false
        );
    }
    assert_problem(
        &client.post("/v1/fill", &fill("e-1", 61)),
        409,
        "order_conflict",
        Some("exec_id"),
    );

    client.post(
        "/v1/release",
        r#"{"client_id":"c1","client_order_id":"o-1","reason":"canceled"}"#,
    );
    let late = client.post("/v1/fill", &fill("e-2", 50)).json();
    assert_eq!(
        (&late["late"], &late["over"]),
        (&json!(true), &json!(true)),
        "{late}"
    );
    let exposure = sidecar.exposure("c1");
    assert_eq!(
        (&exposure["filled"], &exposure["reserved"]),
        (&json!("20350"), &json!("0"))
    );
    let shown = client.get("/v1/orders/c1/o-1").json();
    assert_eq!(shown["order"]["filled"], "110", "{shown}");
    assert_eq!(shown["decision"]["status"], "AUTHORIZED");
    assert_problem(&client.get("/v1/orders/c1/o-9"), 404, "unknown_order", None);
    let metrics = sidecar.metrics();
    for (what, count) in [
        ("release", 1),
        ("fill", 1),
        ("late_fill", 0),
        ("over_fill", 1),
    ] {
        let line = format!("\ngate_changes_total{{what=\"{what}\"}} {count}\n");
        assert!(metrics.contains(&line), "{line}: {metrics}");
    }
}

#[test]
fn openapi_names_every_method_of_every_path_it_names() {
    let (sidecar, _dir) = fresh(&[]);
    let (mut public, mut admin) = (sidecar.client(), sidecar.admin());
    let openapi = admin.get("/openapi.json").json();
    for (path, operations) in openapi["paths"].as_object().unwrap() {
        let operations = operations.as_object().unwrap();
        let is_admin = operations.values().any(|operation| {
            let summary = operation["summary"].as_str();
            summary.is_some_and(|summary| summary.starts_with("Admin:"))
        });
        let client = if is_admin { &mut admin } else { &mut public };
        let plain = path.replace(['{', '}'], "");
        let refused = client.send("DELETE", &plain, &[], b"").unwrap();
        assert_eq!(refused.status, 405, "{path}");
        let allowed = refused.header("allow").unwrap().to_lowercase();
        let served: BTreeSet<&str> = allowed.split(", ").filter(|name| *name != "head").collect();
        let named: BTreeSet<&str> = operations.keys().map(String::as_str).collect();
        assert_eq!(served, named, "{path}");
    }
}
