//! Scale: strict throughput with a million clients against a thousand, and with ten million
//! journal records against an empty store; in turns, in one run.
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

use support::{Bench, median, sync_us, verdict};

const ROUNDS: usize = 7;
const ORDERS: u64 = 100_000;

fn main() {
    let numbers: Vec<u64> = std::env::args()
        .filter_map(|arg| arg.parse().ok())
        .collect();
    let clients = numbers.first().copied().unwrap_or(1_000_000);
    let records = numbers.get(1).copied().unwrap_or(10_000_000);

    let few = filled(1_000, 1_000);
    let many = filled(clients, clients);
    compare(&format!("{clients} clients"), &many, "1000", &few, 0.85);
    drop((few, many));

    let full = filled(1_000, records);
    let empty = Bench::new(Durability::Strict, 1_000);
    let name = format!("{records} journal records");
    compare(&name, &full, "none", &empty, 0.9);
}

/// A store with this many clients, each with an account, and this many records.
fn filled(clients: u64, records: u64) -> Bench {
    let bench = Bench::new(Durability::Relaxed, clients);
    bench.run(2, records);
    bench.reopen(Durability::Strict)
}

/// Runs both stores in turns and prints the median of the ratios of neighbouring turns.
fn compare(name: &str, bench: &Bench, base_name: &str, base: &Bench, target: f64) {
    let rate = |bench: &Bench| {
        let took = bench.run(64, ORDERS);
        f64::from(u32::try_from(ORDERS).unwrap()) / took.as_secs_f64()
    };
    println!("a synced write of 16 KiB: {} us", sync_us());
    let (mut rates, mut bases, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        // The order changes with every turn.
        let (rate, base) = if round % 2 == 0 {
            let first = rate(bench);
            (first, rate(base))
        } else {
            let first = rate(base);
            (rate(bench), first)
        };
        rates.push(rate);
        bases.push(base);
        ratios.push(rate / base);
    }
    println!(
        "{name}: {:.0} decisions/s; {base_name}: {:.0}",
        median(&rates),
        median(&bases)
    );
    let ratio = median(&ratios);
    let what = format!("{name} against {base_name}");
    let target_text = format!("at least {target:.2}");
    verdict(&what, format!("{ratio:.2}"), target_text, ratio >= target);
}
