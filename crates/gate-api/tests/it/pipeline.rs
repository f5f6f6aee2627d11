//! The pipeline from bytes to a verified token, and what it must refuse.

use gate_api::{Code, TokenForm};
use gate_policy::{Bundle, Engine};
use gate_token::Status;
use gate_types::{ClientId, OrderId};
use serde_json::{Value, json};

use crate::rig::{NOW_S, order, rig, rig_with};

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
