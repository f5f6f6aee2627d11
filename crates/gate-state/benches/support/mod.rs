//! Shared by the benches: a ledger in a directory of its own, orders for it, and targets beside the
//! figures.

mod clock;

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use gate_state::{
    ContextId, Decided, DecisionContext, Durability, Judgement, Ledger, LedgerConfig, NewOrder,
};
use gate_types::{ClientId, Clock, Notional, OrderId, Price, Qty, Side, Symbol};

pub(crate) use clock::SystemClock;

/// Prints a figure beside its target.
pub(crate) fn verdict(what: &str, figure: impl Display, target: impl Display, met: bool) {
    let word = if met { "met" } else { "MISSED" };
    println!("{what}: {figure} (target {target}): {word}");
}

/// Microseconds that all threads of this process have run so far; other processes hardly change
/// it.
pub(crate) fn cpu_us() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = |n| -> u64 {
        let field = after_name.split_whitespace().nth(n);
        field.and_then(|text| text.parse().ok()).unwrap_or_default()
    };
    // Time in user mode and in the system, at a hundred ticks a second.
    (ticks(11) + ticks(12)) * 10_000
}

/// The upper median.
pub(crate) fn median<T: PartialOrd + Copy>(values: &[T]) -> T {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| a.partial_cmp(b).unwrap());
    sorted.get(sorted.len() / 2).copied().unwrap()
}

/// The sidecar's settings.
pub(crate) fn config(dir: &Path, durability: Durability) -> LedgerConfig {
    let mut config = LedgerConfig::new(dir);
    config.durability = durability;
    config.lengthen_wal = true;
    config.writer_priority = 10;
    config
}

/// A directory where `LEDGER_BENCH_DIR` says, or else under `target/`: usually a real disk, while
/// the system's temporary directory is often in memory.
fn directory() -> tempfile::TempDir {
    let base = std::env::var_os("LEDGER_BENCH_DIR")
        .map_or_else(|| env!("CARGO_TARGET_TMPDIR").into(), PathBuf::from);
    std::fs::create_dir_all(&base).unwrap();
    tempfile::tempdir_in(base).unwrap()
}

/// Microseconds of one synced write of 16 KiB within a file's length, median of 200: the disk's
/// speed now. On a busy machine it includes a wait for a core.
pub(crate) fn sync_us() -> u128 {
    use std::os::unix::fs::FileExt as _;
    let dir = directory();
    let file = std::fs::File::create(dir.path().join("probe")).unwrap();
    let bytes = vec![1; 16 << 10];
    (0..200).for_each(|n| file.write_all_at(&bytes, n << 14).unwrap());
    file.sync_all().unwrap();
    let times: Vec<_> = (0..200)
        .map(|n| {
            let start = Instant::now();
            file.write_all_at(&bytes, n << 14).unwrap();
            file.sync_data().unwrap();
            start.elapsed().as_micros()
        })
        .collect();
    median(&times)
}

pub(crate) struct Bench {
    pub(crate) ledger: Ledger,
    pub(crate) dir: tempfile::TempDir,
    clock: Arc<SystemClock>,
    context: ContextId,
    clients: u64,
    next: AtomicU64,
}

impl Bench {
    /// An empty ledger; its orders go round `clients`.
    pub(crate) fn new(durability: Durability, clients: u64) -> Self {
        let dir = directory();
        let clock = Arc::new(SystemClock(Instant::now()));
        let ledger = Ledger::open(config(dir.path(), durability), clock.clone()).unwrap();
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
            clients,
            next: AtomicU64::new(0),
            dir,
        }
    }

    /// Reopens the same store.
    pub(crate) fn reopen(self, durability: Durability) -> Self {
        let Self {
            ledger,
            dir,
            clock,
            context,
            clients,
            next,
        } = self;
        drop(ledger);
        let ledger = Ledger::open(config(dir.path(), durability), clock.clone()).unwrap();
        Self {
            ledger,
            dir,
            clock,
            context,
            clients,
            next,
        }
    }

    /// Decides one new order; returns when a caller could answer.
    pub(crate) fn reserve(&self) {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        let now = self.clock.now();
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&n.to_le_bytes());
        let client_id = ClientId::new(format!("client-{}", n % self.clients)).unwrap();
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
                // The queue is full: a relaxed caller slows down to the disk's pace.
                Err(gate_state::DecideError::Overloaded) => std::thread::yield_now(),
                other => panic!("{other:?}"),
            }
        }
    }

    /// Decides `count` orders with `threads` callers.
    pub(crate) fn run(&self, threads: u64, count: u64) -> Duration {
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
