//! `test-vectors/` replayed, and the laws of the crate that need more than one room.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod rotation;
mod vectors;
