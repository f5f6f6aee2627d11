//! The generator against servers that misbehave in known ways.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

mod interrupt;
mod loops;
mod server;
mod usage;
mod validity;
