//! A million live holds over 100,000 clients: time to start, and bytes of memory per hold as the
//! allocator counts them. `cargo bench -p gate-state --bench recovery [-- HOLDS CLIENTS]`
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "a bench fails by panicking, and has no readers but its output"
)]

#[allow(dead_code, reason = "shared with benches that use more of it")]
mod support;

use std::alloc::System;
use std::sync::Arc;
use std::time::Instant;

use gate_state::{Durability, Ledger};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

use support::{Bench, SystemClock, config, median, verdict};

/// Target for opening a ledger of a million holds, in milliseconds.
const TIME: u128 = 2_000;
/// Target for the memory of a hold, its client's share included, in bytes.
const BYTES: u64 = 200;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    let numbers: Vec<u64> = std::env::args()
        .filter_map(|arg| arg.parse().ok())
        .collect();
    let holds = numbers.first().copied().unwrap_or(1_000_000);
    let clients = numbers.get(1).copied().unwrap_or(100_000);
    let bench = Bench::new(Durability::Relaxed, clients);
    bench.run(1, holds);
    bench.ledger.shutdown().unwrap();
    let Bench { ledger, dir, .. } = bench;
    drop(ledger);
    let file = std::fs::metadata(dir.path().join("ledger.db"))
        .unwrap()
        .len();
    println!("{holds} live holds over {clients} clients, journal {file} bytes");
    for way in ["journal", "snapshot"] {
        let (mut times, mut bytes) = (Vec::new(), Vec::new());
        for _ in 0..5 {
            let region = Region::new(ALLOCATOR);
            let (start, cpu) = (Instant::now(), cpu_ns());
            let config = config(dir.path(), Durability::Strict);
            let ledger = Ledger::open(config, Arc::new(SystemClock(Instant::now()))).unwrap();
            let (took, cpu) = (start.elapsed(), cpu_ns() - cpu);
            let change = region.change();
            assert_eq!(ledger.health().remembered, usize::try_from(holds).unwrap());
            let held = u64::try_from(change.bytes_allocated - change.bytes_deallocated).unwrap();
            println!(
                "from the {way}: {} ms ({} ms of one core)",
                took.as_millis(),
                cpu / 1_000_000
            );
            times.push(took.as_millis());
            bytes.push(held / holds);
        }
        let (time, bytes) = (median(&times), median(&bytes));
        let what = format!("start from the {way}");
        verdict(
            &what,
            format!("{time} ms"),
            format!("{TIME} ms"),
            time <= TIME,
        );
        let target = format!("at most {BYTES}");
        verdict(
            "memory",
            format!("{bytes} bytes a hold"),
            target,
            bytes <= BYTES,
        );
        let clock = Arc::new(SystemClock(Instant::now()));
        let ledger = Ledger::open(config(dir.path(), Durability::Strict), clock).unwrap();
        let start = Instant::now();
        ledger.snapshot().unwrap();
        if way == "journal" {
            println!("taking a snapshot: {} ms", start.elapsed().as_millis());
        }
    }
}

/// This thread's time on a core so far, which other processes do not change.
fn cpu_ns() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let first = stat.split(' ').next().and_then(|text| text.parse().ok());
    first.unwrap_or_default()
}
