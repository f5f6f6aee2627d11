//! One decision: the built-in rules, `pretrade.rego` on the register machine (its input document
//! built from the typed order each time), and the same Rego on regorus' interpreter.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a bench that cannot be set up has nothing to measure"
)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use gate_policy::{Bundle, Engine, ExposureView, PolicyInput, activate};
use gate_types::{Notional, Price, Qty, Side, Timestamp};

fn decide(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decide");
    let (qty, price) = (Qty::parse("100").unwrap(), Price::parse("185.50").unwrap());
    let none = serde_json::Map::new();
    for engine in [Engine::Builtin, Engine::Rego] {
        let policy = activate(&Bundle::sample(engine).unwrap()).unwrap();
        let notional = Notional::of(qty, price, policy.contract_size("AAPL")).unwrap();
        for client_id in ["c1", "c5"] {
            let input = PolicyInput {
                client_id,
                client_order_id: "o-1",
                symbol: "AAPL",
                side: Side::Buy,
                qty,
                price,
                qty_is_text: false,
                price_is_text: false,
                order_extra: &none,
                context_extra: &none,
                notional,
                exposure: ExposureView::default(),
                now: Timestamp::from_unix_seconds(1_700_000_000),
            };
            assert!(policy.evaluate(&input).allow);
            group.bench_function(format!("{engine}/{client_id}"), |bencher| {
                bencher.iter(|| policy.evaluate(black_box(&input)));
            });
        }
    }
    group.finish();
}

fn interpret(criterion: &mut Criterion) {
    let mut engine = regorus::Engine::new();
    let source = include_str!("../bundles/pretrade/pretrade.rego");
    let data = include_str!("../bundles/pretrade/data.json");
    engine
        .add_policy("pretrade.rego".into(), source.into())
        .unwrap();
    engine
        .add_data(regorus::Value::from_json_str(data).unwrap())
        .unwrap();
    let input = regorus::Value::from_json_str(
        r#"{"order":{"client_order_id":"o-1","symbol":"AAPL","side":"BUY","qty":100,"price":185.5},
            "context":{"client_id":"c1"},
            "exposure":{"reserved":0,"filled":0,"gross":0,"open_orders":0,"orders_last_second":0},
            "amounts":{"qty_nanos":100000000000,"price_nanos":185500000000,
            "notional_micros":18550000000,"reserved_micros":0,"filled_micros":0,"gross_micros":0},
            "now_ns":1700000000000000000}"#,
    )
    .unwrap();
    criterion.bench_function("decide/interpreter/c1", |bencher| {
        bencher.iter(|| {
            engine.set_input(input.clone());
            engine.eval_rule("data.gate.decision".into()).unwrap()
        });
    });
}

criterion_group!(benches, decide, interpret);
criterion_main!(benches);
