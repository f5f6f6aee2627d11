//! Number of allocations of one decision: an allocation added to the decision path fails this test,
//! and whoever adds it decides whether it is worth it.
//!
//! Counted on the deciding thread, from the request's bytes to the reply's, without the HTTP server
//! and the journal's writer.
#![allow(
    clippy::unwrap_used,
    reason = "helpers outside of test functions; a test that panics is a test that fails"
)]

use std::sync::Arc;

use allocation_counter::{AllocationInfo, measure};
use gate_api::{Gate, Settings, TokenForm};
use gate_policy::{Bundle, Engine};
use gate_state::{Ledger, LedgerConfig};
use gate_token::KeyRing;
use gate_types::{ManualClock, Timestamp};

/// Allocations of one AUTHORIZED decision: in `authorize`, and in `complete`.
#[derive(Debug, PartialEq, Eq)]
struct Count {
    authorize: u64,
    complete: u64,
}

/// The least of many decisions: sometimes a table grows as well.
fn count(engine: Engine) -> Count {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(Timestamp::from_unix_seconds(1_768_545_650)));
    let ledger = Ledger::open(LedgerConfig::new(dir.path()), clock.clone()).unwrap();
    let policy = gate_policy::activate(&Bundle::sample(engine).unwrap()).unwrap();
    let keys = Arc::new(KeyRing::generate("k1").unwrap());
    let settings = Settings {
        issuer: "gate".into(),
        audience: "venue".into(),
        token_ttl_s: 60,
    };
    let gate = Gate::new(ledger, policy, keys, settings, clock).unwrap();
    let least = |counts: &[AllocationInfo]| counts.iter().map(|info| info.count_total).min();
    let (mut authorize, mut complete) = (Vec::new(), Vec::new());
    for number in 0..50 {
        let body = format!(
            r#"{{"order":{{"client_order_id":"o-{number}","symbol":"AAPL","side":"BUY","qty":1,"price":"185.55"}},"context":{{"client_id":"c1"}}}}"#
        );
        let mut pending = None;
        authorize.push(measure(|| {
            pending = Some(gate.authorize(body.as_bytes(), TokenForm::Object).unwrap());
        }));
        let pending = pending.unwrap();
        gate.ledger().wait(pending.wait_for()).unwrap();
        let mut reply = None;
        complete.push(measure(|| reply = Some(gate.complete(pending).unwrap())));
        assert!(reply.unwrap().1.authorized);
    }
    Count {
        authorize: least(&authorize).unwrap(),
        complete: least(&complete).unwrap(),
    }
}

#[test]
fn a_decision_by_the_built_in_rules_allocates_this_often() {
    let expected = Count {
        authorize: 2,
        complete: 0,
    };
    assert_eq!(count(Engine::Builtin), expected);
}

#[test]
fn a_decision_by_rego_allocates_this_often() {
    let expected = Count {
        authorize: 6,
        complete: 0,
    };
    assert_eq!(count(Engine::Rego), expected);
}
