//! `Gate` as an embedder uses it: no server, a clock that stands still.

mod pipeline;
