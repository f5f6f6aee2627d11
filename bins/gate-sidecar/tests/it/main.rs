//! The sidecar as its users meet it: the real binary, real sockets, a real data directory.

mod client;
mod sidecar;

mod commands;
mod concurrency;
mod contract;
mod crash;
mod drain;
mod reload;
mod replay;
