//! Measures the cost of one decision by engine, in turns, and prints one table: the built-in rules,
//! `pretrade.rego` evaluated directly over the typed order, the same Rego on regorus' interpreter,
//! and what the caller adds.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::Criterion;
use gate_policy::{Bundle, Engine, PolicyInput, activate};
use gate_types::{Exposure, Notional, Price, Qty, Side, Timestamp};

/// As in the sidecar.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `c1` has the limits of everyone, `c5` one of its own.
pub(crate) const CLIENTS: [&str; 2] = ["c1", "c5"];
pub(crate) const DATA: &str = include_str!("../../bundles/pretrade/data.json");

/// How long each engine runs before it is the next one's turn, and how many turns each has.
const TURN: Duration = Duration::from_millis(10);
const TURNS: usize = 60;

/// Something that decides an order; says whether it is allowed.
pub(crate) type Decide<'a> = Box<dyn FnMut() -> bool + 'a>;

pub(crate) fn order<'a>(
    client_id: &'a str,
    none: &'a serde_json::Map<String, serde_json::Value>,
) -> PolicyInput<'a> {
    let (qty, price) = (Qty::parse("100").unwrap(), Price::parse("185.50").unwrap());
    let money = |text| Notional::parse(text).unwrap();
    PolicyInput {
        client_id,
        client_order_id: "o-1",
        symbol: "AAPL",
        side: Side::Buy,
        qty,
        price,
        order_extra: none,
        context_extra: none,
        notional: money("18550"),
        exposure: Exposure {
            reserved: money("1000.25"),
            filled: money("2000.5"),
            gross: money("3000.75"),
            open_orders: 3,
            orders_last_second: 2,
        },
        now: Timestamp::from_unix_seconds(1_700_000_000),
    }
}

/// An interpreter with the shipped Rego; its prepared limits already computed, as the register
/// machine has them.
fn interpreter() -> regorus::Engine {
    let data = regorus::Value::from_json_str(DATA).unwrap();
    let mut prepare = regorus::Engine::new();
    let source = include_str!("../../bundles/pretrade/prepared.rego");
    prepare
        .add_policy("prepared.rego".into(), source.into())
        .unwrap();
    prepare.add_data(data.clone()).unwrap();
    let prepared = prepare
        .eval_query("data.gate_prepared".into(), false)
        .unwrap();
    let mut values = prepared
        .result
        .into_iter()
        .flat_map(|result| result.expressions)
        .map(|expression| expression.value);

    let mut engine = regorus::Engine::new();
    let source = include_str!("../../bundles/pretrade/pretrade.rego");
    engine
        .add_policy("pretrade.rego".into(), source.into())
        .unwrap();
    engine.add_data(data).unwrap();
    let prepared =
        std::collections::BTreeMap::from([("gate_prepared".into(), values.next().unwrap())]);
    engine.add_data(prepared.into()).unwrap();
    engine
}

/// The input that the interpreter is given, ready made: the order above as a document.
fn document(client_id: &str) -> regorus::Value {
    let input = serde_json::json!({
        "order": {"client_order_id": "o-1", "symbol": "AAPL", "side": "BUY", "qty": 100, "price": 185.5},
        "context": {"client_id": client_id},
        "exposure": {
            "reserved": 1000.25, "filled": 2000.5, "gross": 3000.75,
            "open_orders": 3, "orders_last_second": 2,
        },
        "amounts": {
            "qty_nanos": 100_000_000_000_u64, "price_nanos": 185_500_000_000_u64,
            "notional_micros": 18_550_000_000_u64, "reserved_micros": 1_000_250_000,
            "filled_micros": 2_000_500_000, "gross_micros": 3_000_750_000_u64,
        },
        "now_ns": 1_700_000_000_000_000_000_u64,
    });
    regorus::Value::from_json_str(&input.to_string()).unwrap()
}

/// Every engine with every client: its name, and what decides.
fn engines(none: &serde_json::Map<String, serde_json::Value>) -> Vec<(String, Decide<'_>)> {
    let mut all: Vec<(String, Decide<'_>)> = Vec::new();
    for (engine, name) in [
        (Engine::Builtin, "built-in rules"),
        (Engine::Rego, "pretrade.rego, evaluated directly"),
    ] {
        let policy = activate(&Bundle::sample(engine).unwrap()).unwrap();
        for client in CLIENTS {
            let (policy, input) = (policy.clone(), order(client, none));
            all.push((
                format!("{name}, {client}"),
                Box::new(move || policy.evaluate(black_box(&input)).allow),
            ));
        }
    }
    for client in CLIENTS {
        let (mut engine, input) = (interpreter(), document(client));
        all.push((
            format!("pretrade.rego, interpreter, input given, {client}"),
            Box::new(move || {
                engine.set_input(black_box(&input).clone());
                let answer = engine.eval_rule("data.gate.decision".into()).unwrap();
                answer["allow"] == regorus::Value::Bool(true)
            }),
        ));
    }
    all
}

/// Nanoseconds per decision, in batches that take long enough for the clock.
fn turn(decide: &mut Decide<'_>, times: &mut Vec<u64>) {
    const BATCH: u32 = 32;
    let end = Instant::now() + TURN;
    while Instant::now() < end {
        let start = Instant::now();
        for _ in 0..BATCH {
            black_box(decide());
        }
        let took = start.elapsed().as_nanos() / u128::from(BATCH);
        times.push(u64::try_from(took).unwrap());
    }
}

fn table(engines: &mut [(String, Decide<'_>)]) {
    let mut times = vec![Vec::new(); engines.len()];
    for _ in 0..TURNS {
        for ((_, decide), times) in engines.iter_mut().zip(&mut times) {
            turn(decide, times);
        }
    }
    println!("\nµs per decision: means of 32 in a row, {TURNS} turns of {TURN:?} each\n");
    println!("| engine, client | p50 | p90 | least |");
    println!("|---|---|---|---|");
    for ((name, _), times) in engines.iter().zip(&mut times) {
        times.sort_unstable();
        let at = |percent: usize| {
            let time = times.get(times.len() * percent / 101).unwrap();
            *time as f64 / 1000.0
        };
        println!("| {name} | {:.2} | {:.2} | {:.2} |", at(50), at(90), at(0));
    }
}

/// Runs Criterion over all engines and the caller's own, then prints the table.
pub(crate) fn run(more: Vec<(String, Decide<'_>)>) {
    let none = serde_json::Map::new();
    let mut engines = engines(&none);
    engines.extend(more);
    for (name, decide) in &mut engines {
        assert!(decide(), "{name}");
    }
    let mut criterion = Criterion::default().configure_from_args();
    for (name, decide) in &mut engines {
        criterion.bench_function(name, |bencher| bencher.iter(&mut *decide));
    }
    criterion.final_summary();
    // `cargo test --benches` only asks whether it runs.
    if std::env::args().any(|argument| argument == "--bench") {
        table(&mut engines);
    }
}
