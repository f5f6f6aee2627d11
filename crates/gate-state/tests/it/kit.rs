//! A ledger in a directory of its own, and orders for it.

use std::path::Path;
use std::sync::Arc;

use gate_state::{
    ContextId, DecideError, Decided, Decision, DecisionContext, Durability, Exposure, FillError,
    Filled, Judgement, Ledger, LedgerConfig, NewFill, NewOrder, OpenError, ReleaseError, Seq,
};
use gate_types::{
    ClientId, ContractSize, ExecId, ManualClock, Notional, OrderId, Price, Qty, Side, Symbol,
    Timestamp,
};

pub(crate) struct Kit {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) ledger: Ledger,
    pub(crate) context: ContextId,
}

pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(Timestamp::from_unix_seconds(1_700_000_000)))
}

pub(crate) fn context() -> DecisionContext {
    DecisionContext {
        policy_revision: "r1".into(),
        policy_hash: [7; 32],
        engine: "builtin".into(),
        kid: "k1".into(),
        iss: "gate".into(),
        aud: "venue".into(),
    }
}

impl Kit {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn relaxed() -> Self {
        Self::with(|config| config.durability = Durability::Relaxed)
    }

    pub(crate) fn with(change: impl FnOnce(&mut LedgerConfig)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = clock();
        let mut config = LedgerConfig::new(dir.path());
        change(&mut config);
        let ledger = Ledger::open(config, clock.clone()).unwrap();
        let context = ledger.set_context(context()).unwrap();
        Self {
            dir,
            clock,
            ledger,
            context,
        }
    }

    /// A second ledger over a copy of the files as they are now: what a crash would leave.
    pub(crate) fn crashed_copy(&self) -> (tempfile::TempDir, Ledger) {
        let copy = tempfile::tempdir().unwrap();
        copy_store(self.dir.path(), copy.path());
        let ledger = Ledger::open(LedgerConfig::new(copy.path()), self.clock.clone()).unwrap();
        (copy, ledger)
    }

    /// Decides an order of one unit of `amount`, with the given limit, without waiting.
    pub(crate) fn decide(
        &self,
        client: &str,
        order: &str,
        amount: &str,
        limit: Option<&str>,
    ) -> Result<Decided, DecideError> {
        let limit = limit.map(|limit| Notional::parse(limit).unwrap());
        self.order(client, order, "1", amount, |order| {
            self.ledger.decide(order, |_| allow(limit))
        })
    }

    /// Like `decide`, for an order that must be new; waits until it is durable.
    pub(crate) fn authorize(&self, client: &str, order: &str, amount: &str) -> Decision {
        let decided = self.decide(client, order, amount, None).unwrap();
        let Decided::New(decision) = decided else {
            panic!("{decided:?}")
        };
        self.ledger.wait(decision.seq).unwrap();
        decision
    }

    pub(crate) fn order<T>(
        &self,
        client: &str,
        order: &str,
        qty: &str,
        amount: &str,
        then: impl FnOnce(&NewOrder<'_>) -> T,
    ) -> T {
        let now = gate_types::Clock::now(&*self.clock);
        let mut digest = [0; 32];
        for (byte, from) in digest.iter_mut().zip(amount.bytes().chain(qty.bytes())) {
            *byte = from;
        }
        then(&NewOrder {
            client_id: &ClientId::new(client).unwrap(),
            order_id: &OrderId::new(order).unwrap(),
            symbol: &Symbol::new("AAPL").unwrap(),
            side: Side::Buy,
            qty: Qty::parse(qty).unwrap(),
            price: Price::parse(amount).unwrap(),
            notional: Notional::parse(amount).unwrap(),
            digest,
            trace_id: [3; 16],
            now,
            expires: now.saturating_add_nanos(30_000_000_000),
            context: self.context,
        })
    }

    /// Releases some of an order, or all that is open: the record's number, and the hold given back.
    pub(crate) fn release(
        &self,
        client: &str,
        order: &str,
        qty: Option<&str>,
    ) -> Result<(Option<Seq>, String), ReleaseError> {
        let qty = qty.map(|qty| Qty::parse(qty).unwrap());
        let (client, order) = (ClientId::new(client).unwrap(), OrderId::new(order).unwrap());
        let released = self.ledger.release(&client, &order, "canceled", qty)?;
        self.ledger.wait(released.wait_for).unwrap();
        Ok((released.seq, released.freed.to_string()))
    }

    /// A fill of an order of the client `c1`.
    pub(crate) fn fill(
        &self,
        order: &str,
        exec: &str,
        qty: &str,
        price: &str,
    ) -> Result<Filled, FillError> {
        let fill = NewFill {
            client_id: &ClientId::new("c1").unwrap(),
            order_id: &OrderId::new(order).unwrap(),
            exec_id: &ExecId::new(exec).unwrap(),
            qty: Qty::parse(qty).unwrap(),
            price: Price::parse(price).unwrap(),
        };
        self.ledger.fill(&fill, |_| ContractSize::ONE)
    }

    /// Restarts on the same store.
    pub(crate) fn reopen(self) -> Result<(tempfile::TempDir, Ledger), OpenError> {
        let Self {
            dir, ledger, clock, ..
        } = self;
        drop(ledger);
        let ledger = Ledger::open(LedgerConfig::new(dir.path()), clock)?;
        Ok((dir, ledger))
    }

    pub(crate) fn exposure(&self, client: &str) -> Exposure {
        exposure(&self.ledger, client)
    }
}

pub(crate) fn exposure(ledger: &Ledger, client: &str) -> Exposure {
    ledger.exposure(&ClientId::new(client).unwrap())
}

pub(crate) fn allow(max_exposure: Option<Notional>) -> Judgement {
    Judgement {
        allow: true,
        reasons: Vec::new(),
        max_exposure,
    }
}

pub(crate) fn copy_store(from: &Path, to: &Path) {
    for name in ["ledger.db", "ledger.db-wal", "ledger.snapshot"] {
        if from.join(name).exists() {
            std::fs::copy(from.join(name), to.join(name)).unwrap();
        }
    }
}
