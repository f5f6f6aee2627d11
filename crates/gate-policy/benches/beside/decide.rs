//! What one decision costs, by engine, Cedar with an equivalent policy among them.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a bench that cannot be set up has nothing to measure, and it prints"
)]

mod cedar;
#[path = "../engines/mod.rs"]
mod engines;

use std::hint::black_box;

use cedar::Cedar;
use engines::{CLIENTS, DATA, Decide, order};

fn main() {
    let (data, none) = (serde_json::from_str(DATA).unwrap(), serde_json::Map::new());
    let cedar = Cedar::new(&data, &CLIENTS);
    let mut more: Vec<(String, Decide<'_>)> = Vec::new();
    for client in CLIENTS {
        let (cedar, input) = (&cedar, order(client, &none));
        more.push((
            format!("Cedar, equivalent policy, {client}"),
            Box::new(move || cedar.allows(black_box(&input))),
        ));
    }
    engines::run(more);
}
