//! Integration tests of the ledger: threads, files and restarts.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod audit;
mod bounds;
mod displaced;
mod doubt;
mod failure;
mod histories;
mod kit;
mod listeners;
mod model;
mod order_life;
mod restart;
mod snapshots;
mod threads;
