//! Decisions a second, embedded: 64 callers under strict durability, one caller under relaxed.
//! `cargo bench -p gate-state --bench ledger`
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "a bench fails by panicking, and has no readers but its output"
)]

#[allow(dead_code, reason = "shared with benches that use more of it")]
mod support;

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use gate_state::Durability;

use support::{Bench, cpu_us, median, sync_us, verdict};

const ORDERS: u64 = 100_000;

fn reserve(c: &mut Criterion) {
    let mut group = c.benchmark_group("reserve");
    group.throughput(Throughput::Elements(ORDERS));
    // One iteration a sample, so that the samples show how the disk varies.
    group.sampling_mode(SamplingMode::Flat);
    group.sample_size(20);
    for (name, durability, threads, target) in [
        ("strict, 64 callers", Durability::Strict, 64, 100_000),
        ("relaxed, one caller", Durability::Relaxed, 1, 300_000),
    ] {
        println!("a synced write of 16 KiB: {} us", sync_us());
        let bench = Bench::new(durability, 1_000);
        let mut rates = Vec::new();
        let cpu = cpu_us();
        group.bench_function(name, |b| {
            b.iter_custom(|iterations| {
                (0..iterations)
                    .map(|_| {
                        let took = bench.run(threads, ORDERS);
                        rates.push(ORDERS * 1_000_000 / u64::try_from(took.as_micros()).unwrap());
                        took
                    })
                    .sum()
            });
        });
        if rates.is_empty() {
            continue;
        }
        let health = bench.ledger.health();
        let records = health.durable_seq.get();
        println!(
            "{name}: {} records a commit, {:.1} us of processor time a record; checkpoints: {} in bulk, at most {} ms, {} tails, at \
             most {} us",
            records / health.commits.max(1),
            f64::from(u32::try_from((cpu_us() - cpu) / 1_000).unwrap()) * 1_000.0
                / f64::from(u32::try_from(records).unwrap()),
            health.checkpoint_bulk.count,
            health.checkpoint_bulk.max_ns / 1_000_000,
            health.checkpoint_tail.count,
            health.checkpoint_tail.max_ns / 1_000,
        );
        let rate = median(&rates);
        let figure = format!("{rate} decisions/s");
        verdict(name, figure, format!("at least {target}"), rate >= target);
    }
    group.finish();
}

criterion_group!(benches, reserve);
criterion_main!(benches);
