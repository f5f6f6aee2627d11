//! Tests of `queue`, apart from it: the schedule tests compile that file alone.

use crate::chain::{Frames, close_frame, open_frame};
use crate::codec::encode;
use crate::error::{NotDurable, RecordError};
use crate::pace::Gathering;
use crate::queue::{CHUNK_BYTES, Chunk, Queue, Work};
use crate::record::Record;
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
fn numbers_have_no_gap_and_a_full_queue_allots_none() {
    let queue = Queue::after(7, 2);
    assert_eq!(queue.push(&mut frame()), Ok(8));
    assert_eq!(queue.push(&mut frame()), Ok(9));
    assert_eq!(queue.push(&mut frame()), Err(RecordError::Overloaded));
    let chunk = take(&queue, None).unwrap();
    assert_eq!((chunk.first, chunk.last), (8, 9));
    let seqs: Vec<_> = Frames(&chunk.frames)
        .map(|frame| frame.unwrap().seq())
        .collect();
    assert_eq!(seqs, [Some(8), Some(9)]);
    // In flight still counts as waiting.
    assert_eq!(queue.push(&mut frame()), Err(RecordError::Overloaded));
    queue.close();
    queue.committed(chunk.last);
    assert!(take(&queue, Some(chunk)).is_none());
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
    queue.push(&mut frame()).unwrap();
    queue.poison();
    assert_eq!(queue.push(&mut frame()), Err(NotDurable.into()));
    assert!(take(&queue, None).is_none());
    assert_eq!(queue.last_allotted(), 1);
    queue.reopen(1);
    assert_eq!(queue.push(&mut frame()), Ok(2));
}

#[test]
fn a_wait_ends_with_the_last_record_or_with_the_patience() {
    let queue = Queue::after(0, 100);
    let four = Gathering {
        records: 4,
        ..Gathering::NONE
    };
    let take = |done| match queue.take(done, four) {
        Some(Work::Chunk(chunk)) => chunk,
        _ => panic!("nothing else was queued"),
    };
    for _ in 0..5 {
        queue.push(&mut frame()).unwrap();
    }
    let first = take(None);
    assert_eq!((first.first, first.last), (1, 5), "all that is there");
    // Nobody else comes: the one that is there is written without the others.
    queue.push(&mut frame()).unwrap();
    let second = take(Some(first));
    assert_eq!((second.first, second.last), (6, 6));
    // One that comes when patience is over is written at once, from another thread, too.
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| take(Some(second)));
        queue.push(&mut frame()).unwrap();
        let third = writer.join().unwrap();
        assert_eq!((third.first, third.last), (7, 7));
    });
}

#[test]
fn a_patient_wait_takes_no_less_than_it_waits_for() {
    const HOUR: Duration = Duration::from_secs(3_600);
    let queue = Queue::after(0, 100);
    let four = Gathering {
        records: 4,
        per_record: HOUR,
        most: HOUR,
    };
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| queue.take(None, four));
        for _ in 0..4 {
            queue.push(&mut frame()).unwrap();
        }
        let Some(Work::Chunk(chunk)) = writer.join().unwrap() else {
            panic!("nothing else was queued");
        };
        assert_eq!((chunk.first, chunk.last), (1, 4));
    });
}
