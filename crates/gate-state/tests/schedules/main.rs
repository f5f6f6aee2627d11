//! The lock-and-queue core under many thread schedules: the sources of the queue, of the durable
//! point and of the writers, compiled against shuttle's primitives and a log in memory. A schedule
//! that loses a wake-up ends in a deadlock, which shuttle reports.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    dead_code,
    unreachable_pub,
    reason = "a test fails by panicking; the sources under test are used in part"
)]

#[path = "../../src/durable.rs"]
mod durable;
mod log;
#[path = "../../src/queue.rs"]
mod queue;
#[path = "../../src/underway.rs"]
mod underway;
#[path = "../../src/writer.rs"]
mod writer;

mod sync {
    pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
    pub(crate) use shuttle::sync::{
        Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
    };
    pub(crate) use std::sync::PoisonError;
    use std::time::Duration;

    pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().unwrap()
    }

    pub(crate) fn into_inner<T>(mutex: Mutex<T>) -> T {
        mutex.into_inner().unwrap()
    }

    /// Time is whatever the others get done meanwhile: shuttle has no clock.
    pub(crate) fn wait_at_most<'a, T>(
        mutex: &'a Mutex<T>,
        _condition: &Condvar,
        guard: MutexGuard<'a, T>,
        _time: Duration,
    ) -> (MutexGuard<'a, T>, bool) {
        drop(guard);
        shuttle::thread::yield_now();
        (lock(mutex), true)
    }
}

/// What they need of the rest of the crate.
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
    pub(crate) use crate::log::Appender;
}
mod wal {
    pub(crate) use crate::log::WalSync;
}
mod checkpoint {
    pub(crate) use crate::log::WalKeeper;
}

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use gate_types::ManualClock;
use shuttle::sync::{Arc, Mutex};
use shuttle::thread;

use durable::Durable;
use log::{Appender, Fault, Log, WalKeeper, WalSync};
use queue::{GATHERING_FROM, Queue};
use underway::UnderWay;
use writer::{Pen, Writer};

struct Core {
    queue: Arc<Queue>,
    durable: Arc<Durable>,
    log: Arc<Mutex<Log>>,
}

impl Core {
    fn new() -> Arc<Self> {
        Self::failing(None, 0)
    }

    fn failing(fault: Option<Fault>, at: u64) -> Arc<Self> {
        Arc::new(Self {
            queue: Arc::new(Queue::after(0, 4 + GATHERING_FROM)),
            durable: Arc::new(Durable::at(0)),
            log: Arc::new(Mutex::new(Log::failing(fault, at))),
        })
    }

    /// Two writers, until they end.
    fn write(&self) {
        let pen = Arc::new(Mutex::new(Pen {
            appender: Appender(Arc::clone(&self.log)),
            keeper: WalKeeper(Arc::clone(&self.log)),
        }));
        let under_way = Arc::new(UnderWay::default());
        let writers = [(); 2].map(|()| Writer {
            queue: Arc::clone(&self.queue),
            durable: Arc::clone(&self.durable),
            commits: Arc::default(),
            clock: Arc::new(ManualClock::default()),
            pen: Arc::clone(&pen),
            under_way: Arc::clone(&under_way),
            wal: WalSync(Arc::clone(&self.log)),
        });
        drop(pen);
        let threads = writers.map(|writer| thread::spawn(move || writer.run()));
        for thread in threads {
            thread.join().unwrap();
        }
    }

    /// As the ledger does it, at the second attempt: the first got as far as the voids.
    fn recover(&self) {
        let void = self.void();
        assert!(self.void().is_empty());
        let last = self.queue.last_allotted();
        self.queue.reopen(last);
        self.durable.recovered(last);
        for seq in void {
            assert!(self.durable.wait(seq).is_err(), "a void is no commit");
        }
    }

    /// What is not in the log is void.
    fn void(&self) -> RangeInclusive<u64> {
        let last = self.queue.last_allotted();
        let tail = self.log.lock().unwrap().read_back();
        let void = tail + 1..=last;
        self.durable.void(void.clone());
        self.log.lock().unwrap().write_voids(void.clone());
        void
    }

    /// Numbers without a gap, all of them on the disk.
    fn disk(&self) -> BTreeSet<u64> {
        let disk = self.log.lock().unwrap().disk().clone();
        let last = disk.last().copied().unwrap_or_default();
        assert!(disk.iter().copied().eq(1..=last), "{disk:?}");
        disk
    }
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
                        assert!(core.log.lock().unwrap().holds(seq));
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

fn writing(core: &Arc<Core>) -> thread::JoinHandle<()> {
    let core = Arc::clone(core);
    thread::spawn(move || core.write())
}

#[test]
fn every_caller_is_served_and_no_number_is_skipped() {
    shuttle::check_random(
        || {
            let core = Core::new();
            let writers = writing(&core);
            let told = reserve(&core, 5);
            core.queue.close();
            writers.join().unwrap();
            let disk = core.disk();
            assert!(disk.len() <= 5, "over the limit");
            assert_eq!(core.queue.depth(), 0);
            assert_eq!(told, disk);
            assert!(core.log.lock().unwrap().is_finished());
        },
        3_000,
    );
}

#[test]
fn nothing_is_sent_after_a_large_commit_before_it_has_arrived() {
    shuttle::check_random(
        || {
            let core = Core::new();
            for _ in 0..GATHERING_FROM {
                core.queue.push(&mut [0; 8]).unwrap();
            }
            let writers = writing(&core);
            let told = reserve(&core, 5);
            core.queue.close();
            writers.join().unwrap();
            assert!(told.is_subset(&core.disk()));
            let (with, returned) = core.log.lock().unwrap().first_commit();
            assert!(with >= usize::try_from(GATHERING_FROM).unwrap());
            assert_eq!(with, returned);
        },
        2_000,
    );
}

#[test]
fn a_failed_commit_reaches_every_waiter_and_a_recovery_tells_the_truth() {
    // The second commit, or a first one so large that the pen is kept.
    for (fault, at, before) in Fault::ALL
        .into_iter()
        .flat_map(|fault| [(fault, 2, 0), (fault, 1, GATHERING_FROM)])
    {
        shuttle::check_random(
            move || {
                let core = Core::failing(Some(fault), at);
                for _ in 0..before {
                    core.queue.push(&mut [0; 8]).unwrap();
                }
                let writers = thread::spawn({
                    let core = Arc::clone(&core);
                    move || {
                        core.write();
                        if core.queue.is_poisoned() {
                            core.recover();
                            core.write();
                        }
                    }
                });
                reserve(&core, 6);
                // The failure alone ends both writers, and not the close.
                while core.queue.is_poisoned() {
                    thread::yield_now();
                }
                core.queue.close();
                writers.join().unwrap();
                core.disk();
            },
            1_000,
        );
    }
}
