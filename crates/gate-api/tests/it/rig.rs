//! A gate over a store of its own, with a clock that does not move. No assertion lives here.

use std::sync::Arc;

use gate_api::{Gate, Settings, TokenForm};
use gate_policy::{Bundle, Engine, Policy};
use gate_state::{Ledger, LedgerConfig};
use gate_token::{Claims, Expectations, KeyRing};
use gate_types::{ClientId, Clock, ManualClock, Timestamp};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const NOW_S: u64 = 1_768_545_650;

pub(crate) struct Rig {
    pub(crate) gate: Gate,
    pub(crate) keys: Arc<KeyRing>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) dir: TempDir,
}

pub(crate) fn rig_with(policy: Arc<dyn Policy>) -> Rig {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(Timestamp::from_unix_seconds(NOW_S)));
    let ledger = Ledger::open(LedgerConfig::new(dir.path()), clock.clone()).unwrap();
    let keys = Arc::new(KeyRing::generate("k1").unwrap());
    let gate = Gate::new(ledger, policy, keys.clone(), settings(), clock.clone()).unwrap();
    Rig {
        gate,
        keys,
        clock,
        dir,
    }
}

pub(crate) fn settings() -> Settings {
    Settings {
        issuer: "gate".into(),
        audience: "venue".into(),
        token_ttl_s: 60,
    }
}

pub(crate) fn rig(engine: Engine) -> Rig {
    rig_with(gate_policy::activate(&Bundle::sample(engine).unwrap()).unwrap())
}

pub(crate) fn order(order_id: &str, qty: &str, price: &str) -> String {
    format!(
        r#"{{"order":{{"client_order_id":"{order_id}","symbol":"AAPL","side":"BUY","qty":{qty},"price":{price}}},"context":{{"client_id":"c1"}}}}"#
    )
}

impl Rig {
    pub(crate) fn authorize(&self, body: &str) -> Value {
        let reply = self
            .gate
            .authorize_blocking(body.as_bytes(), TokenForm::Object)
            .unwrap();
        serde_json::from_slice(&reply).unwrap()
    }

    pub(crate) fn verify(&self, reply: &Value) -> Claims<'static> {
        let token = reply["decision_token"].to_string();
        let now_s = self.clock.now().unix_seconds();
        let expect = Expectations {
            aud: "venue",
            now_s,
            leeway_s: 0,
        };
        gate_token::verify(token.as_bytes(), &self.keys, &expect).unwrap()
    }

    pub(crate) fn gross(&self) -> String {
        let client = ClientId::new("c1").unwrap();
        self.gate.ledger().exposure(&client).gross.to_string()
    }
}
