//! Synchronization primitives of the queue and the durable point, in one place: the schedule tests
//! replace them with a scheduler's.
//!
//! The standard library's, on purpose: its condition variable wakes all waiters at once, where
//! `parking_lot`'s hands the lock from one to the next.

pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
pub(crate) use std::sync::{
    Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
};

use std::time::Duration;

/// Waits on the condition variable, at most for `time`.
pub(crate) fn wait_at_most<'a, T>(
    _mutex: &'a Mutex<T>,
    condition: &Condvar,
    guard: MutexGuard<'a, T>,
    time: Duration,
) -> MutexGuard<'a, T> {
    let woken = condition.wait_timeout(guard, time);
    woken.unwrap_or_else(PoisonError::into_inner).0
}
