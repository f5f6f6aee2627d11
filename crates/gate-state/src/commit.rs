//! The way of a record to the disk: callers queue it ([`queue`]); one thread writes and syncs what
//! waits as one group commit ([`writer`], timed by [`pace`]) and publishes how far the journal is
//! durable ([`durable`]). [`checkpoint`] keeps the write-ahead log short.
//!
//! The schedule tests compile `queue`, `pace`, `writer`, `durable` and `times` on their own, with a
//! scheduler's primitives instead of those in [`sync`]. Siblings are therefore named `super::`.

pub(crate) mod checkpoint;
pub(crate) mod durable;
pub(crate) mod pace;
pub(crate) mod queue;
mod sync;
pub(crate) mod times;
pub(crate) mod writer;

#[cfg(test)]
mod tests;
