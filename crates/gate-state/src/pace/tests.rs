//! Tests of `pace`, apart from it: the schedule tests compile that file alone.

use crate::pace::{Gathering, Pace};

const MS: u64 = 1_000_000;

/// The patience in microseconds for one record and for a thousand, after windows of 5 ms in which so
/// many records came and so much processor time was used.
fn patience(cores: u32, windows: &[(u64, u64)]) -> (u128, u128) {
    let mut pace = Pace::new(cores);
    let (mut now, mut used) = (100 * MS, 0);
    pace.committed(1, now, || used);
    for (records, used_ms) in windows {
        used += used_ms * MS;
        for record in 1..=*records {
            let now = now + 5 * MS * record / records;
            pace.committed(1, now, || used);
        }
        now += 5 * MS;
    }
    let of = |missing| pace.gathering().patience(missing).as_micros();
    (of(1), of(1_000))
}

#[test]
fn a_busy_processor_is_patient_with_each_record_for_as_long_as_two_take_to_come() {
    // 40 µs from one to the next, and 9 ms of 10 used.
    assert_eq!(patience(2, &[(125, 9)]), (80, 1_280));
    // Never shorter than usual, never longer than an order can wait for.
    assert_eq!(patience(2, &[(1_000, 9)]), (25, 400));
    assert_eq!(patience(2, &[(5, 9)]), (125, 2_000));
}

#[test]
fn an_idle_processor_waits_for_nobody_longer_than_usual() {
    let usual = |missing| Gathering::USUAL.patience(missing).as_micros();
    let usual = (usual(1), usual(1_000));
    assert_eq!(usual, (25, 400));
    assert_eq!(patience(2, &[(125, 5)]), usual);
    assert_eq!(patience(2, &[(125, 9), (125, 5)]), usual);
    // Nobody said how many cores there are, or how much of them was used.
    assert_eq!(patience(0, &[(125, 9)]), usual);
    assert_eq!(patience(2, &[(125, 0)]), usual);
}
