//! Does it hold up? Strict throughput with a million clients against a thousand, and with ten
//! million journal records against an empty store; in turns, in one run.
//! `cargo bench -p gate-state --bench scale [-- CLIENTS RECORDS]`
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "a bench fails by panicking, and has no readers but its output"
)]

#[allow(dead_code, reason = "shared with benches that use more of it")]
mod support;

use gate_state::Durability;

use support::Bench;

const ROUNDS: usize = 9;
const ORDERS: u64 = 100_000;

fn main() {
    let numbers: Vec<u64> = std::env::args()
        .filter_map(|arg| arg.parse().ok())
        .collect();
    let clients = numbers.first().copied().unwrap_or(1_000_000);
    let records = numbers.get(1).copied().unwrap_or(10_000_000);

    let (few, many) = (
        Bench::new(Durability::Strict, 1_000),
        Bench::new(Durability::Strict, clients),
    );
    // Every client has an account before the measurement.
    few.run(64, 1_000);
    many.run(64, clients);
    compare("1000 clients", &few, &format!("{clients} clients"), &many);
    drop((few, many));

    let full = Bench::new(Durability::Relaxed, 1_000);
    full.run(2, records);
    let full = full.reopen(Durability::Strict);
    let empty = Bench::new(Durability::Strict, 1_000);
    compare(
        "an empty journal",
        &empty,
        &format!("{records} records"),
        &full,
    );
}

/// Orders a second of both, in turns; the median of each.
fn compare(name_a: &str, a: &Bench, name_b: &str, b: &Bench) {
    let mut rates = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (bench, rates) in [a, b].into_iter().zip(&mut rates) {
            let took = bench.run(64, ORDERS);
            rates.push(ORDERS * 1_000_000 / u64::try_from(took.as_micros()).unwrap());
        }
    }
    let [a, b] = rates.map(|mut rates| {
        rates.sort_unstable();
        rates.get(ROUNDS / 2).copied().unwrap()
    });
    println!("{name_a}: {a}/s; {name_b}: {b}/s; {}%", b * 100 / a);
}
