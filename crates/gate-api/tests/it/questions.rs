//! Verifying a token, and OPA's Data API.

use gate_api::{Code, Problem};
use gate_policy::Engine;
use serde_json::{Value, json};

use crate::rig::{order, rig};

/// The same codes as for an order's body.
#[test]
fn a_question_that_is_no_strict_json_is_told_why_by_its_code() {
    let rig = rig(Engine::Rego);
    let code = |outcome: Result<Vec<u8>, Problem>| outcome.unwrap_err().code();
    let verify = |body: &str| code(rig.gate.verify(body.as_bytes()));
    assert_eq!(verify(r#"{"token":1,"token":2}"#), Code::DuplicateMember);
    let inside = r#"{"token":{},"order":{"qty":1,"qty":2}}"#;
    assert_eq!(verify(inside), Code::DuplicateMember);
    assert_eq!(verify(r#"{"token":"#), Code::MalformedJson);
    let large = r#"{"token":{},"order":{"x":9007199254740993}}"#;
    assert_eq!(verify(large), Code::InvalidMember);
    let query = |body: &str| code(rig.gate.query(&["gate"], body.as_bytes()));
    assert_eq!(query(r#"{"input":1,"input":2}"#), Code::DuplicateMember);
    assert_eq!(query(r#"{"input"}"#), Code::MalformedJson);
}

#[test]
fn verify_answers_for_token_and_order() {
    let rig = rig(Engine::Builtin);
    let reply = rig.authorize(&order("o-1", "1", "185.55"));
    let ask = |token: &Value, price: &str| {
        let order = format!(
            r#"{{"client_order_id":"o-1","symbol":"AAPL","side":"BUY","qty":1,"price":{price}}}"#
        );
        let body = format!(r#"{{"token":{token},"order":{order}}}"#);
        let answer = rig.gate.verify(body.as_bytes()).unwrap();
        serde_json::from_slice::<Value>(&answer).unwrap()
    };
    let token = &reply["decision_token"];
    assert_eq!(ask(token, "185.550")["valid"], true);
    assert_eq!(ask(token, "185.56")["reason"], "wrong_order");
    let mut changed = token.clone();
    changed["payload"]["notional"] = json!("1");
    assert_eq!(ask(&changed, "185.55")["reason"], "bad_signature");
    rig.clock.advance_ns(61_000_000_000);
    assert_eq!(ask(token, "185.55")["reason"], "expired");
}
