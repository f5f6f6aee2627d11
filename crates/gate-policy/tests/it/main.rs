//! The integration tests of gate-policy: one binary, a room per subject.

mod agreement;
mod support;
