//! Queue, durable point and writer under many thread schedules: their sources, compiled against
//! shuttle's primitives and a disk in memory. A lost wake-up ends in a deadlock, which shuttle
//! reports.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    dead_code,
    unreachable_pub,
    reason = "a test fails by panicking; the sources under test are used in part"
)]

#[path = "../../src/commit/durable.rs"]
mod durable;
mod log;
#[path = "../../src/commit/pace.rs"]
mod pace;
#[path = "../../src/commit/queue.rs"]
mod queue;
#[path = "../../src/commit/times.rs"]
mod times;
#[path = "../../src/commit/writer.rs"]
mod writer;

mod sync {
    pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
    pub(crate) use shuttle::sync::{
        Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
    };
    pub(crate) use std::sync::PoisonError;
    use std::time::Duration;

    /// A wait ends when the others have run for a while: shuttle has no clock.
    pub(crate) fn wait_at_most<'a, T>(
        mutex: &'a Mutex<T>,
        _condition: &Condvar,
        guard: MutexGuard<'a, T>,
        _time: Duration,
    ) -> MutexGuard<'a, T> {
        WAITS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        drop(guard);
        shuttle::thread::yield_now();
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Number of times the writer waited for others.
    pub(crate) static WAITS: std::sync::atomic::AtomicUsize =
        std::sync::atomic::AtomicUsize::new(0);
}

/// What these sources need of the rest of the crate.
mod error {
    pub(crate) use gate_state::{NotDurable, RecordError};
}
mod record {
    pub(crate) use gate_state::Seq;

    pub(crate) mod chain {
        pub(crate) fn number_frame(frame: &mut [u8], seq: u64) {
            frame.copy_from_slice(&seq.to_le_bytes());
        }
    }
}
mod store {
    pub(crate) use crate::log::Appender;
}
mod checkpoint {
    pub(crate) use crate::log::WalKeeper;
}

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use gate_types::{Clock, Timestamp};
use shuttle::sync::{Arc, Mutex};
use shuttle::thread;

use durable::Durable;
use log::{Appender, Fault, Log, WalKeeper};
use pace::Pace;
use queue::{Admission, Queue};
use writer::Writer;

/// Moves on by 2 ms at each reading: commits are slow, so that the writer waits for others.
#[derive(Default)]
struct Ticking(std::sync::atomic::AtomicU64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp::default()
    }

    fn monotonic_ns(&self) -> u64 {
        self.0
            .fetch_add(2_000_000, std::sync::atomic::Ordering::Relaxed)
    }
}

struct Core {
    queue: Arc<Queue>,
    durable: Arc<Durable>,
    log: Arc<Mutex<Log>>,
}

impl Core {
    fn new(fault: Option<Fault>) -> Arc<Self> {
        Arc::new(Self {
            queue: Arc::new(Queue::after(0, 4)),
            durable: Arc::new(Durable::at(0)),
            log: Arc::new(Mutex::new(Log::failing(fault))),
        })
    }

    /// Runs a writer until it ends.
    fn write(&self) {
        let writer = Writer {
            queue: Arc::clone(&self.queue),
            durable: Arc::clone(&self.durable),
            commits: Arc::default(),
            clock: Arc::new(Ticking::default()),
            appender: Appender(Arc::clone(&self.log)),
            keeper: WalKeeper(Arc::clone(&self.log)),
            pace: Pace::new(),
        };
        writer.run();
    }

    /// Recovers like the ledger, as after a first attempt that ended once the voids were written.
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

    /// Writes voids for the numbers that are not on disk.
    fn void(&self) -> RangeInclusive<u64> {
        let last = self.queue.last_allotted();
        let mut log = self.log.lock().unwrap();
        let tail = log.disk().last().copied().unwrap_or_default();
        let void = tail + 1..=last;
        self.durable.void(void.clone());
        log.write_voids(void.clone());
        void
    }

    /// The numbers on disk, which must be in order and without a gap.
    fn disk(&self) -> BTreeSet<u64> {
        let disk = self.log.lock().unwrap().disk().to_vec();
        let count = u64::try_from(disk.len()).unwrap();
        assert!(disk.iter().copied().eq(1..=count), "{disk:?}");
        disk.into_iter().collect()
    }
}

/// Callers of one client, each reserving units for as long as it can. Returns the numbers that they
/// were told are durable.
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
                    let Ok(seq) = core.queue.push(&mut [0; 8], Admission::Bounded) else {
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

#[test]
fn every_caller_is_served_and_no_number_is_skipped() {
    shuttle::check_random(
        || {
            let core = Core::new(None);
            let writer = thread::spawn({
                let core = Arc::clone(&core);
                move || core.write()
            });
            let told = reserve(&core, 5);
            core.queue.close();
            writer.join().unwrap();
            let disk = core.disk();
            assert!(disk.len() <= 5, "over the limit");
            assert_eq!(core.queue.depth(), 0);
            assert_eq!(told, disk);
            assert!(core.log.lock().unwrap().is_finished());
        },
        3_000,
    );
    let waits = sync::WAITS.load(std::sync::atomic::Ordering::Relaxed);
    assert!(waits > 0, "no schedule has a commit that waits for others");
}

#[test]
fn a_failed_commit_reaches_every_waiter_and_a_recovery_tells_the_truth() {
    for fault in [Fault::Lost, Fault::InVain] {
        shuttle::check_random(
            move || {
                let core = Core::new(Some(fault));
                let writer = thread::spawn({
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
                // The failure must end the writer, not the close.
                while core.queue.is_poisoned() {
                    thread::yield_now();
                }
                core.queue.close();
                writer.join().unwrap();
                core.disk();
            },
            2_000,
        );
    }
}
