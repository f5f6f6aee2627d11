//! The sequencer: one short lock under which a record gets its number and is queued, so that the
//! journal has the order of the numbers, without a gap. No I/O here.

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use super::pace::Gathering;
use super::sync::{AtomicU64, Condvar, Mutex, MutexGuard, Ordering, PoisonError, wait_at_most};
use crate::error::{NotDurable, RecordError};
use crate::record::chain::number_frame;
use crate::store::Appender;

/// Most bytes of frames in one commit; a single larger frame is a commit of its own.
pub(crate) const CHUNK_BYTES: usize = 256 * 1024;

/// Consecutive frames, ready for one row.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) frames: Vec<u8>,
}

impl Chunk {
    /// Whether a frame fits; into an empty chunk any does.
    pub(crate) const fn has_room_for(&self, frame: &[u8]) -> bool {
        let used = self.frames.len();
        used == 0 || used.saturating_add(frame.len()) <= CHUNK_BYTES
    }

    /// Appends the frame of number `seq`, which must be the next.
    pub(crate) fn append(&mut self, seq: u64, frame: &[u8]) {
        if self.frames.is_empty() {
            self.first = seq;
        }
        self.last = seq;
        self.frames.extend_from_slice(frame);
    }

    /// The numbers of its records.
    pub(crate) const fn seqs(&self) -> RangeInclusive<u64> {
        self.first..=self.last
    }

    /// Number of records.
    pub(crate) const fn records(&self) -> u64 {
        if self.frames.is_empty() {
            return 0;
        }
        self.last.saturating_sub(self.first).saturating_add(1)
    }
}

/// Work for the writer between two commits. Returns `false` when it failed and what is on disk is
/// unknown.
pub(crate) type Job = Box<dyn FnOnce(&Appender) -> bool + Send>;

/// What the writer does next.
pub(crate) enum Work {
    Chunk(Chunk),
    Job(Job),
}

/// Whether the queue's capacity applies to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// A full queue refuses it.
    Bounded,
    /// A full queue takes it: such records are few.
    Unbounded,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// A commit failed.
    Poisoned,
}

struct Inner {
    state: State,
    /// Takes nothing more; failure and recovery do not reset this.
    closed: bool,
    /// The next number to allot.
    next: u64,
    current: Chunk,
    full: VecDeque<Chunk>,
    jobs: VecDeque<Job>,
    spare: Vec<u8>,
    /// Number of records at which the sleeping writer is woken; zero while it is awake.
    awaited: u64,
    /// A job ran since the current chunk was last taken.
    interrupted: bool,
}

impl Inner {
    /// Fails when the queue is closed or poisoned.
    fn admit(&self) -> Result<(), NotDurable> {
        if self.closed || self.state != State::Open {
            return Err(NotDurable);
        }
        Ok(())
    }

    /// Whether to wake the writer now; if so, clears `awaited`.
    fn take_wake(&mut self) -> bool {
        let enough = !self.full.is_empty() || self.current.records() >= self.awaited;
        let wake = self.awaited > 0 && enough;
        if wake {
            self.awaited = 0;
        }
        wake
    }

    /// Takes the queued records as the next commit.
    fn take_current(&mut self) -> Chunk {
        self.interrupted = false;
        let next = Chunk {
            frames: std::mem::take(&mut self.spare),
            ..Chunk::default()
        };
        std::mem::replace(&mut self.current, next)
    }
}

/// The queue between the callers and the writer.
pub(crate) struct Queue {
    capacity: u64,
    /// The last number known to be on disk; later ones count as waiting.
    committed: AtomicU64,
    inner: Mutex<Inner>,
    work: Condvar,
}

impl Queue {
    /// An empty queue after record `last`.
    pub(crate) fn after(last: u64, capacity: u64) -> Self {
        Self {
            capacity,
            committed: AtomicU64::new(last),
            inner: Mutex::new(Inner {
                state: State::Open,
                closed: false,
                next: last.saturating_add(1),
                current: Chunk::default(),
                full: VecDeque::new(),
                jobs: VecDeque::new(),
                spare: Vec::new(),
                awaited: 0,
                interrupted: false,
            }),
            work: Condvar::new(),
        }
    }

    /// Whether a push would be taken now. Only a hint: another caller may come first.
    pub(crate) fn admits(&self) -> Result<(), RecordError> {
        self.admit(&self.lock())
    }

    /// Allots the next number, writes it into the frame and queues the frame. On error nothing
    /// changes.
    pub(crate) fn push(&self, frame: &mut [u8], admission: Admission) -> Result<u64, RecordError> {
        let mut inner = self.lock();
        match admission {
            Admission::Bounded => self.admit(&inner)?,
            Admission::Unbounded => inner.admit()?,
        }
        let seq = inner.next;
        number_frame(frame, seq);
        if !inner.current.has_room_for(frame) {
            let spare = std::mem::take(&mut inner.spare);
            let next = Chunk {
                frames: spare,
                ..Chunk::default()
            };
            let whole = std::mem::replace(&mut inner.current, next);
            inner.full.push_back(whole);
        }
        inner.current.append(seq, frame);
        inner.next = seq.saturating_add(1);
        let wake = inner.take_wake();
        drop(inner);
        if wake {
            self.work.notify_one();
        }
        Ok(seq)
    }

    /// Queues a job, to run before the next commit.
    pub(crate) fn push_job(&self, job: Job) -> Result<(), NotDurable> {
        let mut inner = self.lock();
        inner.admit()?;
        inner.jobs.push_back(job);
        drop(inner);
        self.work.notify_one();
        Ok(())
    }

    /// Everything up to `last` is on disk and no longer counts as waiting.
    pub(crate) fn committed(&self, last: u64) {
        self.committed.store(last, Ordering::Release);
    }

    /// Blocks until there is work for the writer; `None` once there will be no more. `done`: the
    /// chunk written before, whose buffer is reused.
    pub(crate) fn take(&self, done: Option<Chunk>, gathering: Gathering) -> Option<Work> {
        let mut inner = self.lock();
        if let Some(mut done) = done {
            done.frames.clear();
            inner.spare = done.frames;
        }
        // At most one wait for others, and none after a job: jobs can follow one another for
        // minutes, and a record must not wait for the last of them.
        let mut patient = !inner.interrupted;
        loop {
            if let Some(job) = inner.jobs.pop_front() {
                inner.interrupted = true;
                return Some(Work::Job(job));
            }
            if let Some(chunk) = inner.full.pop_front() {
                return Some(Work::Chunk(chunk));
            }
            let ending = inner.closed || inner.state != State::Open;
            let records = inner.current.records();
            let expected = if patient { gathering.records } else { 1 };
            if records > 0 && (records >= expected || ending) {
                return Some(Work::Chunk(inner.take_current()));
            }
            if ending {
                return None;
            }
            inner.awaited = expected;
            if expected > 1 {
                let time = gathering.patience(expected.saturating_sub(records));
                inner = wait_at_most(&self.inner, &self.work, inner, time);
                patient = false;
            } else {
                inner = self
                    .work
                    .wait(inner)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            inner.awaited = 0;
        }
    }

    /// After a failed commit: takes nothing more and drops what waits.
    pub(crate) fn poison(&self) {
        let mut inner = self.lock();
        inner.state = State::Poisoned;
        inner.current = Chunk::default();
        inner.full.clear();
        inner.jobs.clear();
    }

    /// Takes nothing more; the writer finishes what is there and ends.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.work.notify_one();
    }

    /// Opens again after record `last`, once the store is recovered.
    pub(crate) fn reopen(&self, last: u64) {
        let mut inner = self.lock();
        inner.state = State::Open;
        inner.next = last.saturating_add(1);
        self.committed(last);
    }

    /// The last number allotted.
    pub(crate) fn last_allotted(&self) -> u64 {
        self.lock().next.saturating_sub(1)
    }

    /// Records queued or in the commit in flight.
    pub(crate) fn depth(&self) -> u64 {
        self.waiting(&self.lock())
    }

    /// Whether a commit failed and the store was not recovered since.
    pub(crate) fn is_poisoned(&self) -> bool {
        self.lock().state == State::Poisoned
    }

    /// Number of records at which the sleeping writer is woken.
    #[cfg(test)]
    pub(crate) fn awaited(&self) -> u64 {
        self.lock().awaited
    }

    /// Whether the ledger was closed.
    pub(crate) fn is_closing(&self) -> bool {
        self.lock().closed
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here panics half-way.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting(&self, inner: &Inner) -> u64 {
        let committed = self.committed.load(Ordering::Acquire);
        inner.next.saturating_sub(1).saturating_sub(committed)
    }

    fn admit(&self, inner: &Inner) -> Result<(), RecordError> {
        inner.admit()?;
        if self.waiting(inner) >= self.capacity {
            return Err(RecordError::Overloaded);
        }
        Ok(())
    }
}
