//! What one decision costs, by engine. `beside` holds the same bench with Cedar in the table.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a bench that cannot be set up has nothing to measure, and it prints"
)]

mod engines;

fn main() {
    engines::run(Vec::new());
}
