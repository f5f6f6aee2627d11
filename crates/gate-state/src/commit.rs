//! From a record to the disk: callers queue it ([`queue`]), one thread writes what waits and syncs it
//! ([`writer`], as often as [`pace`] says), and tells everyone how far the journal is on disk
//! ([`durable`]). [`checkpoint`] keeps the write-ahead log short meanwhile.
//!
//! The schedule tests compile `queue`, `pace`, `writer`, `durable` and `times` apart, against a scheduler's
//! primitives instead of those in [`sync`]: there a sibling is `super::`.

pub(crate) mod checkpoint;
pub(crate) mod durable;
pub(crate) mod pace;
pub(crate) mod queue;
mod sync;
pub(crate) mod times;
pub(crate) mod writer;

#[cfg(test)]
mod tests;
