//! Power loss, seeded and repeatable: a ledger under load over a disk that forgets what was not
//! synced (`xtask/powerloss/shim.c`), then a look at what is left.
//!
//! `cargo run --release -p gate-state --example powerloss -- SEEDS [strict|relaxed] [lie|sync|full] [FIRST]`
//!
//! `lie`: syncs do nothing, so losses must be reported. `sync`, `full`: syncs fail, or the disk
//! is full, for a while before the power fails. Exits with 1 when anything was lost or doubled.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a harness fails by panicking and reports on its output"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use gate_state::{
    Decided, DecisionContext, Durability, Journal, Judgement, Ledger, LedgerConfig, LineRecord,
    NewOrder, Seq,
};
use gate_types::{ClientId, Clock, Notional, OrderId, Price, Qty, Side, Symbol, Timestamp};

const CALLERS: u64 = 4;
const ORDERS: u64 = 60;
/// Small, so that the loss window of `relaxed` is one that can be exceeded.
const QUEUE: u64 = 16;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let arg = |n: usize| args.get(n).map_or("", String::as_str);
    if arg(0) == "load" {
        return load(Path::new(arg(1)), arg(2) == "relaxed");
    }
    let seeds: u64 = arg(0).parse().unwrap_or(100);
    let relaxed = args.iter().any(|arg| arg == "relaxed");
    let trouble = ["lie", "sync", "full"]
        .into_iter()
        .find(|word| args.iter().any(|arg| arg == word));
    let first: u64 = args
        .iter()
        .skip(1)
        .find_map(|arg| arg.parse().ok())
        .unwrap_or(1);

    let work = tempfile::tempdir().unwrap();
    let shim = compile(work.path());
    let mut total = Outcome::default();
    for seed in first..first + seeds {
        let outcome = round(work.path(), &shim, seed, relaxed, trouble);
        if outcome.lost > 0 || outcome.doubled > 0 || !outcome.sound {
            println!("seed {seed}: {outcome:?}");
        }
        total.add(&outcome);
    }
    let mode = if relaxed { "relaxed" } else { "strict" };
    println!(
        "{seeds} seeds, {mode}, {}: {total:?}",
        trouble.unwrap_or("power loss only")
    );
    let window = if relaxed { QUEUE } else { 0 };
    let good = total.sound && total.doubled == 0 && total.worst <= window;
    std::process::exit(i32::from(!good));
}

#[derive(Debug)]
struct Outcome {
    /// Rounds in which the power failed before the load was done.
    cut_short: u64,
    /// Failures of the journal that it came back from.
    recovered: u64,
    /// Decisions and releases that a caller was told of.
    told: u64,
    /// Of those, not there afterwards.
    lost: u64,
    /// Most lost in one round.
    worst: u64,
    /// Orders decided twice.
    doubled: u64,
    /// Chain and database intact, and the store opens.
    sound: bool,
}

impl Default for Outcome {
    fn default() -> Self {
        Self {
            cut_short: 0,
            recovered: 0,
            told: 0,
            lost: 0,
            worst: 0,
            doubled: 0,
            sound: true,
        }
    }
}

impl Outcome {
    fn add(&mut self, other: &Self) {
        self.cut_short += other.cut_short;
        self.recovered += other.recovered;
        self.told += other.told;
        self.lost += other.lost;
        self.worst = self.worst.max(other.worst);
        self.doubled += other.doubled;
        self.sound &= other.sound;
    }
}

fn compile(into: &Path) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../xtask/powerloss/shim.c");
    let shim = into.join("shim.so");
    let built = Command::new("cc")
        .args(["-O2", "-fPIC", "-shared", "-o"])
        .arg(&shim)
        .arg(source)
        .args(["-ldl", "-lpthread"])
        .status();
    assert!(built.unwrap().success(), "the shim does not compile");
    shim
}

/// One load with a power failure in it, and what is left.
fn round(work: &Path, shim: &Path, seed: u64, relaxed: bool, trouble: Option<&str>) -> Outcome {
    let (dir, copy) = (work.join("dir"), work.join("copy"));
    for dir in [&dir, &copy] {
        let _ = std::fs::remove_dir_all(dir);
        std::fs::create_dir(dir).unwrap();
    }
    // SplitMix64: where the power fails, and the trouble before that.
    let mix = |n: u64| {
        let z = (seed * 8 + n).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z ^ (z >> 27)
    };
    let at = 10 + mix(0) % 1_500;
    let mut load = Command::new(std::env::current_exe().unwrap());
    load.arg("load")
        .arg(&dir)
        .arg(if relaxed { "relaxed" } else { "strict" })
        .env("LD_PRELOAD", shim)
        .env("POWERLOSS_DIR", &dir)
        .env("POWERLOSS_COPY", &copy)
        .env("POWERLOSS_SEED", seed.to_string())
        .env("POWERLOSS_AT", at.to_string())
        .stderr(Stdio::null());
    match trouble {
        Some("lie") => {
            load.env("POWERLOSS_LIE", "1");
        }
        Some(kind) => {
            load.env("POWERLOSS_FAIL", kind)
                .env("POWERLOSS_FAIL_AT", (60 + mix(1) % at).to_string())
                .env("POWERLOSS_FAIL_FOR", (1 + mix(2) % 8).to_string());
        }
        None => {}
    }
    let output = load.output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let mut outcome = inspect(&copy, &told);
    outcome.cut_short = u64::from(output.status.code() == Some(137));
    outcome
}

/// Compares what callers were told with what is in the store.
fn inspect(dir: &Path, told: &str) -> Outcome {
    let mut outcome = Outcome::default();
    // A line that the end of the process cut short was never told.
    let lines = told
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'));
    let told: Vec<Vec<&str>> = lines
        .map(|line| line.split_whitespace().collect())
        .collect();
    outcome.told = u64::try_from(told.len()).unwrap();

    let config = LedgerConfig::new(dir);
    let ledger = match Ledger::open(config, Arc::new(SystemClock(Instant::now()))) {
        Ok(ledger) => ledger,
        Err(error) => {
            println!("cannot be opened: {error:?}");
            outcome.sound = false;
            outcome.lost = outcome.told;
            outcome.worst = outcome.told;
            return outcome;
        }
    };
    let released: BTreeSet<_> = told
        .iter()
        .filter(|words| words.first() == Some(&"released"))
        .map(|words| (words.get(1), words.get(2)))
        .collect();
    for words in &told {
        let [what, client, order] = words.as_slice() else {
            panic!("{words:?}");
        };
        let (client_id, order_id) = (
            ClientId::new(*client).unwrap(),
            OrderId::new(*order).unwrap(),
        );
        let state = ledger.order(&client_id, &order_id);
        let there = match *what {
            "recovered" => {
                outcome.recovered += 1;
                continue;
            }
            "released" => state.is_some_and(|state| state.held == Notional::ZERO),
            _ if released.contains(&(Some(client), Some(order))) => state.is_some(),
            // Its release may be there without anyone having been told.
            _ => state.is_some_and(|state| state.held > Notional::ZERO || state.ended_at.is_some()),
        };
        outcome.lost += u64::from(!there);
    }
    outcome.worst = outcome.lost;
    ledger.shutdown().unwrap();
    drop(ledger);

    let conn = rusqlite::Connection::open(dir.join("ledger.db")).unwrap();
    let check: String = conn
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    let journal = Journal::open(dir).unwrap();
    let mut decided: BTreeMap<(String, String), u64> = BTreeMap::new();
    for line in journal.lines(Seq::ZERO).unwrap() {
        match line {
            Ok(line) => {
                if let LineRecord::Decision(decision) = line.what {
                    let key = (decision.client_id, decision.client_order_id);
                    *decided.entry(key).or_default() += 1;
                }
            }
            Err(error) => {
                println!("journal: {error}");
                outcome.sound = false;
            }
        }
    }
    let twice = decided.values().filter(|count| **count > 1).count();
    outcome.doubled = u64::try_from(twice).unwrap();
    outcome.sound &= check == "ok";
    outcome
}

/// The load: callers who tell (on the standard output) what they were told.
fn load(dir: &Path, relaxed: bool) {
    let clock = Arc::new(SystemClock(Instant::now()));
    let mut config = LedgerConfig::new(dir);
    config.checkpoint_bytes = 64 * 1024;
    config.snapshot_every = 50;
    if relaxed {
        config.durability = Durability::Relaxed;
        config.queue_capacity = QUEUE;
    }
    let Ok(ledger) = Ledger::open(config, clock.clone()) else {
        return;
    };
    std::thread::scope(|scope| {
        for caller in 0..CALLERS {
            let (ledger, clock) = (&ledger, &clock);
            scope.spawn(move || {
                for n in 0..ORDERS {
                    // Bounded: a store that does not come back ends the load.
                    let done = (0..200).any(|_| attempt(ledger, clock, caller, n).is_some());
                    if !done {
                        return;
                    }
                }
            });
        }
    });
    let _ = ledger.shutdown();
}

/// Decides an order (every third is released, too). `None` when it was not durable; the same
/// order is then tried again.
fn attempt(ledger: &Ledger, clock: &SystemClock, caller: u64, n: u64) -> Option<()> {
    let again = |_| {
        // The journal failed: what housekeeping would do. Also lets others go on.
        if ledger.maintain().is_ok_and(|done| done.recovered) {
            tell("recovered", "-", "-");
        }
        std::thread::yield_now();
    };
    let context = DecisionContext {
        policy_revision: "r".into(),
        policy_hash: [0; 32],
        engine: "builtin".into(),
        kid: "k".into(),
        iss: "i".into(),
        aud: "a".into(),
    };
    let (client, order) = (format!("c{}", n % 3), format!("{caller}-{n}"));
    let (client_id, order_id) = (ClientId::new(&client).ok()?, OrderId::new(&order).ok()?);
    let now = clock.now();
    let context = ledger.set_context(context).map_err(|_| again(())).ok()?;
    let new = NewOrder {
        client_id: &client_id,
        order_id: &order_id,
        symbol: &Symbol::new("AAPL").ok()?,
        side: Side::Buy,
        qty: Qty::parse("3").ok()?,
        price: Price::parse("1").ok()?,
        notional: Notional::parse("3").ok()?,
        digest: [1; 32],
        trace_id: [2; 16],
        now,
        expires: now.saturating_add_nanos(1_000_000_000_000),
        context,
    };
    let judge = |_: &_| Judgement {
        allow: true,
        reasons: Vec::new(),
        max_exposure: None,
    };
    let seq = match ledger.decide(&new, judge).map_err(|_| again(())).ok()? {
        Decided::New(decision) => decision.seq,
        Decided::Replayed { seq } => seq,
    };
    ledger.wait(seq).map_err(|_| again(())).ok()?;
    tell("authorized", &client, &order);
    if n.is_multiple_of(3) {
        let released = ledger.release(&client_id, &order_id, "canceled", None);
        let wait_for = released.map_err(|_| again(())).ok()?.wait_for;
        ledger.wait(wait_for).map_err(|_| again(())).ok()?;
        tell("released", &client, &order);
    }
    if n.is_multiple_of(20) {
        let _ = ledger.maintain();
    }
    Some(())
}

fn tell(what: &str, client: &str, order: &str) {
    let line = format!("{what} {client} {order}\n");
    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
}

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
