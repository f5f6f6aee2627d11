//! The primitives that the queue, the durable point and the writers are made of, in one place: the
//! schedule tests compile those against a scheduler's.
//!
//! The standard library's, on purpose: its condition variable wakes all waiters at once, where
//! `parking_lot`'s hands the lock from one to the next.

pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
pub(crate) use std::sync::{
    Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
};

use std::time::Duration;

/// The lock, whatever became of its last holder.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the lock held.
pub(crate) fn into_inner<T>(mutex: Mutex<T>) -> T {
    mutex.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Waits on the condition variable, but not for longer than `time`. Says whether that has passed.
pub(crate) fn wait_at_most<'a, T>(
    _mutex: &'a Mutex<T>,
    condition: &Condvar,
    guard: MutexGuard<'a, T>,
    time: Duration,
) -> (MutexGuard<'a, T>, bool) {
    let (guard, passed) = condition
        .wait_timeout(guard, time)
        .unwrap_or_else(PoisonError::into_inner);
    (guard, passed.timed_out())
}
