//! Policy and key change while orders and reports are on their way.

use std::sync::{Arc, Mutex};

use gate_api::{Gate, TokenForm};
use gate_policy::{Bundle, Engine, Policy};
use gate_state::{DecisionContext, Ledger, LedgerConfig};
use gate_token::KeyRing;
use gate_types::{ClientId, Clock, ManualClock, Timestamp};

use crate::rig::{NOW_S, order, rig, settings};

/// A clock that does something once, when it is asked: as a thread that is held up just there.
struct Meanwhile {
    clock: ManualClock,
    todo: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Clock for Meanwhile {
    fn now(&self) -> Timestamp {
        let todo = self.todo.lock().unwrap().take();
        todo.into_iter().for_each(|todo| todo());
        self.clock.now()
    }

    fn monotonic_ns(&self) -> u64 {
        self.clock.monotonic_ns()
    }
}

/// A bundle in which AAPL's contract has this size.
fn contracts_of(size: &str) -> Arc<dyn Policy> {
    let data = format!(
        r#"{{"limits":{{"default":{{"max_exposure":"1000"}}}},"instruments":{{"AAPL":{{"contract_size":"{size}"}}}}}}"#
    );
    gate_policy::activate(&Bundle::from_files([("data.json", &*data)]).unwrap()).unwrap()
}

/// The order is decided by another policy while the report on it is on its way.
#[test]
fn a_fill_that_overtakes_a_change_of_policy_has_the_contract_size_of_its_order() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(Meanwhile {
        clock: ManualClock::at(Timestamp::from_unix_seconds(NOW_S)),
        todo: Mutex::default(),
    });
    let ledger = Ledger::open(LedgerConfig::new(dir.path()), clock.clone()).unwrap();
    let keys = Arc::new(KeyRing::generate("k1").unwrap());
    let gate = Gate::new(
        ledger,
        contracts_of("3"),
        keys.clone(),
        settings(),
        clock.clone(),
    );
    let gate = Arc::new(gate.unwrap());
    let changing = Arc::clone(&gate);
    *clock.todo.lock().unwrap() = Some(Box::new(move || {
        changing.change(contracts_of("10"), keys).unwrap();
        let order = order("o-1", "28", "2.25");
        let reply = changing.authorize_blocking(order.as_bytes(), TokenForm::Object);
        assert!(
            String::from_utf8(reply.unwrap())
                .unwrap()
                .contains("AUTHORIZED")
        );
    }));
    let fill = r#"{"client_id":"c1","client_order_id":"o-1","exec_id":"e1","qty":28,"price":2.25}"#;
    let _ = gate.fill(fill.as_bytes()).unwrap();
    let exposure = gate.ledger().exposure(&ClientId::new("c1").unwrap());
    // 28 × 2.25 × 10.
    assert_eq!(exposure.filled.to_string(), "630");
    assert_eq!(exposure.reserved.to_string(), "0");
}

/// Orders would be decided again and again.
#[test]
fn a_context_that_somebody_else_sets_refuses_orders() {
    let rig = rig(Engine::Builtin);
    let context = DecisionContext {
        policy_revision: "mine".into(),
        policy_hash: [1; 32],
        engine: "mine".into(),
        kid: "k1".into(),
        iss: "gate".into(),
        aud: "venue".into(),
    };
    rig.gate.ledger().set_context(context).unwrap();
    let refused = rig
        .gate
        .authorize(order("o-1", "1", "1").as_bytes(), TokenForm::Object);
    assert_eq!(refused.unwrap_err().code().status(), 503);
    // The gate's own change puts it right.
    rig.gate.change(rig.gate.policy(), rig.gate.keys()).unwrap();
    rig.authorize(&order("o-1", "1", "1"));
}
