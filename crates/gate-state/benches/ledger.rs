//! Reserve decisions a second, embedded: 64 callers under strict durability, one caller under
//! relaxed. `cargo bench -p gate-state --bench ledger`
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "a bench fails by panicking, and has no readers but its output"
)]

#[allow(dead_code, reason = "shared with benches that use more of it")]
mod support;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gate_state::Durability;

use support::Bench;

fn reserve(c: &mut Criterion) {
    let mut group = c.benchmark_group("reserve");
    group.throughput(Throughput::Elements(100_000));
    group.sample_size(10);
    for (name, durability, threads) in [
        ("strict/64 callers", Durability::Strict, 64),
        ("relaxed/1 caller", Durability::Relaxed, 1),
    ] {
        let bench = Bench::new(durability, 1_000);
        group.bench_function(name, |b| {
            b.iter_custom(|iterations| (0..iterations).map(|_| bench.run(threads, 100_000)).sum());
        });
        let health = bench.ledger.health();
        println!("{health:#?}");
    }
    group.finish();
}

criterion_group!(benches, reserve);
criterion_main!(benches);
