//! The pipeline from bytes to a verified token, and what it must refuse.

use std::sync::Arc;

use gate_api::{Code, Gate, Problem, Settings, SetupError, TokenForm};
use gate_policy::{Bundle, Engine, Policy, PolicyIdentity, PolicyInput, QueryError, Verdict};
use gate_state::{Ledger, LedgerConfig};
use gate_token::{Claims, Expectations, KeyRing, Status};
use gate_types::{ClientId, Clock, ContractSize, ManualClock, Notional, OrderId, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

const NOW_S: u64 = 1_768_545_650;

struct Rig {
    gate: Gate,
    keys: Arc<KeyRing>,
    clock: Arc<ManualClock>,
    dir: TempDir,
}

fn rig_with(policy: Arc<dyn Policy>) -> Rig {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(Timestamp::from_unix_seconds(NOW_S)));
    let ledger = Ledger::open(LedgerConfig::new(dir.path()), clock.clone()).unwrap();
    let keys = Arc::new(KeyRing::generate("k1").unwrap());
    let settings = Settings {
        issuer: "gate".into(),
        audience: "venue".into(),
        token_ttl_s: 60,
    };
    let gate = Gate::new(ledger, policy, keys.clone(), settings, clock.clone()).unwrap();
    Rig {
        gate,
        keys,
        clock,
        dir,
    }
}

fn rig(engine: Engine) -> Rig {
    rig_with(gate_policy::activate(&Bundle::sample(engine).unwrap()).unwrap())
}

fn order(order_id: &str, qty: &str, price: &str) -> String {
    format!(
        r#"{{"order":{{"client_order_id":"{order_id}","symbol":"AAPL","side":"BUY","qty":{qty},"price":{price}}},"context":{{"client_id":"c1"}}}}"#
    )
}

impl Rig {
    fn authorize(&self, body: &str) -> Value {
        let reply = self
            .gate
            .authorize_blocking(body.as_bytes(), TokenForm::Object)
            .unwrap();
        serde_json::from_slice(&reply).unwrap()
    }

    fn verify(&self, reply: &Value) -> Claims<'static> {
        let token = reply["decision_token"].to_string();
        let now_s = self.clock.now().unix_seconds();
        let expect = Expectations {
            aud: "venue",
            now_s,
            leeway_s: 0,
        };
        gate_token::verify(token.as_bytes(), &self.keys, &expect).unwrap()
    }

    fn gross(&self) -> String {
        let client = ClientId::new("c1").unwrap();
        self.gate.ledger().exposure(&client).gross.to_string()
    }
}

/// A contract size removed from the policy does not shrink what orders decided before put at risk.
#[test]
fn a_fill_counts_by_the_contract_size_its_order_was_decided_with() {
    let policy = |size: Option<&str>| {
        let sizes = size.map_or(json!({}), |size| json!({"F": {"contract_size": size}}));
        let data = json!({"limits": {"default": {"max_exposure": "1000"}}, "instruments": sizes});
        let manifest = r#"{"revision":"r","metadata":{"engine":"builtin"}}"#;
        let files = [
            ("data.json", data.to_string()),
            (".manifest", manifest.to_owned()),
        ];
        gate_policy::activate(&Bundle::from_files(files).unwrap()).unwrap()
    };
    let rig = rig_with(policy(Some("3")));
    let order = |id: &str| order(id, "30", "1").replace("AAPL", "F");
    let fill = |id: &str| {
        let fill = format!(
            r#"{{"client_id":"c1","client_order_id":"{id}","exec_id":"e","qty":20,"price":"1.5"}}"#
        );
        let applied = rig.gate.fill(fill.as_bytes()).unwrap();
        rig.gate.ledger().wait(applied.wait_for()).unwrap();
        let reply: Value = serde_json::from_slice(&rig.gate.answer(applied).unwrap()).unwrap();
        reply["exposure"]["filled"].clone()
    };
    for id in ["o-1", "o-2", "o-3"] {
        assert_eq!(rig.authorize(&order(id))["status"], "AUTHORIZED");
    }
    assert_eq!(fill("o-1"), "90");
    for (id, size, filled) in [("o-2", None, "180"), ("o-3", Some("7"), "270")] {
        rig.gate.change(policy(size), rig.keys.clone()).unwrap();
        assert_eq!(fill(id), filled, "now {size:?}");
    }
}

/// Without a wait for the commit there is no token.
#[test]
fn no_reply_leaves_before_its_record_is_on_the_disk() {
    let rig = rig(Engine::Builtin);
    let ledger = rig.gate.ledger();
    let decided = rig
        .gate
        .authorize(order("o-1", "1", "1").as_bytes(), TokenForm::Object);
    ledger.wait(decided.unwrap().wait_for()).unwrap();
    // The journal writes nothing more now.
    let jam = rusqlite::Connection::open(rig.dir.path().join("ledger.db")).unwrap();
    jam.execute_batch("BEGIN IMMEDIATE").unwrap();
    let pending = rig
        .gate
        .authorize(order("o-2", "1", "1").as_bytes(), TokenForm::Object);
    assert!(rig.gate.complete(pending.unwrap()).is_err());
    let release = r#"{"client_id":"c1","client_order_id":"o-1","reason":"canceled"}"#;
    let released = rig.gate.release(release.as_bytes()).unwrap();
    assert!(rig.gate.answer(released).is_err());
    drop(jam);
}

#[test]
fn the_token_says_what_was_decided_in_both_engines() {
    for engine in [Engine::Builtin, Engine::Rego] {
        let rig = rig(engine);
        let reply = rig.authorize(&order("o-1", "3", "185.55"));
        let claims = rig.verify(&reply);
        assert_eq!(claims.status, Status::Authorized, "{reply}");
        assert_eq!(claims.notional, "556.65");
        assert_eq!((claims.iat, claims.exp), (NOW_S, NOW_S + 60));
        assert_eq!(
            (&*claims.client_id, &*claims.client_order_id),
            ("c1", "o-1")
        );
        assert_eq!(claims.jti, reply["trace_id"].as_str().unwrap());
        let identity = rig.gate.policy().identity().clone();
        assert_eq!(claims.policy_hash, identity.hash.to_string());
        assert_eq!(rig.gross(), "556.65");
    }
}

#[test]
fn a_token_is_bound_to_its_order() {
    let rig = rig(Engine::Rego);
    let claims = rig.verify(&rig.authorize(&order("o-1", "\"3.0\"", "185.50")));
    let digest = |price: &str| {
        let order = format!(
            r#"{{"client_order_id":"o-1","symbol":"AAPL","side":"BUY","qty":3,"price":{price}}}"#
        );
        gate_token::order::digest_of_json(order.as_bytes()).unwrap()
    };
    assert_eq!(claims.order_digest, digest("185.5"));
    assert_ne!(claims.order_digest, digest("185.51"));
}

#[test]
fn a_replay_outlives_a_key_rotation_byte_for_byte() {
    let rig = rig(Engine::Builtin);
    let first = rig.authorize(&order("o-1", "1", "185.55"));
    let mut rotated = KeyRing::from_jwks(rig.keys.to_jwks().as_bytes()).unwrap();
    rotated.rotate("k2", NOW_S, 3_600).unwrap();
    rig.gate
        .change(rig.gate.policy(), Arc::new(rotated))
        .unwrap();
    rig.clock.advance_ns(1_000_000_000);
    let again = rig.authorize(&order("o-1", "1", "185.55"));
    assert_eq!(again["replayed"], true);
    assert_eq!(
        again["decision_token"].to_string(),
        first["decision_token"].to_string()
    );
    let next = rig.authorize(&order("o-2", "1", "185.55"));
    assert_eq!(next["decision_token"]["payload"]["kid"], "k2");
}

#[test]
fn nothing_is_decided_with_a_key_that_verifiers_would_refuse() {
    let rig = rig(Engine::Builtin);
    let mut jwks: Value = serde_json::from_str(&rig.keys.to_jwks()).unwrap();
    jwks["keys"][0]["exp"] = json!(NOW_S + 10);
    let ends_soon = Arc::new(KeyRing::from_jwks(jwks.to_string().as_bytes()).unwrap());
    rig.gate.change(rig.gate.policy(), ends_soon).unwrap();
    assert_eq!(
        rig.authorize(&order("o-1", "1", "185"))["status"],
        "AUTHORIZED"
    );
    rig.clock.advance_ns(11_000_000_000);
    let late = order("o-2", "1", "185");
    let problem = rig
        .gate
        .authorize(late.as_bytes(), TokenForm::Object)
        .unwrap_err();
    assert_eq!(problem.code(), Code::KeyNotValid);
    assert_eq!(rig.gross(), "185");
}

#[test]
fn a_key_that_verifiers_would_refuse_does_not_come_into_force() {
    let rig = rig(Engine::Builtin);
    let mut jwks: Value = serde_json::from_str(&rig.keys.to_jwks()).unwrap();
    jwks["keys"][0]["exp"] = json!(NOW_S);
    let ended = Arc::new(KeyRing::from_jwks(jwks.to_string().as_bytes()).unwrap());
    let refused = rig.gate.change(rig.gate.policy(), ended).unwrap_err();
    assert_eq!(refused, SetupError::KeyNotValid("k1".to_owned()));
    rig.authorize(&order("o-1", "1", "185"));
}

/// The hold counts, so the order is shown; a token that cannot be signed again is left out.
#[test]
fn an_order_whose_key_is_gone_is_shown_without_its_token() {
    let rig = rig(Engine::Builtin);
    let body = order("o-1", "1", "185");
    let first = rig.authorize(&body);
    let (client, id) = (ClientId::new("c1").unwrap(), OrderId::new("o-1").unwrap());
    let shown = |form| {
        let found = rig.gate.find_order(&client, &id).unwrap();
        let shown = rig.gate.show_order(&found, form).unwrap();
        serde_json::from_slice::<Value>(&shown).unwrap()
    };
    let token = &shown(TokenForm::Object)["decision"]["decision_token"];
    assert_eq!(*token, first["decision_token"]);
    assert!(shown(TokenForm::Jws)["decision"]["decision_token"].is_string());
    let others = Arc::new(KeyRing::generate("k9").unwrap());
    rig.gate.change(rig.gate.policy(), others).unwrap();
    let shown = shown(TokenForm::Object);
    assert_eq!(shown["decision"], Value::Null);
    assert_eq!(shown["order"]["held"], "185");
    let again = rig
        .gate
        .authorize_blocking(body.as_bytes(), TokenForm::Object);
    assert_eq!(again.unwrap_err().code(), Code::KeyNotValid);
}

/// What was heard of an order can still be lost until it is durable.
#[test]
fn an_order_is_shown_once_all_that_was_heard_of_it_is_durable() {
    let rig = rig(Engine::Builtin);
    rig.authorize(&order("o-1", "1", "185"));
    let (client, id) = (ClientId::new("c1").unwrap(), OrderId::new("o-1").unwrap());
    let released = rig.gate.ledger().release(&client, &id, "canceled", None);
    let found = rig.gate.find_order(&client, &id).unwrap();
    assert_eq!(found.wait_for().seq(), released.unwrap().seq.unwrap());
}

/// An amount written as a string does not evade a limit.
#[test]
fn a_broker_rule_judges_amounts_however_they_are_written() {
    let rego = "package gate\n\
                deny contains \"notional\" if input.order.qty * input.order.price > 10000\n\
                deny contains \"odd_lot\" if input.order.qty < 10\n\
                decision := {\"allow\": count(deny) == 0, \"reasons\": deny}";
    let bundle = Bundle::from_files([("own.rego", rego)]).unwrap();
    let rig = rig_with(gate_policy::activate(&bundle).unwrap());
    for (n, (qty, price, reasons)) in [
        ("100", "100.5", json!(["notional"])),
        ("9", "1", json!(["odd_lot"])),
        ("10", "1000", json!([])),
    ]
    .into_iter()
    .enumerate()
    {
        let text = |amount: &str| format!("\"{amount}\"");
        for (form, qty, price) in [
            ("numbers", qty.to_owned(), price.to_owned()),
            ("a text and a number", text(qty), price.to_owned()),
            ("a number and a text", qty.to_owned(), text(price)),
            ("texts", text(qty), text(price)),
        ] {
            let reply = rig.authorize(&order(&format!("{n} {form}"), &qty, &price));
            assert_eq!(reply["reasons"], reasons, "{qty} × {price}");
        }
    }
}

#[test]
fn an_order_beyond_every_amount_is_a_problem_and_holds_nothing() {
    let rig = rig(Engine::Rego);
    let body = order("o-1", "999999999999999999", "999999999999999999");
    let problem = rig
        .gate
        .authorize(body.as_bytes(), TokenForm::Object)
        .unwrap_err();
    assert_eq!(
        (problem.code(), problem.member()),
        (Code::InvalidMember, Some("order.qty"))
    );
    assert_eq!(rig.gross(), "0");
}

#[test]
fn the_body_limit_is_exact() {
    let rig = rig(Engine::Builtin);
    let body = order("o-1", "1", "185.55");
    let padded = |bytes: usize| format!("{body}{}", " ".repeat(bytes - body.len()));
    assert_eq!(rig.authorize(&padded(16 * 1024))["status"], "AUTHORIZED");
    let over = rig
        .gate
        .authorize(padded(16 * 1024 + 1).as_bytes(), TokenForm::Object);
    assert_eq!(over.unwrap_err().code(), Code::BodyTooLarge);
}

/// A fixed verdict, from an embedder's own policy.
struct Fixed(Verdict, PolicyIdentity);

impl Policy for Fixed {
    fn identity(&self) -> &PolicyIdentity {
        &self.1
    }
    fn evaluate(&self, _input: &PolicyInput<'_>) -> Verdict {
        self.0.clone()
    }
    fn contract_size(&self, _symbol: &str) -> ContractSize {
        ContractSize::parse("100").unwrap()
    }
    fn max_exposure(&self, _client_id: &str) -> Option<Notional> {
        self.0.max_exposure
    }
    fn query(&self, _path: &[&str], _input: &Value) -> Result<Option<Value>, QueryError> {
        Ok(None)
    }
}

#[test]
fn the_limit_is_checked_exactly_whatever_the_policy_says() {
    let identity = rig(Engine::Builtin).gate.policy().identity().clone();
    let limit = Notional::parse("55665").unwrap();
    let verdict = Verdict {
        allow: true,
        reasons: Vec::new(),
        max_exposure: Some(limit),
    };
    let rig = rig_with(Arc::new(Fixed(verdict, identity)));
    // 2 × 185.55 × 100 = 37,110; one more is exactly at the limit, the next 0.01 above it.
    assert_eq!(
        rig.authorize(&order("o-1", "2", "185.55"))["status"],
        "AUTHORIZED"
    );
    let over = rig.authorize(&order("o-2", "1", "185.5501"));
    assert_eq!(over["status"], "BLOCKED");
    assert_eq!(over["reasons"], json!(["max_exposure"]));
    assert_eq!(over["headroom"], "18555");
    assert_eq!(
        rig.authorize(&order("o-3", "1", "185.55"))["status"],
        "AUTHORIZED"
    );
    assert_eq!(rig.gross(), "55665");
}

#[test]
fn what_a_policy_notes_beside_its_allow_is_in_the_token_and_no_fault() {
    let identity = rig(Engine::Builtin).gate.policy().identity().clone();
    let verdict = Verdict::new(true, vec!["policy_error".into(), "noted".into()], None);
    let rig = rig_with(Arc::new(Fixed(verdict, identity)));
    let pending = rig
        .gate
        .authorize(order("o-1", "1", "1").as_bytes(), TokenForm::Object);
    let pending = pending.unwrap();
    rig.gate.ledger().wait(pending.wait_for()).unwrap();
    let (reply, outcome) = rig.gate.complete(pending).unwrap();
    assert!(outcome.authorized && outcome.fault.is_none());
    let reply: Value = serde_json::from_slice(&reply).unwrap();
    assert_eq!(rig.verify(&reply).reasons, ["noted", "policy_error"]);
    let again = rig.authorize(&order("o-1", "1", "1"));
    assert_eq!(again["decision_token"], reply["decision_token"]);
}

#[test]
fn a_policy_that_does_not_allow_blocks_even_without_a_reason() {
    let identity = rig(Engine::Builtin).gate.policy().identity().clone();
    let verdict = Verdict {
        allow: false,
        reasons: Vec::new(),
        max_exposure: None,
    };
    let rig = rig_with(Arc::new(Fixed(verdict, identity)));
    let reply = rig.authorize(&order("o-1", "1", "1"));
    assert_eq!(reply["status"], "BLOCKED");
    assert!(!reply["reasons"].as_array().unwrap().is_empty(), "{reply}");
    assert_eq!(rig.gross(), "0");
}

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
    let query = |body: &str| code(rig.gate.query("gate", body.as_bytes()));
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
