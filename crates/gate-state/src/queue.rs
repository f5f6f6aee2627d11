//! The sequencer: one short lock under which a number is allotted and its record queued, so
//! that the journal's order is the order of the numbers and no number is skipped.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Condvar, Mutex};

use crate::chain::number_frame;
use crate::error::{NotDurable, RecordError};

/// A commit's worth of frames: what is larger waits for the next commit.
const CHUNK_BYTES: usize = 256 * 1024;

/// Consecutive frames, ready for one row.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) frames: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Takes nothing more; what is in it is still written.
    Closing,
    /// A commit failed.
    Poisoned,
}

#[derive(Debug)]
struct Inner {
    state: State,
    /// The next number to allot.
    next: u64,
    current: Chunk,
    full: VecDeque<Chunk>,
    spare: Vec<u8>,
    writer_idle: bool,
}

/// The queue between the callers and the writer.
#[derive(Debug)]
pub(crate) struct Queue {
    capacity: u64,
    /// The last number known to be on disk: those after it count as waiting.
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
                next: last.saturating_add(1),
                current: Chunk::default(),
                full: VecDeque::new(),
                spare: Vec::new(),
                writer_idle: false,
            }),
            work: Condvar::new(),
        }
    }

    /// Whether a push would be taken now. Only a hint: another caller may come first.
    pub(crate) fn admits(&self) -> Result<(), RecordError> {
        self.admit(&self.inner.lock())
    }

    /// Allots the next number, writes it into the frame and queues it; or changes nothing.
    pub(crate) fn push(&self, frame: &mut [u8]) -> Result<u64, RecordError> {
        let mut inner = self.inner.lock();
        self.admit(&inner)?;
        let seq = inner.next;
        number_frame(frame, seq);
        let used = inner.current.frames.len();
        if used > 0 && used.saturating_add(frame.len()) > CHUNK_BYTES {
            let spare = std::mem::take(&mut inner.spare);
            let next = Chunk {
                frames: spare,
                ..Chunk::default()
            };
            let whole = std::mem::replace(&mut inner.current, next);
            inner.full.push_back(whole);
        }
        let chunk = &mut inner.current;
        if chunk.frames.is_empty() {
            chunk.first = seq;
        }
        chunk.last = seq;
        chunk.frames.extend_from_slice(frame);
        inner.next = seq.saturating_add(1);
        let wake = std::mem::take(&mut inner.writer_idle);
        drop(inner);
        if wake {
            self.work.notify_one();
        }
        Ok(seq)
    }

    /// Everything up to `last` is on disk and no longer counts as waiting.
    pub(crate) fn committed(&self, last: u64) {
        self.committed.store(last, Ordering::Release);
    }

    /// What is to be written next; waits for it. `None` when there will be nothing more.
    /// `done` is the chunk written before, for its buffer.
    pub(crate) fn take(&self, done: Option<Chunk>) -> Option<Chunk> {
        let mut inner = self.inner.lock();
        if let Some(mut done) = done {
            done.frames.clear();
            inner.spare = done.frames;
        }
        loop {
            if let Some(chunk) = inner.full.pop_front() {
                return Some(chunk);
            }
            if !inner.current.frames.is_empty() {
                let next = Chunk {
                    frames: std::mem::take(&mut inner.spare),
                    ..Chunk::default()
                };
                return Some(std::mem::replace(&mut inner.current, next));
            }
            if inner.state != State::Open {
                return None;
            }
            inner.writer_idle = true;
            self.work.wait(&mut inner);
            inner.writer_idle = false;
        }
    }

    /// After a failed commit: nothing more is taken, what waits is dropped.
    pub(crate) fn poison(&self) {
        let mut inner = self.inner.lock();
        inner.state = State::Poisoned;
        inner.current = Chunk::default();
        inner.full.clear();
    }

    /// Takes nothing more; the writer finishes what is there and ends.
    pub(crate) fn close(&self) {
        let mut inner = self.inner.lock();
        if inner.state == State::Open {
            inner.state = State::Closing;
        }
        drop(inner);
        self.work.notify_one();
    }

    /// Opens again after record `last`, once the store was recovered.
    pub(crate) fn reopen(&self, last: u64) {
        let mut inner = self.inner.lock();
        inner.state = State::Open;
        inner.next = last.saturating_add(1);
        self.committed(last);
    }

    /// The last number allotted.
    pub(crate) fn last_allotted(&self) -> u64 {
        self.inner.lock().next.saturating_sub(1)
    }

    /// Records that wait for the disk or are on their way to it.
    pub(crate) fn depth(&self) -> u64 {
        self.waiting(&self.inner.lock())
    }

    /// Whether a commit has failed and the store was not recovered since.
    pub(crate) fn is_poisoned(&self) -> bool {
        self.inner.lock().state == State::Poisoned
    }

    /// Whether the ledger was closed.
    pub(crate) fn is_closing(&self) -> bool {
        self.inner.lock().state == State::Closing
    }

    fn waiting(&self, inner: &Inner) -> u64 {
        let committed = self.committed.load(Ordering::Acquire);
        inner.next.saturating_sub(1).saturating_sub(committed)
    }

    fn admit(&self, inner: &Inner) -> Result<(), RecordError> {
        if inner.state != State::Open {
            return Err(NotDurable.into());
        }
        if self.waiting(inner) >= self.capacity {
            return Err(RecordError::Overloaded);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::{Frames, close_frame, open_frame};
    use crate::codec::encode;
    use crate::record::Record;
    use gate_types::Timestamp;

    fn frame() -> Vec<u8> {
        let mut frame = Vec::new();
        open_frame(&mut frame);
        encode(Timestamp::default(), &Record::Void, &mut frame);
        close_frame(&mut frame);
        frame
    }

    #[test]
    fn numbers_have_no_gap_and_a_full_queue_allots_none() {
        let queue = Queue::after(7, 2);
        assert_eq!(queue.push(&mut frame()), Ok(8));
        assert_eq!(queue.push(&mut frame()), Ok(9));
        assert_eq!(queue.push(&mut frame()), Err(RecordError::Overloaded));
        let chunk = queue.take(None).unwrap();
        assert_eq!((chunk.first, chunk.last), (8, 9));
        let seqs: Vec<_> = Frames(&chunk.frames)
            .map(|frame| frame.unwrap().seq())
            .collect();
        assert_eq!(seqs, [Some(8), Some(9)]);
        // In flight still counts as waiting.
        assert_eq!(queue.push(&mut frame()), Err(RecordError::Overloaded));
        queue.close();
        queue.committed(chunk.last);
        assert!(queue.take(Some(chunk)).is_none());
        assert_eq!(queue.depth(), 0);
        assert_eq!(queue.push(&mut frame()), Err(NotDurable.into()));
    }

    #[test]
    fn large_backlogs_are_cut_at_record_bounds() {
        let queue = Queue::after(0, 1_000_000);
        let count = u64::try_from(3 * CHUNK_BYTES / frame().len()).unwrap();
        for seq in 1..=count {
            assert_eq!(queue.push(&mut frame()), Ok(seq));
        }
        queue.close();
        let (mut done, mut next) = (None, 1);
        while let Some(chunk) = queue.take(done.take()) {
            assert!(chunk.frames.len() <= CHUNK_BYTES);
            assert_eq!(chunk.first, next);
            next = chunk.last + 1;
            done = Some(chunk);
        }
        assert_eq!(next, count + 1);
    }

    #[test]
    fn poison_drops_what_waits() {
        let queue = Queue::after(0, 10);
        queue.push(&mut frame()).unwrap();
        queue.poison();
        assert_eq!(queue.push(&mut frame()), Err(NotDurable.into()));
        assert!(queue.take(None).is_none());
        assert_eq!(queue.last_allotted(), 1);
        queue.reopen(1);
        assert_eq!(queue.push(&mut frame()), Ok(2));
    }
}
