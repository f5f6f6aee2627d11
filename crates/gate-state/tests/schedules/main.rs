//! The lock-and-queue core under many thread schedules: the sources of the queue and of the
//! durable point, compiled against shuttle's primitives. A schedule that loses a wake-up ends in
//! a deadlock, which shuttle reports.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    dead_code,
    unreachable_pub,
    reason = "a test fails by panicking; the sources under test are used in part"
)]

#[path = "../../src/durable.rs"]
mod durable;
#[path = "../../src/queue.rs"]
mod queue;

mod sync {
    pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
    pub(crate) use shuttle::sync::{
        Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
    };
    pub(crate) use std::sync::PoisonError;
    use std::time::Duration;

    /// Time is whatever the others get done meanwhile: shuttle has no clock.
    pub(crate) fn wait_at_most<'a, T>(
        mutex: &'a Mutex<T>,
        _condition: &Condvar,
        guard: MutexGuard<'a, T>,
        _time: Duration,
    ) -> (MutexGuard<'a, T>, bool) {
        drop(guard);
        shuttle::thread::yield_now();
        (mutex.lock().unwrap_or_else(PoisonError::into_inner), true)
    }
}

/// What the two need of the rest of the crate.
mod chain {
    pub(crate) fn number_frame(frame: &mut [u8], seq: u64) {
        frame.copy_from_slice(&seq.to_le_bytes());
    }
}
mod error {
    pub(crate) use gate_state::{NotDurable, RecordError};
}
mod record {
    pub(crate) use gate_state::Seq;
}
mod store {
    pub(crate) struct Appender;
}

use std::collections::BTreeSet;

use shuttle::sync::{Arc, Mutex};
use shuttle::thread;

use durable::Durable;
use queue::{Queue, Work};

struct Core {
    queue: Queue,
    durable: Durable,
    /// Commits so far; held by the writer whose turn it is.
    pen: Mutex<usize>,
    log: Mutex<Log>,
}

/// What was appended, in order, and how much of it is on the disk.
#[derive(Default)]
struct Log {
    appended: Vec<u64>,
    synced: usize,
    /// A write has failed, which every sync from then on is told.
    broken: bool,
}

impl Log {
    fn sync(&mut self, end: usize) -> bool {
        if !self.broken {
            self.synced = self.synced.max(end);
        }
        !self.broken
    }

    fn disk(&self) -> &[u64] {
        self.appended.get(..self.synced).unwrap()
    }
}

fn core() -> Arc<Core> {
    Arc::new(Core {
        queue: Queue::after(0, 4),
        durable: Durable::at(0),
        pen: Mutex::default(),
        log: Mutex::default(),
    })
}

/// A writer's loop; the commit numbered `failing` fails, though it `reached` the disk, or because
/// it did not.
fn write(core: &Core, failing: Option<usize>, reached: bool) {
    let mut done = None;
    loop {
        let mut pen = core.pen.lock().unwrap();
        if core.queue.is_poisoned() {
            return;
        }
        let Some(work) = core.queue.take(done.take()) else {
            return;
        };
        let Work::Chunk(chunk) = work else {
            panic!("nobody has given it a job");
        };
        let fails = failing == Some(*pen);
        *pen += 1;
        let end = {
            let (seqs, _) = chunk.frames.as_chunks::<8>();
            let mut log = core.log.lock().unwrap();
            let seqs = seqs.iter().map(|seq| u64::from_le_bytes(*seq));
            log.appended.extend(seqs);
            log.appended.len()
        };
        drop(pen);
        let synced = {
            let mut log = core.log.lock().unwrap();
            log.broken |= fails && !reached;
            log.sync(end) && !fails
        };
        if !synced {
            core.queue.poison();
            core.durable.fail();
            return;
        }
        core.queue.committed(chunk.last);
        core.durable.publish(chunk.last);
        done = Some(chunk);
    }
}

/// Two writers who take turns.
fn write_in_turns(core: &Arc<Core>, failing: Option<usize>, reached: bool) {
    let other = thread::spawn({
        let core = Arc::clone(core);
        move || write(&core, failing, reached)
    });
    write(core, failing, reached);
    other.join().unwrap();
}

/// Callers of one client who each reserve a unit as often as they may. Returns the numbers that
/// they were told are durable.
fn reserve(core: &Arc<Core>, limit: u64) -> BTreeSet<u64> {
    let account = Arc::new(Mutex::new(0_u64));
    let callers: Vec<_> = (0..3)
        .map(|_| {
            let (core, account) = (Arc::clone(core), Arc::clone(&account));
            thread::spawn(move || {
                let mut told = Vec::new();
                for _ in 0..2 {
                    let mut held = account.lock().unwrap();
                    if *held >= limit {
                        continue;
                    }
                    let Ok(seq) = core.queue.push(&mut [0; 8]) else {
                        continue;
                    };
                    *held += 1;
                    assert!(*held <= limit);
                    drop(held);
                    if core.durable.wait(seq).is_ok() {
                        assert!(core.durable.seq() >= seq);
                        assert!(core.log.lock().unwrap().disk().contains(&seq));
                        told.push(seq);
                    }
                }
                told
            })
        })
        .collect();
    let told: Vec<u64> = callers
        .into_iter()
        .flat_map(|caller| caller.join().unwrap())
        .collect();
    let unique: BTreeSet<u64> = told.iter().copied().collect();
    assert_eq!(unique.len(), told.len(), "a number was allotted twice");
    unique
}

#[test]
fn every_caller_is_served_and_no_number_is_skipped() {
    shuttle::check_random(
        || {
            let core = core();
            let writer = thread::spawn({
                let core = Arc::clone(&core);
                move || write_in_turns(&core, None, false)
            });
            let told = reserve(&core, 5);
            core.queue.close();
            writer.join().unwrap();
            let disk = core.log.lock().unwrap().disk().to_vec();
            assert!(
                disk.iter()
                    .copied()
                    .eq(1..=u64::try_from(disk.len()).unwrap())
            );
            assert!(disk.len() <= 5, "over the limit");
            assert_eq!(core.queue.depth(), 0);
            assert_eq!(told, disk.into_iter().collect());
        },
        3_000,
    );
}

#[test]
fn a_failed_commit_reaches_every_waiter_and_a_recovery_tells_the_truth() {
    for reached in [false, true] {
        shuttle::check_random(
            move || {
                let core = core();
                let writer = thread::spawn({
                    let core = Arc::clone(&core);
                    move || {
                        write_in_turns(&core, Some(1), reached);
                        if !core.queue.is_poisoned() {
                            return;
                        }
                        // The recovery, as the ledger does it: what is not on the disk is void.
                        let last = core.queue.last_allotted();
                        let tail = {
                            let mut log = core.log.lock().unwrap();
                            let disk = log.disk().to_vec();
                            let tail = u64::try_from(disk.len()).unwrap();
                            log.appended = disk.into_iter().chain(tail + 1..=last).collect();
                            log.synced = log.appended.len();
                            log.broken = false;
                            tail
                        };
                        core.queue.reopen(last);
                        core.durable.recovered(tail + 1..=last, last);
                        for seq in tail + 1..=last {
                            assert!(core.durable.wait(seq).is_err(), "a void is no commit");
                        }
                        write_in_turns(&core, None, false);
                    }
                });
                reserve(&core, 6);
                // The failure alone ends both writers, and not the close.
                while core.queue.is_poisoned() {
                    thread::yield_now();
                }
                core.queue.close();
                writer.join().unwrap();
                let disk = core.log.lock().unwrap().disk().to_vec();
                assert!(
                    disk.iter()
                        .copied()
                        .eq(1..=u64::try_from(disk.len()).unwrap())
                );
            },
            2_000,
        );
    }
}
