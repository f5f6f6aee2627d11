//! Tests of `queue`, apart from it: the schedule tests compile that file alone.

use crate::commit::pace::Gathering;
use crate::commit::queue::{Admission, CHUNK_BYTES, Chunk, Queue, Work};
use crate::error::{NotDurable, RecordError};
use crate::record::Record;
use crate::record::chain::{Frames, close_frame, open_frame};
use crate::record::codec::encode;
use gate_types::Timestamp;
use std::time::Duration;

fn frame() -> Vec<u8> {
    let mut frame = Vec::new();
    open_frame(&mut frame);
    encode(Timestamp::default(), &Record::Void, &mut frame);
    close_frame(&mut frame);
    frame
}

fn take(queue: &Queue, done: Option<Chunk>) -> Option<Chunk> {
    match queue.take(done, Gathering::NONE)? {
        Work::Chunk(chunk) => Some(chunk),
        Work::Job(_) => panic!("nobody has given it one"),
    }
}

#[test]
fn what_is_always_taken_is_by_a_full_queue_and_by_a_failed_one_not() {
    let queue = Queue::after(7, 1);
    assert_eq!(queue.push(&mut frame(), Admission::Unbounded), Ok(8));
    assert_eq!(
        queue.push(&mut frame(), Admission::Bounded),
        Err(RecordError::Overloaded)
    );
    assert_eq!(queue.push(&mut frame(), Admission::Unbounded), Ok(9));
    queue.poison();
    assert_eq!(
        queue.push(&mut frame(), Admission::Unbounded),
        Err(NotDurable.into())
    );
}

#[test]
fn numbers_have_no_gap_and_a_full_queue_allots_none() {
    let queue = Queue::after(7, 2);
    assert_eq!(queue.push(&mut frame(), Admission::Bounded), Ok(8));
    assert_eq!(queue.push(&mut frame(), Admission::Bounded), Ok(9));
    assert_eq!(
        queue.push(&mut frame(), Admission::Bounded),
        Err(RecordError::Overloaded)
    );
    let chunk = take(&queue, None).unwrap();
    assert_eq!((chunk.first, chunk.last), (8, 9));
    let seqs: Vec<_> = Frames(&chunk.frames)
        .map(|frame| frame.unwrap().seq())
        .collect();
    assert_eq!(seqs, [Some(8), Some(9)]);
    // In flight still counts as waiting.
    assert_eq!(
        queue.push(&mut frame(), Admission::Bounded),
        Err(RecordError::Overloaded)
    );
    queue.close();
    queue.committed(chunk.last);
    assert!(take(&queue, Some(chunk)).is_none());
    assert_eq!(queue.depth(), 0);
    assert_eq!(
        queue.push(&mut frame(), Admission::Bounded),
        Err(NotDurable.into())
    );
}

#[test]
fn large_backlogs_are_cut_at_record_bounds() {
    let queue = Queue::after(0, 1_000_000);
    let count = u64::try_from(3 * CHUNK_BYTES / frame().len()).unwrap();
    for seq in 1..=count {
        assert_eq!(queue.push(&mut frame(), Admission::Bounded), Ok(seq));
    }
    queue.close();
    let (mut done, mut next) = (None, 1);
    while let Some(chunk) = take(&queue, done.take()) {
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
    queue.push(&mut frame(), Admission::Bounded).unwrap();
    queue.poison();
    assert_eq!(
        queue.push(&mut frame(), Admission::Bounded),
        Err(NotDurable.into())
    );
    assert!(take(&queue, None).is_none());
    assert_eq!(queue.last_allotted(), 1);
    queue.reopen(1);
    assert_eq!(queue.push(&mut frame(), Admission::Bounded), Ok(2));
}

/// A wait for this many records, of at most this length.
const fn gathering(records: u64, most: Duration) -> Gathering {
    Gathering {
        records,
        per_record: most,
        most,
    }
}

const HOUR: Duration = Duration::from_secs(3_600);
const MOMENT: Duration = Duration::from_millis(1);

fn sleeps_for(queue: &Queue, records: u64) {
    while queue.awaited() != records {
        std::thread::yield_now();
    }
}

#[test]
fn a_commit_waits_for_as_many_as_it_is_told_to() {
    let queue = Queue::after(0, 100);
    for _ in 0..5 {
        queue.push(&mut frame(), Admission::Bounded).unwrap();
    }
    let take = |gathering| match queue.take(None, gathering) {
        Some(Work::Chunk(chunk)) => (chunk.first, chunk.last),
        _ => panic!("nothing else was queued"),
    };
    assert_eq!(take(gathering(4, HOUR)), (1, 5), "all that is there");
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| take(gathering(4, HOUR)));
        sleeps_for(&queue, 4);
        for _ in 0..3 {
            queue.push(&mut frame(), Admission::Bounded).unwrap();
        }
        assert_eq!(queue.awaited(), 4, "three do not wake it");
        queue.push(&mut frame(), Admission::Bounded).unwrap();
        assert_eq!(writer.join().unwrap(), (6, 9));
    });
    // Nobody else comes: the record is written alone.
    queue.push(&mut frame(), Admission::Bounded).unwrap();
    assert_eq!(take(gathering(4, MOMENT)), (10, 10));
    // A record that comes after the patience ended is written at once.
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| take(gathering(4, MOMENT)));
        sleeps_for(&queue, 1);
        queue.push(&mut frame(), Admission::Bounded).unwrap();
        assert_eq!(writer.join().unwrap(), (11, 11));
    });
}

#[test]
fn jobs_one_after_another_hold_no_record_up() {
    let queue = Queue::after(0, 100);
    let job = || queue.push_job(Box::new(|_| true)).unwrap();
    queue.push(&mut frame(), Admission::Bounded).unwrap();
    job();
    let patient = gathering(4, HOUR);
    assert!(matches!(queue.take(None, patient), Some(Work::Job(_))));
    // After a job the record does not wait its hour for others.
    assert!(matches!(queue.take(None, patient), Some(Work::Chunk(chunk)) if chunk.last == 1));
    // The next commit waits again.
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| queue.take(None, patient));
        sleeps_for(&queue, 4);
        queue.push(&mut frame(), Admission::Bounded).unwrap();
        assert_eq!(queue.awaited(), 4);
        job();
        assert!(matches!(writer.join().unwrap(), Some(Work::Job(_))));
    });
    assert!(matches!(queue.take(None, patient), Some(Work::Chunk(chunk)) if chunk.last == 2));
}
