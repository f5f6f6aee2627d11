//! Random histories against the naive model: every invariant, after every event.

mod step;

use std::collections::BTreeMap;
use std::sync::Arc;

use gate_state::{
    ContextId, DecideError, Decided, Durability, FillError, KillRecord, KillScope, Ledger,
    LedgerConfig, NewFill, NewOrder, Phase, PositionError, ReleaseError, SetPosition, Status,
};
use gate_types::{
    ClientId, Clock, ContractSize, Decimal, ExecId, ManualClock, NetNotional, Notional, OrderId,
    Price, Qty, Side, Symbol,
};
use proptest::prelude::*;

use crate::kit;
use crate::model::{Model, Outcome, Reserve, SECOND};
use step::{CLIENTS, Step, step};

struct Run {
    dir: tempfile::TempDir,
    config: LedgerConfig,
    clock: Arc<ManualClock>,
    ledger: Option<Ledger>,
    context: ContextId,
    model: Model,
    endings: BTreeMap<(u8, u64), Phase>,
}

fn money(micros: u128) -> Notional {
    Notional::from_micros(micros).unwrap()
}

fn net(micros: i128) -> NetNotional {
    NetNotional::from_micros(micros).unwrap()
}

fn tenths(tenths: u128) -> Qty {
    Qty::new(Decimal::from_nanos(tenths * 100_000_000).unwrap()).unwrap()
}

impl Run {
    fn new(grace: Option<u64>, durability: Durability) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = kit::clock();
        let mut config = LedgerConfig::new(dir.path());
        config.dedupe_window_ns = 60 * SECOND;
        config.in_doubt_release_ns = grace;
        config.durability = durability;
        let ledger = Ledger::open(config.clone(), clock.clone()).unwrap();
        let context = ledger.set_context(kit::context()).unwrap();
        let model = Model {
            records: 1,
            window: config.dedupe_window_ns,
            ..Model::default()
        };
        let ledger = Some(ledger);
        Self {
            dir,
            config,
            clock,
            ledger,
            context,
            model,
            endings: BTreeMap::new(),
        }
    }

    fn ledger(&self) -> &Ledger {
        self.ledger.as_ref().unwrap()
    }

    fn now(&self) -> u64 {
        self.clock.now().unix_nanos()
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Reserve {
                client,
                order,
                variant,
            } => self.reserve(client, order, variant),
            Step::Fill {
                client,
                order,
                exec,
                qty,
                price,
            } => {
                self.fill((client, order), exec, qty, price);
            }
            Step::Release {
                client,
                order,
                reason,
                qty,
            } => {
                self.release((client, order), reason, qty);
            }
            Step::Kill { kind, which, on } => self.kill(kind, which, on),
            Step::Position {
                client,
                symbol,
                net,
                expected,
            } => self.set_position((client, symbol), net, expected),
            Step::Limit { client, limit } => {
                self.model.limits.insert(client, limit);
            }
            Step::Wait { ns } => self.clock.advance_ns(ns),
            Step::Maintain => {
                for _ in 0..16 {
                    self.ledger().maintain().unwrap();
                }
                let now = self.now();
                self.model.maintain(self.config.in_doubt_release_ns, now);
                let orders = self.model.orders.values();
                let doubtful: Vec<_> = orders.filter(|order| order.is_in_doubt(now)).collect();
                let in_doubt = self.ledger().in_doubt();
                assert_eq!(in_doubt.orders, doubtful.len() as u64);
                let held: u128 = doubtful.iter().map(|order| order.held()).sum();
                assert_eq!(in_doubt.held.micros(), held);
            }
            Step::Restart { crash } => self.restart(crash),
            Step::Snapshot => {
                self.ledger().snapshot().unwrap();
            }
        }
    }

    fn reserve(&mut self, client: u8, order: u8, variant: u8) {
        let now = self.clock.now();
        // An order's content follows from its name and variant alone.
        let r = Reserve {
            key: (client, order),
            variant,
            symbol: order % 2,
            buy: !(order + variant).is_multiple_of(3),
            qty: u128::from(order) * 3 + 7,
            amount: u128::from(order) * 1_333_333 + 1_000_001,
        };
        let expected = self.model.reserve(&r, now.unix_nanos());
        let limit = self.model.limits.get(&client).copied().map(money);
        let decided = self.ledger().decide(
            &NewOrder {
                client_id: &name(client),
                order_id: &OrderId::new(format!("o{order}")).unwrap(),
                symbol: &Symbol::new(format!("S{}", r.symbol)).unwrap(),
                side: if r.buy { Side::Buy } else { Side::Sell },
                qty: tenths(r.qty),
                price: Price::parse("1").unwrap(),
                notional: money(r.amount),
                digest: [variant; 32],
                trace_id: [order; 16],
                now,
                expires: now.saturating_add_nanos(30 * SECOND),
                context: self.context,
            },
            |_| kit::allow(limit),
        );
        let actual = match decided {
            Ok(Decided::Replayed { seq }) => Outcome::Replayed(seq.get()),
            Err(DecideError::Conflict { seq }) => Outcome::Conflict(seq.get()),
            Ok(Decided::New(decision)) => {
                let authorized = decision.status == Status::Authorized;
                if let (true, Some(limit)) = (authorized, limit) {
                    assert!(decision.after.gross <= limit);
                }
                assert_eq!(decision.after, self.ledger().exposure(&name(client)));
                self.ledger().wait(decision.seq).unwrap();
                let reason = decision.reasons.first();
                let known = [
                    "kill_switch_all",
                    "kill_switch_client",
                    "kill_switch_symbol",
                    "max_exposure",
                ];
                let reason = reason.map(|r| *known.iter().find(|k| *k == r).unwrap());
                Outcome::New { authorized, reason }
            }
            Err(error) => panic!("{error}"),
        };
        assert_eq!(actual, expected);
    }

    fn release(&mut self, key: (u8, u8), reason: u8, qty: Option<u128>) {
        let now = self.now();
        let expected = self.model.release(key, reason, qty, now);
        let order = OrderId::new(format!("o{}", key.1)).unwrap();
        let released =
            self.ledger()
                .release(&name(key.0), &order, &format!("r{reason}"), qty.map(tenths));
        let actual = match released {
            Err(ReleaseError::UnknownOrder) => Outcome::Unknown,
            Ok(released) if released.seq.is_none() => Outcome::Repeated,
            Ok(released) => Outcome::Applied {
                freed: released.freed.micros(),
                late: false,
                over: false,
            },
            Err(error) => panic!("{error}"),
        };
        assert_eq!(actual, expected);
    }

    fn fill(&mut self, key: (u8, u8), exec: u8, qty: u128, price: u128) {
        let now = self.now();
        let expected = self.model.fill(key, exec, qty, price, now);
        let fill = self.ledger().fill(
            &NewFill {
                client_id: &name(key.0),
                order_id: &OrderId::new(format!("o{}", key.1)).unwrap(),
                exec_id: &ExecId::new(format!("e{exec}")).unwrap(),
                qty: tenths(qty),
                price: Price::parse(&price.to_string()).unwrap(),
            },
            |symbol| {
                assert_eq!(symbol, format!("S{}", key.1 % 2));
                ContractSize::ONE
            },
        );
        let actual = match fill {
            Err(FillError::UnknownOrder) => Outcome::Unknown,
            Err(FillError::BlockedOrder) => Outcome::Blocked,
            Err(FillError::Conflict { .. }) => Outcome::Conflict(0),
            Ok(filled) if filled.repeated => Outcome::Repeated,
            Ok(filled) => Outcome::Applied {
                freed: filled.converted.micros(),
                late: filled.late,
                over: filled.over,
            },
            Err(error) => panic!("{error}"),
        };
        assert_eq!(actual, expected);
    }

    fn kill(&mut self, kind: u8, which: u8, on: bool) {
        let which = if kind == 0 { 0 } else { which };
        let scope = match kind {
            0 => KillScope::All,
            1 => KillScope::Client(format!("c{which}").into()),
            _ => KillScope::Symbol(format!("S{which}").into()),
        };
        let kill = KillRecord {
            scope,
            on,
            actor: "ops".into(),
            reason: "test".into(),
        };
        let switched = self.ledger().kill(&kill).unwrap();
        self.model.records += 1;
        let changed = if on {
            self.model.kills.insert((kind, which))
        } else {
            self.model.kills.remove(&(kind, which))
        };
        assert_eq!(switched.changed, changed);
        assert_eq!(self.ledger().kills().len(), self.model.kills.len());
    }

    fn set_position(&mut self, key: (u8, u8), to: i128, expected: Option<i128>) {
        let outcome = self.model.set_position(key, to, expected);
        let set = self.ledger().set_position(&SetPosition {
            client_id: &name(key.0),
            symbol: &Symbol::new(format!("S{}", key.1)).unwrap(),
            net: net(to),
            expected: expected.map(net),
            actor: "ops",
            reason: "test",
        });
        let actual = match set {
            Err(PositionError::Unexpected { found }) => Outcome::Unexpected(found.micros()),
            Ok(set) if set.seq.is_none() => Outcome::Repeated,
            Ok(set) => Outcome::Set(set.before.micros()),
            Err(error) => panic!("{error}"),
        };
        assert_eq!(actual, outcome);
    }

    fn restart(&mut self, crash: bool) {
        let ledger = self.ledger.take().unwrap();
        let hash = ledger.state_hash();
        if crash {
            // Wait until all is durable: a copy is then what kill -9 leaves.
            let last = gate_state::Seq::new(self.model.records);
            while ledger.durable_seq() < last {
                std::thread::yield_now();
            }
            let copy = tempfile::tempdir().unwrap();
            kit::copy_store(self.dir.path(), copy.path());
            drop(ledger);
            self.dir = copy;
            self.config.dir = self.dir.path().to_owned();
        } else {
            ledger.shutdown().unwrap();
            drop(ledger);
        }
        let ledger = Ledger::open(self.config.clone(), self.clock.clone()).unwrap();
        assert_eq!(ledger.state_hash(), hash, "replay gives the same state");
        self.ledger = Some(ledger);
    }

    fn check(&mut self) {
        let now = self.now();
        for client in 0..CLIENTS {
            let exposure = self.ledger().exposure(&name(client));
            let (reserved, filled, open) = self.model.totals(client);
            assert_eq!(exposure.reserved.micros(), reserved);
            assert_eq!(exposure.filled.micros(), filled);
            assert_eq!(exposure.gross.micros(), reserved + filled);
            assert_eq!(exposure.open_orders, open);
            assert_eq!(exposure.orders_last_second, self.model.rate(client, now));
            let positions = self.ledger().positions(&name(client));
            let positions = positions.iter().map(|(symbol, net)| (&**symbol, *net));
            let expected = self.model.positions(client);
            let expected: Vec<_> = expected
                .into_iter()
                .map(|(symbol, to)| (format!("S{symbol}"), net(to)))
                .collect();
            assert!(positions.eq(expected.iter().map(|(symbol, to)| (&**symbol, *to))));
        }
        for (key, order) in &self.model.orders {
            let id = OrderId::new(format!("o{}", key.1)).unwrap();
            let state = self.ledger().order(&name(key.0), &id);
            if order
                .ended_at
                .is_some_and(|at| at + self.model.window <= now)
            {
                assert_eq!(state, None);
                continue;
            }
            let state = state.unwrap();
            assert_eq!(state.decision.get(), order.seq);
            assert_eq!(state.phase, order.phase);
            assert_eq!(state.held.micros(), order.held());
            assert_eq!(state.open.nanos(), order.open() * 100_000_000);
            let filled = (order.filled + order.over) * 100_000_000;
            assert_eq!(state.filled.nanos(), filled);
            assert_eq!(state.in_doubt, order.is_in_doubt(now));
            // H₀ = converted + released + H; H = 0 once it ended.
            assert_eq!(
                order.initial,
                order.converted + order.released + order.held()
            );
            // It ends at most once: the first phase after `live` stays.
            if order.phase != Phase::Live {
                let first = *self
                    .endings
                    .entry((key.0, order.seq))
                    .or_insert(state.phase);
                assert_eq!(first, state.phase);
            }
        }
    }
}

fn name(client: u8) -> ClientId<'static> {
    ClientId::new(format!("c{client}")).unwrap()
}

fn run(steps: &[Step], grace: Option<u64>, durability: Durability) {
    let mut run = Run::new(grace, durability);
    for step in steps {
        run.step(step);
        run.check();
    }
    run.restart(false);
    run.check();
    assert_eq!(
        run.ledger().durable_seq().get(),
        run.model.records,
        "no gap, none extra"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_history_agrees_with_the_model(
        steps in proptest::collection::vec(step(), 1..60),
        grace in proptest::option::of(0_u64..20 * SECOND),
        relaxed in any::<bool>(),
    ) {
        run(&steps, grace, if relaxed { Durability::Relaxed } else { Durability::Strict });
    }
}
