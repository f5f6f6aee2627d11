//! Decisions one after another, with a mark at each seam of the pipeline, for whoever counts
//! what lies between two marks: `cargo xtask profile` does, under callgrind.
//!
//! The marks are made by the gate's clock: the pipeline reads it where one segment ends and the
//! next begins.
#![allow(clippy::print_stdout, reason = "an example talks on stdout")]

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gate_api::{Gate, Settings, TokenForm};
use gate_policy::{Bundle, Engine};
use gate_state::{Ledger, LedgerConfig};
use gate_token::KeyRing;
use gate_types::{Clock, ManualClock, Timestamp};

/// Each is a function of its own, whatever the optimizer thinks of it: its name is the mark.
macro_rules! marks {
    ($($name:ident)*) => {$(
        #[inline(never)]
        fn $name() {
            black_box(stringify!($name));
        }
    )*};
}

marks! {
    mark_begun mark_parsed mark_asked mark_judged mark_held mark_signed mark_waiting mark_durable
    mark_answered
}

/// The pipeline's readings of the clock, in their order. The first is the arrival's; the last is within
/// the completion, whose segment goes on.
const READINGS: [Option<fn()>; 8] = [
    None,
    Some(mark_begun),
    Some(mark_parsed),
    Some(mark_asked),
    Some(mark_judged),
    Some(mark_held),
    Some(mark_signed),
    None,
];

/// A clock that marks when it is read.
struct Marking {
    time: Arc<ManualClock>,
    readings: AtomicUsize,
}

impl Clock for Marking {
    fn now(&self) -> Timestamp {
        self.time.now()
    }

    fn monotonic_ns(&self) -> u64 {
        let reading = self.readings.fetch_add(1, Ordering::Relaxed);
        if let Some(Some(mark)) = READINGS.get(reading % READINGS.len()) {
            mark();
        }
        self.time.monotonic_ns()
    }
}

macro_rules! shipped {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../../gate-policy/bundles/pretrade/", $name)),
        )
    };
}

/// The shipped sample without its tests, which would take longer than they may under callgrind.
fn sample(engine: Engine) -> Result<Bundle, gate_policy::BundleError> {
    let data = shipped!("data.json");
    match engine {
        Engine::Builtin => Bundle::from_files([data]),
        Engine::Rego => {
            let (prepared, rules) = (shipped!("prepared.rego"), shipped!("pretrade.rego"));
            Bundle::from_files([data, prepared, rules])
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let engine = match args.next().as_deref() {
        Some("rego") => Engine::Rego,
        Some("builtin") => Engine::Builtin,
        _ => return Err("usage: decisions rego|builtin [COUNT]".into()),
    };
    let count: usize = args.next().map_or(Ok(100), |count| count.parse())?;
    let dir = tempfile::tempdir()?;
    let time = Arc::new(ManualClock::at(Timestamp::from_unix_seconds(1_768_545_650)));
    let ledger = Ledger::open(LedgerConfig::new(dir.path()), time.clone())?;
    let policy = gate_policy::activate(&sample(engine)?)?;
    let keys = Arc::new(KeyRing::generate("k1")?);
    let settings = Settings {
        issuer: "gate".into(),
        audience: "venue".into(),
        token_ttl_s: 60,
    };
    let marking = Arc::new(Marking {
        time: Arc::clone(&time),
        readings: AtomicUsize::new(0),
    });
    let gate = Gate::new(ledger, policy, keys, settings, marking)?;
    let mut bytes = 0;
    for number in 0..count {
        // Of fixed width, so that every decision is of the same size, and slow enough for the
        // clients' rate limit.
        let client = number % 10;
        let body = format!(
            r#"{{"order":{{"client_order_id":"order-{number:010}","symbol":"AAPL","side":"BUY","qty":1,"price":"185.50"}},"context":{{"client_id":"client-{client:04}"}}}}"#
        );
        time.advance_ns(10_000_000);
        let pending = gate.authorize(body.as_bytes(), TokenForm::Object)?;
        mark_waiting();
        gate.ledger().wait(pending.wait_for())?;
        mark_durable();
        let (reply, outcome) = gate.complete(pending)?;
        mark_answered();
        if !outcome.authorized {
            return Err("not AUTHORIZED: a decision of another kind was counted".into());
        }
        bytes += reply.len();
    }
    println!("{count} decisions, {bytes} bytes in all replies");
    Ok(())
}
