//! Replays `test-vectors/`; tests that span several modules of the crate.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod corpus;
mod rotation;
mod vectors;
mod wycheproof;
