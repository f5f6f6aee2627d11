//! OPA's Data API: what it answers, and how much.

use serde_json::json;

use crate::client::assert_problem;
use crate::sidecar::{Sidecar, authorize, builtin_bundle, fresh, order, rego_bundle};

#[test]
fn an_answer_of_the_data_api_has_an_end() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = builtin_bundle(dir.path(), "large", "1000");
    let symbols: serde_json::Map<_, _> = (0..60_000)
        .map(|n| (format!("SYMBOL-{n:05}"), json!(true)))
        .collect();
    let data = json!({"limits": {"default": {}}, "restricted_symbols": symbols});
    std::fs::write(bundle.join("data.json"), data.to_string()).unwrap();
    let flags = ["--bundle", bundle.to_str().unwrap()];
    let sidecar = Sidecar::start(&dir.path().join("data"), &flags);
    let mut client = sidecar.client();
    let whole = client.get("/v1/data");
    assert_problem(&whole, 500, "query_failed", None);
    let part = client.get("/v1/data/restricted_symbols/SYMBOL-00007");
    assert_eq!(part.json(), json!({"result": true}));
}

#[test]
fn the_data_api_answers_as_opa_does() {
    let (sidecar, _dir) = fresh(&[]);
    let mut client = sidecar.client();
    let limit = client
        .post("/v1/data/limits/default/max_order_qty", "{}")
        .json();
    assert_eq!(limit, json!({"result": "10000"}));
    assert_eq!(
        client.post("/v1/data/no/such/document", "{}").json(),
        json!({})
    );
    let input = r#"{"input":{"order":{},"context":{}}}"#;
    let decision = client.post("/v1/data/gate/decision", input).json();
    assert_eq!(decision["result"]["allow"], false, "{decision}");
    // GET, with the input in the query.
    let limit = client.get("/v1/data/limits/default/max_order_qty?pretty=true");
    assert_eq!(limit.json(), json!({"result": "10000"}));
    let query = "/v1/data/gate/decision?input=%7B%22order%22%3A%7B%7D%2C%22context%22%3A%7B%7D%7D";
    assert_eq!(client.get(query).json(), decision);
    let wrong = client.get("/v1/data/gate/decision?input=%7B");
    assert_problem(&wrong, 400, "malformed_json", None);
    // It is all of one value, and given once.
    let more = client.get("/v1/data/gate/decision?input=null,%22x%22:1");
    assert_problem(&more, 400, "malformed_json", None);
    let twice = client.get("/v1/data/gate/decision?input=1&input=2");
    assert_problem(&twice, 400, "duplicate_member", Some("input"));
    let long = format!("/v1/data/gate/decision?input=%22{}%22", "x".repeat(17_000));
    assert_problem(&client.get(&long), 413, "body_too_large", None);
}

/// Each part of a path is decoded by itself.
#[test]
fn a_part_of_a_path_may_have_a_slash_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = builtin_bundle(dir.path(), "parts", "1000");
    let names = ["a/b", "a+b", "50%", "a b", "é", "a%2Fb"];
    let clients: serde_json::Map<_, _> = names
        .iter()
        .map(|name| ((*name).to_owned(), json!({"max_exposure": "7"})))
        .collect();
    let data = json!({"limits": {"default": {}, "clients": clients}});
    std::fs::write(bundle.join("data.json"), data.to_string()).unwrap();
    let flags = ["--bundle", bundle.to_str().unwrap()];
    let sidecar = Sidecar::start(&dir.path().join("data"), &flags);
    let mut client = sidecar.client();
    for path in [
        "a%2Fb", "a%2fb", "a%2Bb", "a+b", "50%25", "a%20b", "%C3%A9", "a%252Fb",
    ] {
        let path = format!("/v1/data/limits/clients/{path}/max_exposure");
        assert_eq!(client.get(&path).json(), json!({"result": "7"}), "{path}");
    }
    let wrong = client.get("/v1/data/limits/clients/%ff/max_exposure");
    assert_problem(&wrong, 422, "invalid_member", Some("path"));
}

/// Queries to the policy wait behind one another, and no order waits behind them.
#[test]
fn questions_beyond_their_limit_are_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = rego_bundle(dir.path(), "r", "1000000");
    let slow = (0..150)
        .map(|n| format!("slow_{n} := count([x | some x in numbers.range({n}, input.to)])\n"))
        .collect::<String>();
    let rego = std::fs::read_to_string(bundle.join("policy.rego")).unwrap() + &slow;
    std::fs::write(bundle.join("policy.rego"), rego).unwrap();
    let bundle = bundle.to_str().unwrap();
    let flags = [
        "--bundle",
        bundle,
        "--set",
        "workers=1",
        "--set",
        "max_queries=8",
    ];
    let sidecar = Sidecar::start(&dir.path().join("data"), &flags);

    let ask = "POST /v1/data/gate HTTP/1.1\r\nhost: gate\r\ncontent-type: application/json\r\n\
               content-length: 21\r\n\r\n{\"input\":{\"to\":2000}}";
    let mut askers: Vec<_> = (0..40).map(|_| sidecar.client()).collect();
    for asker in &mut askers {
        asker.write(ask.as_bytes());
    }
    let taken = authorize(&mut sidecar.client(), &order("c1", "o-1", 1, "185.00"));
    assert_eq!(taken.json()["status"], "AUTHORIZED");
    let replies: Vec<_> = askers
        .iter_mut()
        .map(|asker| asker.read_reply().unwrap())
        .collect();
    let (refused, answered): (Vec<_>, Vec<_>) =
        replies.iter().partition(|reply| reply.status == 503);
    assert!(answered.len() >= 8, "{} of 40", answered.len());
    assert!(!refused.is_empty());
    for reply in refused {
        assert_eq!(reply.json()["code"], "overloaded", "{reply:?}");
        assert!(reply.header("retry-after").is_some());
    }
    // Together, these rules need more than one evaluation may take.
    for reply in answered {
        assert_eq!(reply.json()["code"], "query_failed", "{reply:?}");
        let detail = reply.json()["detail"].to_string();
        assert!(detail.contains("ran into its limit"), "{detail}");
    }
    let metrics = sidecar.metrics();
    assert!(
        metrics.contains("\ngate_queries_in_flight 0\n"),
        "{metrics}"
    );
}
