//! An embedder's own policy: what the pipeline checks whatever it says.

use std::sync::Arc;

use gate_api::TokenForm;
use gate_policy::{Engine, Policy, PolicyIdentity, PolicyInput, QueryError, Verdict};
use gate_types::{ContractSize, Notional};
use serde_json::{Value, json};

use crate::rig::{order, rig, rig_with};

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
