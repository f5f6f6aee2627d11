//! The load: callers that print each answer they get. Runs with the shim preloaded, until the power
//! fails or it is done.

use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use gate_state::{
    Decided, DecisionContext, Durability, Judgement, Ledger, LedgerConfig, NewFill, NewOrder,
};
use gate_types::{
    ClientId, Clock, ContractSize, ExecId, Notional, OrderId, Price, Qty, Side, Symbol,
};

use crate::clock::SystemClock;

pub(crate) const CALLERS: u64 = 4;
/// Orders of one caller in one life, and how many of them the next life repeats.
const ORDERS: u64 = 60;
const OVERLAP: u64 = 30;
/// Small, so that `relaxed` could lose more than it may.
pub(crate) const QUEUE: u64 = 16;

/// How the store is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Plain,
    /// The write-ahead log is lengthened at the start.
    Lengthened,
    /// Ended orders are forgotten at once, and the journal is pruned repeatedly.
    Pruned,
}

impl Kind {
    pub(crate) fn of(draw: u64) -> Self {
        match draw % 4 {
            0 => Self::Plain,
            1 => Self::Pruned,
            _ => Self::Lengthened,
        }
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Lengthened => "lengthened",
            Self::Pruned => "pruned",
        }
    }

    pub(crate) fn configure(self, config: &mut LedgerConfig) {
        match self {
            Self::Plain => {}
            Self::Lengthened => config.lengthen_wal = true,
            Self::Pruned => config.dedupe_window_ns = 0,
        }
    }
}

struct Load {
    ledger: Ledger,
    clock: Arc<SystemClock>,
    prunes: bool,
}

/// Arguments: directory, durability, which life, kind.
pub(crate) fn run(args: &[&str]) {
    let [dir, durability, life, kind] = args else {
        panic!("{args:?}");
    };
    let kinds = [Kind::Plain, Kind::Lengthened, Kind::Pruned];
    let kind = kinds.into_iter().find(|known| known.as_str() == *kind);
    let kind = kind.unwrap();
    let clock = Arc::new(SystemClock(Instant::now()));
    let mut config = LedgerConfig::new(dir);
    config.checkpoint_bytes = 64 * 1024;
    config.snapshot_every = 50;
    kind.configure(&mut config);
    if *durability == "relaxed" {
        config.durability = Durability::Relaxed;
        config.queue_capacity = QUEUE;
    }
    let mut opened = None;
    // Bounded: opening fails for as long as the disk does.
    for _ in 0..20 {
        opened = opened.or_else(|| Ledger::open(config.clone(), clock.clone()).ok());
    }
    let Some(ledger) = opened else {
        return;
    };
    let load = Load {
        ledger,
        clock,
        prunes: kind == Kind::Pruned,
    };
    let life: u64 = life.parse().unwrap();
    // Repeating a forgotten order would decide it anew.
    let step = if load.prunes { ORDERS } else { OVERLAP };
    std::thread::scope(|scope| {
        for caller in 0..CALLERS {
            let load = &load;
            scope.spawn(move || {
                for n in life * step..life * step + ORDERS {
                    // Bounded: a store that stays failed ends the load.
                    let done = (0..200).any(|_| load.attempt(caller, n).is_some());
                    if !done {
                        return;
                    }
                }
            });
        }
    });
    let _ = load.ledger.shutdown();
}

impl Load {
    /// Decides an order; some trade, some are released, some both. `None` if something was not
    /// durable; the caller then tries again.
    fn attempt(&self, caller: u64, n: u64) -> Option<()> {
        let (client, order) = (format!("c{}", n % 3), format!("{caller}-{n}"));
        let (client_id, order_id) = (ClientId::new(&client).ok()?, OrderId::new(&order).ok()?);
        // When pruning, ended orders are forgotten at once; one still remembered needs no decision.
        if !self.prunes || self.ledger.order(&client_id, &order_id).is_none() {
            self.decide(&client_id, &order_id)?;
        }
        tell("authorized", &client, &order);
        if n.is_multiple_of(2) {
            let fill = NewFill {
                client_id: &client_id,
                order_id: &order_id,
                exec_id: &ExecId::new("e").ok()?,
                qty: Qty::parse("1").ok()?,
                price: Price::parse("1").ok()?,
            };
            let filled = self.ledger.fill(&fill, |_| ContractSize::ONE);
            self.durable(filled.map(|filled| filled.seq))?;
            tell("filled", &client, &order);
        }
        if n.is_multiple_of(3) || self.prunes {
            let released = self.ledger.release(&client_id, &order_id, "canceled", None);
            self.durable(released.map(|released| released.wait_for))?;
            tell("released", &client, &order);
        }
        if n.is_multiple_of(20) {
            let _ = self.ledger.maintain();
        }
        if self.prunes && n.is_multiple_of(7) {
            let _ = self.ledger.prune(self.clock.now(), |_| vec![7]);
        }
        Some(())
    }

    fn decide(&self, client_id: &ClientId<'_>, order_id: &OrderId<'_>) -> Option<()> {
        let context = self.ledger.set_context(DecisionContext {
            policy_revision: "r".into(),
            policy_hash: [0; 32],
            engine: "builtin".into(),
            kid: "k".into(),
            iss: "i".into(),
            aud: "a".into(),
        });
        let context = context.map_err(|_| self.housekeep()).ok()?;
        let now = self.clock.now();
        let new = NewOrder {
            client_id,
            order_id,
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
        let decided = self.ledger.decide(&new, judge);
        self.durable(decided.map(|decided| match decided {
            Decided::New(decision) => decision.seq,
            Decided::Replayed { seq } => seq,
        }))
    }

    /// Waits until an outcome is durable; `None` if it failed.
    fn durable<E>(&self, outcome: Result<gate_state::Seq, E>) -> Option<()> {
        let waited = outcome.ok().and_then(|seq| self.ledger.wait(seq).ok());
        if waited.is_none() {
            self.housekeep();
        }
        waited
    }

    /// Recovers a failed journal; also yields to others.
    fn housekeep(&self) {
        if self.ledger.maintain().is_ok_and(|done| done.recovered) {
            tell("recovered", "-", "-");
        }
        std::thread::yield_now();
    }
}

fn tell(what: &str, client: &str, order: &str) {
    let line = format!("{what} {client} {order}\n");
    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
}
