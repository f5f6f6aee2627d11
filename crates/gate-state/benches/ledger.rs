//! Reserve decisions a second, embedded: 64 callers under strict durability, one caller under
//! relaxed. `cargo bench -p gate-state --bench ledger`
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "a bench fails by panicking, and has no readers but its output"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gate_state::{
    ContextId, Decided, DecisionContext, Durability, Judgement, Ledger, LedgerConfig, NewOrder,
};
use gate_types::{ClientId, Clock, Notional, OrderId, Price, Qty, Side, Symbol, Timestamp};

/// Wall clock for `now`, `Instant` for durations.
struct SystemClock(Instant);

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = std::time::UNIX_EPOCH.elapsed().unwrap();
        Timestamp::from_unix_nanos(u64::try_from(since.as_nanos()).unwrap())
    }

    fn monotonic_ns(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap()
    }
}

struct Bench {
    ledger: Ledger,
    clock: Arc<SystemClock>,
    context: ContextId,
    next: AtomicU64,
    _dir: tempfile::TempDir,
}

impl Bench {
    fn new(durability: Durability) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(SystemClock(Instant::now()));
        let mut config = LedgerConfig::new(dir.path());
        config.durability = durability;
        let ledger = Ledger::open(config, clock.clone()).unwrap();
        let context = ledger
            .set_context(DecisionContext {
                policy_revision: "r1".into(),
                policy_hash: [7; 32],
                engine: "builtin".into(),
                kid: "k1".into(),
                iss: "gate".into(),
                aud: "venue".into(),
            })
            .unwrap();
        Self {
            ledger,
            clock,
            context,
            next: AtomicU64::new(0),
            _dir: dir,
        }
    }

    /// One new order of one of 1,000 clients; returns when a caller could answer.
    fn reserve(&self) {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        let now = self.clock.now();
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&n.to_le_bytes());
        let client_id = ClientId::new(format!("client-{}", n % 1_000)).unwrap();
        let order_id = OrderId::new(format!("order-{n}")).unwrap();
        let order = NewOrder {
            client_id: &client_id,
            order_id: &order_id,
            symbol: &Symbol::new("AAPL").unwrap(),
            side: Side::Buy,
            qty: Qty::parse("100").unwrap(),
            price: Price::parse("185.55").unwrap(),
            notional: Notional::parse("18555").unwrap(),
            digest,
            trace_id: [1; 16],
            now,
            expires: now.saturating_add_nanos(30_000_000_000),
            context: self.context,
        };
        let limit = Some(Notional::parse("1000000000000").unwrap());
        let judge = |_: &_| Judgement {
            allow: true,
            reasons: Vec::new(),
            max_exposure: limit,
        };
        loop {
            match self.ledger.decide(&order, judge) {
                Ok(Decided::New(decision)) => return self.ledger.wait(decision.seq).unwrap(),
                // The disk's turn: a relaxed caller is slowed down to its pace.
                Err(gate_state::DecideError::Overloaded) => std::thread::yield_now(),
                other => panic!("{other:?}"),
            }
        }
    }

    /// `count` orders by `threads` callers.
    fn run(&self, threads: u64, count: u64) -> Duration {
        let left = AtomicU64::new(count);
        let start = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while left
                        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1))
                        .is_ok()
                    {
                        self.reserve();
                    }
                });
            }
        });
        start.elapsed()
    }
}

fn reserve(c: &mut Criterion) {
    let mut group = c.benchmark_group("reserve");
    group.throughput(Throughput::Elements(100_000));
    group.sample_size(10);
    for (name, durability, threads) in [
        ("strict/64 callers", Durability::Strict, 64),
        ("relaxed/1 caller", Durability::Relaxed, 1),
    ] {
        let bench = Bench::new(durability);
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
