//! The integration tests of gate-policy: one binary, a file per subject.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers outside of test functions; a test that panics is a test that fails"
)]

mod agreement;
mod bodies;
mod bounded;
mod builtins;
mod calls;
mod check;
mod compiler;
mod conformance;
mod engines;
mod explain;
mod fail_open;
mod fractions;
mod generate;
mod growth;
mod kinds;
mod membership;
mod negation;
mod ordering;
mod refused;
mod reports;
mod schema;
mod selftest;
mod support;
mod unlike;
mod vectors;
