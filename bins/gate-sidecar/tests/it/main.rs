//! The sidecar as its users meet it: the real binary, real sockets, a real data directory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers outside of test functions; a test that panics is a test that fails"
)]

mod client;
mod sidecar;

mod admin;
mod arrival;
mod audit;
mod commands;
mod concurrency;
mod contract;
mod crash;
mod data_api;
mod docs;
mod drain;
mod kill;
mod log;
mod open_orders;
mod positions;
mod reload;
mod replay;
mod retention;
mod signed;
mod tls;
mod watch;
