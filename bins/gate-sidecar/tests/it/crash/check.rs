//! Compares the store after the kill with what callers were told: in the journal, over HTTP, and in
//! the exposure.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use gate_state::{Journal, LineRecord, Seq};

use super::book::Book;
use super::load::told_of_order;
use super::record::{Ask, Asked, Told, What};
use crate::sidecar::Sidecar;

/// The findings of some rounds.
#[derive(Default)]
pub(crate) struct Findings {
    /// Answers that callers got, and how many of them were AUTHORIZED.
    told: u64,
    authorized: u64,
    /// Requests without an answer, and how many of them are in the journal.
    unanswered: u64,
    unanswered_kept: u64,
    /// Answered, and missing afterwards.
    pub(crate) lost: u64,
    /// Applied more than once.
    doubled: u64,
    /// All faults, in words.
    pub(crate) faults: Vec<String>,
}

impl Findings {
    pub(crate) fn add(&mut self, other: Self) {
        self.told += other.told;
        self.authorized += other.authorized;
        self.unanswered += other.unanswered;
        self.unanswered_kept += other.unanswered_kept;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.faults.extend(other.faults);
    }

    fn lost(&mut self, ask: &Ask, how: &str) {
        self.lost += 1;
        self.faults.push(format!("lost, {how}: {ask:?}"));
    }

    fn doubled(&mut self, ask: &Ask, how: &str) {
        self.doubled += 1;
        self.faults.push(format!("doubled, {how}: {ask:?}"));
    }
}

impl std::fmt::Display for Findings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            told,
            authorized,
            unanswered,
            unanswered_kept,
            lost,
            doubled,
            faults,
        } = self;
        write!(
            f,
            "{told} answers told ({authorized} AUTHORIZED), {unanswered} asks unanswered \
             ({unanswered_kept} on the record); {lost} lost, {doubled} doubled, {} faults in all",
            faults.len()
        )
    }
}

/// Checks the store as the kill left it, and again after every request was repeated.
pub(crate) fn after_restart(sidecar: &Sidecar, data: &Path, asked: &[Asked]) -> Findings {
    let mut found = Findings::default();
    compare(sidecar, data, asked, &mut found);
    let answered = ask_again(sidecar, asked, &mut found);
    let faults = found.faults.len();
    // What got its answer only now must be there once; what had one must not be applied again.
    let mut again = Findings::default();
    compare(sidecar, data, &answered, &mut again);
    if faults == 0 {
        // Otherwise the second check would only repeat known faults.
        found.lost += again.lost;
        found.doubled += again.doubled;
        found.faults.extend(again.faults);
    }
    found
}

/// How often each event of some clients is in the journal.
#[derive(Default)]
struct Kept {
    records: BTreeMap<(String, String, String), u64>,
    authorized: BTreeSet<(String, String)>,
}

impl Kept {
    fn read(data: &Path, clients: &BTreeSet<&str>) -> Result<Self, String> {
        let journal = Journal::open(data).map_err(|error| error.to_string())?;
        let mut kept = Self::default();
        for line in journal
            .lines(Seq::ZERO)
            .map_err(|error| error.to_string())?
        {
            let (client, order, what) = match line.map_err(|error| error.to_string())?.what {
                LineRecord::Decision(decision) => {
                    let key = (decision.client_id.clone(), decision.client_order_id.clone());
                    if decision.status == "AUTHORIZED" {
                        kept.authorized.insert(key);
                    }
                    let what = "order".to_owned();
                    (decision.client_id, decision.client_order_id, what)
                }
                LineRecord::Fill {
                    client_id,
                    client_order_id,
                    exec_id,
                    ..
                } => (client_id, client_order_id, format!("fill {exec_id}")),
                LineRecord::Release {
                    client_id,
                    client_order_id,
                    reason,
                    ..
                } => (client_id, client_order_id, format!("release {reason}")),
                _ => continue,
            };
            if clients.contains(client.as_str()) {
                *kept.records.entry((client, order, what)).or_default() += 1;
            }
        }
        Ok(kept)
    }

    /// Removes the request's records; returns how many there were.
    fn take(&mut self, ask: &Ask) -> u64 {
        let what = match &ask.what {
            What::Order { .. } => "order".to_owned(),
            What::Fill { exec, .. } => format!("fill {exec}"),
            What::Release { reason, .. } => format!("release {reason}"),
        };
        let key = (ask.client.clone(), ask.order.clone(), what);
        self.records.remove(&key).unwrap_or_default()
    }
}

/// Compares journal and exposure with the requests and answers.
fn compare(sidecar: &Sidecar, data: &Path, asked: &[Asked], found: &mut Findings) {
    let all = || asked.iter().flatten();
    let clients: BTreeSet<&str> = all().map(|(ask, _)| ask.client.as_str()).collect();
    let mut kept = match Kept::read(data, &clients) {
        Ok(kept) => kept,
        Err(error) => return found.faults.push(error),
    };
    let mut book = Book::default();
    for (ask, told) in all() {
        let expected = book.leaves_record(ask);
        let count = kept.take(ask);
        match (told, count) {
            (Some(_), 0) if expected => found.lost(ask, "not in the journal"),
            (_, 2..) => found.doubled(ask, "in the journal twice"),
            _ => {}
        }
        found.told += u64::from(told.is_some());
        found.authorized += u64::from(told.as_ref().is_some_and(|told| told.authorized));
        found.unanswered += u64::from(told.is_none());
        found.unanswered_kept += u64::from(told.is_none() && count > 0);
        let key = (ask.client.clone(), ask.order.clone());
        if count > 0 {
            book.apply(ask, kept.authorized.contains(&key));
        }
    }
    for (client, order, what) in kept.records.keys() {
        let fault = format!("nobody asked for {what} of {client} {order}");
        found.faults.push(fault);
    }
    for client in clients {
        found
            .faults
            .extend(book.differs(client, &sidecar.exposure(client)));
    }
}

/// Repeats every request, as a caller would that does not know whether it was heard. An answered
/// one must get the same answer and change nothing; an unanswered one gets its answer.
fn ask_again(sidecar: &Sidecar, asked: &[Asked], found: &mut Findings) -> Vec<Asked> {
    let mut connection = sidecar.client();
    let mut answered = Vec::new();
    for (ask, told) in asked.iter().flatten() {
        let (path, body) = ask.request();
        let reply = connection.post(path, &body);
        if reply.status != 200 {
            found.lost(ask, &String::from_utf8_lossy(&reply.body));
            continue;
        }
        let now = match ask.what {
            What::Order { .. } => {
                let (now, replayed) = told_of_order(&reply);
                match told {
                    Some(told) if !replayed => found.doubled(ask, &format!("{told:?}")),
                    Some(told) if told.token != now.token => found.doubled(ask, "another token"),
                    _ => {}
                }
                now
            }
            _ => {
                if told.is_some() && reply.json()["changed"] != false {
                    found.doubled(ask, "changed something again");
                }
                Told {
                    authorized: false,
                    token: String::new(),
                }
            }
        };
        answered.push((ask.clone(), Some(now)));
    }
    vec![answered]
}
