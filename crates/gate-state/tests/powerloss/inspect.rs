//! Checks what a power failure left against what callers had been told.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use gate_state::{Journal, Ledger, LedgerConfig, LineRecord, Seq};
use gate_types::{ClientId, Decimal, Notional, OrderId};

use crate::clock::SystemClock;
use crate::life::LIVES;
use crate::load::{CALLERS, Kind};

/// Sums over some seeds.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    lives: u64,
    /// Lives in which the power failed before the load was done.
    pub(crate) cut_short: u64,
    /// Failures of the journal that were recovered.
    recovered: u64,
    /// Answers told: decisions, fills and releases.
    told: u64,
    /// Answers told that were not there afterwards.
    lost: u64,
    /// Most answers lost by one power failure.
    worst: u64,
    /// Orders decided, or executions applied, twice.
    doubled: u64,
    /// Examples of lost answers.
    pub(crate) examples: Vec<String>,
    /// All other errors.
    pub(crate) faults: Vec<String>,
}

impl Outcome {
    pub(crate) fn add(&mut self, other: Self) {
        self.lives += other.lives;
        self.cut_short += other.cut_short;
        self.recovered += other.recovered;
        self.told += other.told;
        self.lost += other.lost;
        self.worst = self.worst.max(other.worst);
        self.doubled += other.doubled;
        self.examples.extend(other.examples);
        self.examples.truncate(5);
        self.faults.extend(other.faults);
    }

    /// Whether nothing is wrong; one power failure may lose up to `window` answers.
    pub(crate) fn is_good(&self, window: u64) -> bool {
        self.worst <= window && self.doubled == 0 && self.faults.is_empty()
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            lives,
            cut_short,
            recovered,
            told,
            lost,
            worst,
            doubled,
            faults,
            ..
        } = self;
        write!(
            f,
            "{cut_short} power failures under load in {lives} lives, {recovered} recoveries, \
             {told} answers: {lost} lost (at most {worst} at once), {doubled} doubled, {} faults",
            faults.len()
        )
    }
}

#[derive(Debug)]
struct Answer {
    life: u64,
    what: String,
    client: String,
    order: String,
    lost: bool,
}

/// The answers told in the lives so far.
#[derive(Debug, Default)]
pub(crate) struct Told {
    answers: Vec<Answer>,
    /// Of the newest life.
    life: u64,
    recovered: u64,
    /// In any life.
    recovered_ever: bool,
    /// Executions lost so far, where answers cannot be checked one by one.
    missing: u64,
}

impl Told {
    /// Adds the output of a life's load.
    pub(crate) fn add(&mut self, life: u64, lines: &str) {
        let mut said = BTreeSet::new();
        (self.life, self.recovered) = (life, 0);
        // A line cut short by the end of the process was never told.
        let lines = lines.split_inclusive('\n');
        for line in lines.filter(|line| line.ends_with('\n')) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [what, client, order] = words.as_slice() else {
                panic!("`{line}`");
            };
            if *what == "recovered" {
                self.recovered += 1;
                self.recovered_ever = true;
                continue;
            }
            // A repeated attempt is told the same record again.
            if said.insert((what.to_owned(), client.to_owned(), order.to_owned())) {
                self.answers.push(Answer {
                    life,
                    what: (*what).to_owned(),
                    client: (*client).to_owned(),
                    order: (*order).to_owned(),
                    lost: false,
                });
            }
        }
    }

    fn of_this_life(&self) -> u64 {
        let answers = self.answers.iter();
        let count = answers.filter(|answer| answer.life == self.life).count();
        u64::try_from(count).unwrap()
    }
}

/// Checks the store in `dir`, and changes it: it is a copy.
pub(crate) fn inspect(dir: &Path, told: &mut Told, kind: Kind) -> Outcome {
    let mut outcome = Outcome {
        lives: 1,
        recovered: told.recovered,
        told: told.of_this_life(),
        ..Outcome::default()
    };
    let mut config = LedgerConfig::new(dir);
    kind.configure(&mut config);
    let ledger = match Ledger::open(config, Arc::new(SystemClock(Instant::now()))) {
        Ok(ledger) => ledger,
        Err(error) => {
            outcome.faults.push(format!("cannot be opened: {error:?}"));
            outcome.lost = u64::try_from(told.answers.len()).unwrap();
            outcome.worst = outcome.lost;
            return outcome;
        }
    };
    if kind == Kind::Pruned {
        sums(&ledger, told, &mut outcome);
    } else {
        orders(&ledger, told, &mut outcome);
    }
    outcome.worst = outcome.lost;
    let filled = ["c0", "c1", "c2"].map(|client| (client, filled(&ledger, client)));
    ledger.shutdown().unwrap();
    drop(ledger);
    journal(dir, kind, &BTreeMap::from(filled), &mut outcome);
    outcome
}

/// Checks every answer against its order.
fn orders(ledger: &Ledger, told: &mut Told, outcome: &mut Outcome) {
    let released: BTreeSet<_> = told
        .answers
        .iter()
        .filter(|answer| answer.what == "released")
        .map(|answer| (answer.client.clone(), answer.order.clone()))
        .collect();
    let life = told.life;
    for answer in told.answers.iter_mut().filter(|answer| !answer.lost) {
        let client_id = ClientId::new(&answer.client).unwrap();
        let order_id = OrderId::new(&answer.order).unwrap();
        let there = ledger.order(&client_id, &order_id).is_some_and(|state| {
            let held = state.held > Notional::ZERO;
            match answer.what.as_str() {
                "released" => !held,
                "filled" => state.filled > Decimal::ZERO,
                _ if released.contains(&(answer.client.clone(), answer.order.clone())) => true,
                // Its release may be there without its caller having been told.
                _ => held || state.ended_at.is_some(),
            }
        });
        if !there {
            answer.lost = true;
            outcome.lost += 1;
            outcome.examples.push(format!("{answer:?}"));
            if answer.life < life {
                let fault = format!("survived one power failure and not another: {answer:?}");
                outcome.faults.push(fault);
            }
        }
    }
}

/// For stores that forget and prune: exactly what was told as traded is there.
fn sums(ledger: &Ledger, told: &mut Told, outcome: &mut Outcome) {
    let there: u64 = ["c0", "c1", "c2"]
        .map(|client| filled(ledger, client))
        .iter()
        .sum();
    // A repeated attempt is told the same execution twice.
    let fills = told.answers.iter().filter(|answer| answer.what == "filled");
    let fills: BTreeSet<_> = fills.map(|answer| &answer.order).collect();
    let fills = u64::try_from(fills.len()).unwrap();
    let lost = fills.saturating_sub(there);
    outcome.lost += lost.saturating_sub(told.missing);
    told.missing = told.missing.max(lost);
    // Each caller may have one in flight, or more after a recovery.
    if !told.recovered_ever && there > fills + CALLERS * LIVES {
        let fault = format!("{there} executions, but {fills} told");
        outcome.faults.push(fault);
    }
}

/// Number of a client's executions: each is one unit at a price of one.
fn filled(ledger: &Ledger, client: &str) -> u64 {
    let exposure = ledger.exposure(&ClientId::new(client).unwrap());
    u64::try_from(exposure.filled.micros() / 1_000_000).unwrap()
}

/// Checks the database, the chain and the records.
fn journal(dir: &Path, kind: Kind, filled: &BTreeMap<&str, u64>, outcome: &mut Outcome) {
    let conn = rusqlite::Connection::open(dir.join("ledger.db")).unwrap();
    let check: String = conn
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    if check != "ok" {
        outcome.faults.push(check);
    }
    let journal = Journal::open(dir).unwrap();
    if let Some((_, signature)) = journal.anchor().unwrap() {
        assert_eq!((kind, signature), (Kind::Pruned, vec![7]));
    }
    let mut events: BTreeMap<(String, String, String), u64> = BTreeMap::new();
    for line in journal.lines(Seq::ZERO).unwrap() {
        let (client, order, what) = match line.map(|line| line.what) {
            Ok(LineRecord::Decision(made)) => {
                (made.client_id, made.client_order_id, "decision".to_owned())
            }
            Ok(LineRecord::Fill {
                client_id,
                client_order_id,
                exec_id,
                ..
            }) => (client_id, client_order_id, exec_id),
            Ok(_) => continue,
            Err(error) => return outcome.faults.push(error.to_string()),
        };
        *events.entry((client, order, what)).or_default() += 1;
    }
    if kind == Kind::Pruned {
        return;
    }
    let twice = events.values().filter(|count| **count > 1).count();
    outcome.doubled += u64::try_from(twice).unwrap();
    for (client, filled) in filled {
        let fills = events
            .keys()
            .filter(|(of, _, what)| of == client && what == "e");
        let fills = u64::try_from(fills.count()).unwrap();
        if fills != *filled {
            let fault = format!("{client}: {filled} filled, {fills} executions in the journal");
            outcome.faults.push(fault);
        }
    }
}
