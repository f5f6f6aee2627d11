//! Records requests and answers in a file per caller; an answer counts as told only once it is
//! synced.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// A request to the sidecar. Quantities are in thousandths, prices in nanos.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Ask {
    pub(crate) client: String,
    pub(crate) order: String,
    pub(crate) what: What,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum What {
    Order { sell: bool, qty: u64, price: u64 },
    Fill { exec: String, qty: u64, price: u64 },
    Release { reason: String, qty: Option<u64> },
}

/// The answer to a request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Told {
    /// The verdict, for an order.
    pub(crate) authorized: bool,
    /// The token's own bytes, for an order.
    pub(crate) token: String,
}

/// One caller's requests in order; only the last may lack an answer.
pub(crate) type Asked = Vec<(Ask, Option<Told>)>;

#[derive(Serialize, Deserialize)]
enum Line {
    Ask(Ask),
    Told(Told),
}

/// One caller's record.
pub(crate) struct Record(File);

impl Record {
    pub(crate) fn create(dir: &Path, caller: u64) -> Self {
        let path = dir.join(format!("caller-{caller}.ndjson"));
        Self(File::create(path).unwrap())
    }

    pub(crate) fn ask(&mut self, ask: &Ask) {
        self.write(&Line::Ask(ask.clone()));
    }

    /// Records and syncs an answer. Only once this returns does it count as told.
    pub(crate) fn told(&mut self, told: &Told) {
        self.write(&Line::Told(told.clone()));
        self.0.sync_data().unwrap();
    }

    fn write(&mut self, line: &Line) {
        let mut bytes = serde_json::to_vec(line).unwrap();
        bytes.push(b'\n');
        self.0.write_all(&bytes).unwrap();
    }
}

/// The records of every caller in `dir`.
pub(crate) fn read(dir: &Path) -> Vec<Asked> {
    let files = std::fs::read_dir(dir).unwrap();
    let read = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        let mut asked = Asked::new();
        for line in text.lines() {
            match serde_json::from_str(line).unwrap() {
                Line::Ask(ask) => asked.push((ask, None)),
                Line::Told(told) => asked.last_mut().unwrap().1 = Some(told),
            }
        }
        asked
    };
    files.map(|entry| read(entry.unwrap().path())).collect()
}

impl Ask {
    /// Path and body of the request.
    pub(crate) fn request(&self) -> (&'static str, String) {
        let Self { client, order, .. } = self;
        match &self.what {
            What::Order { sell, qty, price } => {
                let side = if *sell { "SELL" } else { "BUY" };
                let body = format!(
                    r#"{{"order":{{"client_order_id":"{order}","symbol":"AAPL","side":"{side}","qty":{},"price":{}}},"context":{{"client_id":"{client}"}}}}"#,
                    decimal(*qty, 3),
                    decimal(*price, 9)
                );
                ("/v1/authorize", body)
            }
            What::Fill { exec, qty, price } => {
                let body = format!(
                    r#"{{"client_id":"{client}","client_order_id":"{order}","exec_id":"{exec}","qty":{},"price":{}}}"#,
                    decimal(*qty, 3),
                    decimal(*price, 9)
                );
                ("/v1/fill", body)
            }
            What::Release { reason, qty } => {
                let qty = qty.map_or(String::new(), |qty| {
                    format!(r#","qty":{}"#, decimal(qty, 3))
                });
                let body = format!(
                    r#"{{"client_id":"{client}","client_order_id":"{order}","reason":"{reason}"{qty}}}"#
                );
                ("/v1/release", body)
            }
        }
    }
}

fn decimal(number: u64, places: u32) -> String {
    let unit = 10_u64.pow(places);
    let width = usize::try_from(places).unwrap();
    format!("{}.{:0width$}", number / unit, number % unit)
}
