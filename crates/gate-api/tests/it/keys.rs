//! Decisions and the keys that sign them, when keys change or end.

use std::sync::Arc;

use gate_api::{Code, SetupError, TokenForm};
use gate_policy::Engine;
use gate_token::KeyRing;
use gate_types::{ClientId, OrderId};
use serde_json::{Value, json};

use crate::rig::{NOW_S, order, rig};

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

/// Whoever verifies it has the key for no longer.
#[test]
fn a_token_is_good_for_no_longer_than_its_key() {
    let rig = rig(Engine::Builtin);
    let exp = |id: &str| {
        let decided = rig.authorize(&order(id, "1", "185"));
        decided["decision_token"]["payload"]["exp"]
            .as_u64()
            .unwrap()
    };
    let usual = exp("o-1");
    assert!(usual > NOW_S + 10);
    let mut jwks: Value = serde_json::from_str(&rig.keys.to_jwks()).unwrap();
    jwks["keys"][0]["exp"] = json!(NOW_S + 10);
    let ends_soon = Arc::new(KeyRing::from_jwks(jwks.to_string().as_bytes()).unwrap());
    rig.gate.change(rig.gate.policy(), ends_soon).unwrap();
    assert_eq!(exp("o-2"), NOW_S + 10);
}

/// Its tokens would be forgeries from then on, and a replay's another one.
#[test]
fn a_key_of_a_known_name_with_another_secret_does_not_come_into_force() {
    let rig = rig(Engine::Builtin);
    let other = KeyRing::generate(rig.keys.active().kid()).unwrap();
    let refused = rig.gate.change(rig.gate.policy(), Arc::new(other));
    let expected = SetupError::KeyRenamed("k1".to_owned());
    assert_eq!(refused.unwrap_err(), expected);
    let same = KeyRing::from_jwks(rig.keys.to_jwks().as_bytes()).unwrap();
    rig.gate.change(rig.gate.policy(), Arc::new(same)).unwrap();
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
