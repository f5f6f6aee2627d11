//! The load: many connections, each a caller that sends orders, replays, fills and releases until
//! the process is killed.

use std::path::Path;
use std::sync::mpsc::Sender;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::record::{Ask, Record, Told, What};
use crate::client::{Client, Reply};
use crate::sidecar::Sidecar;

const CALLERS: u64 = 24;
/// Few, so that callers contend for one client's lock.
const CLIENTS: u64 = 5;
/// The most requests of one caller.
const ASKS: u64 = 80;
/// The limit of each client; a large order does not fit under it.
pub(crate) const MAX_EXPOSURE: &str = "5000000";

/// Reproducible pseudo-random numbers (`SplitMix64`).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut dice = Self(seed.wrapping_mul(0xD6E8_FEB8_6659_FD93) ^ stream);
        dice.0 = dice.next();
        dice
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// Loads the sidecar, then kills it. Callers leave their records in `records`.
pub(crate) fn run_and_kill(sidecar: Sidecar, records: &Path, round: u64, dice: &mut Dice) {
    std::fs::create_dir(records).unwrap();
    let answers = usize::try_from(1 + dice.below(1_200)).unwrap();
    let pause = Duration::from_micros(dice.below(3_000));
    let drain_first = round % 4 == 1;
    let (answered, answer) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        for number in 0..CALLERS {
            let mut caller = Caller {
                name: format!("{round}-{number}"),
                number,
                connection: sidecar.client(),
                record: Record::create(records, number),
                dice: Dice::new(dice.next(), number),
                orders: Vec::new(),
            };
            let answered = answered.clone();
            scope.spawn(move || caller.run(round, &answered));
        }
        drop(answered);
        // Fewer when every caller has sent all its requests.
        let _ = answer.iter().take(answers).count();
        if drain_first {
            sidecar.signal("TERM");
        }
        std::thread::sleep(pause);
        sidecar.kill();
    });
}

struct Caller {
    name: String,
    number: u64,
    connection: Client,
    record: Record,
    dice: Dice,
    /// Its orders, and the answers.
    orders: Vec<(Ask, Told)>,
}

impl Caller {
    /// Sends requests until the connection breaks.
    fn run(&mut self, round: u64, answered: &Sender<()>) {
        for n in 0..ASKS {
            let known = self
                .dice
                .below(u64::try_from(self.orders.len()).unwrap().max(1));
            let known = self.orders.get(usize::try_from(known).unwrap()).cloned();
            let sent = match (self.dice.below(20), known) {
                (0..3, Some((ask, told))) => self.replay(&ask, &told),
                (3..8, Some((ask, told))) if told.authorized => {
                    let exec = format!("e-{}-{n}", self.name);
                    let (qty, price) = (1 + self.dice.below(1_500), self.price());
                    self.event(ask, What::Fill { exec, qty, price })
                }
                (8..11, Some((ask, told))) if told.authorized => {
                    let reason = format!("canceled {n}");
                    let some = 1 + self.dice.below(1_500);
                    let qty = (!some.is_multiple_of(3)).then_some(some);
                    self.event(ask, What::Release { reason, qty })
                }
                _ => self.order(round, n),
            };
            if sent.is_err() {
                return;
            }
            // Nobody receives any more once the process was killed.
            let _ = answered.send(());
        }
    }

    fn order(&mut self, round: u64, n: u64) -> std::io::Result<()> {
        let too_large = self.dice.below(20) == 0;
        let ask = Ask {
            client: format!("c-{round}-{}", self.number % CLIENTS),
            order: format!("o-{}-{n}", self.name),
            what: What::Order {
                sell: self.dice.below(3) == 0,
                qty: if too_large {
                    99_000_000
                } else {
                    1 + self.dice.below(3_000)
                },
                price: self.price(),
            },
        };
        let reply = self.send(&ask)?;
        let told = told_of_order(&reply).0;
        assert_eq!(told.authorized, !too_large, "{ask:?}");
        self.record.told(&told);
        self.orders.push((ask, told));
        Ok(())
    }

    /// Repeats an order, which must get the same token.
    fn replay(&mut self, ask: &Ask, told: &Told) -> std::io::Result<()> {
        let (path, body) = ask.request();
        let (again, replayed) = told_of_order(&self.connection.try_post(path, &body)?);
        assert!(replayed && again.token == told.token, "{ask:?}");
        Ok(())
    }

    fn event(&mut self, order: Ask, what: What) -> std::io::Result<()> {
        let ask = Ask { what, ..order };
        let reply = self.send(&ask)?;
        assert_eq!(reply.status, 200, "{}", reply.json());
        self.record.told(&Told {
            authorized: false,
            token: String::new(),
        });
        Ok(())
    }

    fn send(&mut self, ask: &Ask) -> std::io::Result<Reply> {
        self.record.ask(ask);
        let (path, body) = ask.request();
        self.connection.try_post(path, &body)
    }

    /// About 185, with nine decimal places: holds are rounded.
    fn price(&mut self) -> u64 {
        185_000_000_000 + self.dice.below(1_000_000_000)
    }
}

#[derive(Deserialize)]
struct Answer<'a> {
    status: &'a str,
    replayed: bool,
    #[serde(borrow)]
    decision_token: &'a RawValue,
}

/// The answer to an order, and whether it was a replay.
pub(crate) fn told_of_order(reply: &Reply) -> (Told, bool) {
    assert_eq!(reply.status, 200, "{}", reply.json());
    let answer: Answer<'_> = serde_json::from_slice(&reply.body).unwrap();
    let told = Told {
        authorized: answer.status == "AUTHORIZED",
        token: answer.decision_token.get().to_owned(),
    };
    (told, answer.replayed)
}
