//! `Gate` as an embedder uses it: no server, a clock that does not move.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers outside of test functions; a test that panics is a test that fails"
)]

mod changes;
mod keys;
mod own_policy;
mod pipeline;
mod questions;
mod rig;
