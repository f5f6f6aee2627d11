//! The primitives that the queue and the durable point are made of, in one place: the schedule
//! tests compile those two against a scheduler's.
//!
//! The standard library's, on purpose: its condition variable wakes all waiters at once, where
//! `parking_lot`'s hands the lock from one to the next.

pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
pub(crate) use std::sync::{
    Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
};
