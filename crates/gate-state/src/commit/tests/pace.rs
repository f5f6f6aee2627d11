//! Tests of `pace`, apart from it: the schedule tests compile that file alone.

use crate::commit::pace::{Commit, Gathering, Pace};

const MS: u64 = 1_000_000;
const US: u64 = 1_000;

/// The result of windows of 5 ms, each given as (commits, records in each, microseconds of each,
/// most records waiting).
fn after(windows: &[(u64, u64, u64, u64)]) -> Gathering {
    let mut pace = Pace::new();
    let mut now = 0;
    for (commits, records, took_us, waiting) in windows {
        for commit in 1..=*commits {
            pace.committed(Commit {
                records: *records,
                waiting: *waiting,
                took_ns: took_us * US,
                end_ns: now + 5 * MS * commit / commits,
            });
        }
        now += 5 * MS;
    }
    pace.gathering()
}

fn patience_us(gathering: Gathering, missing: u64) -> u128 {
    gathering.patience(missing).as_micros()
}

#[test]
fn a_commit_waits_for_what_comes_in_twice_the_time_of_one() {
    let steady = after(&[(16, 3, 300, 12)]);
    assert_eq!(steady.records, 5, "48 records in 5 ms are 5.8 in 600 µs");
    // Twice the interval for each, and no longer than two commits take.
    assert_eq!(patience_us(steady, 1), 208);
    assert_eq!(patience_us(steady, 5), 600);
    // One a millisecond: no other comes in the time of two commits.
    assert_eq!(after(&[(5, 1, 300, 12)]).records, 1);
    // The rate is that of the last window.
    assert_eq!(after(&[(16, 3, 300, 12), (5, 1, 300, 12)]).records, 1);
}

#[test]
fn nobody_waits_for_more_than_have_lately_waited_at_once() {
    // 36 records in 5 ms are 7.2 in 1 ms, but they are of four callers with one order at a time.
    assert_eq!(after(&[(9, 4, 500, 4)]).records, 4);
    assert_eq!(after(&[(9, 4, 500, 40)]).records, 7);
}

#[test]
fn a_large_commit_is_followed_by_a_wait_for_nearly_as_many_again() {
    // A hundred callers that come back at once. By the rate it would be 36: three times 12.
    let convoy = after(&[(10, 50, 120, 60)]);
    assert_eq!(convoy.records, 44, "seven eighths, upwards");
    // 10 µs from one to the next, and commits of 120 µs at a high rate.
    assert_eq!(patience_us(convoy, 1), 25);
    assert_eq!(patience_us(convoy, 44), 480);
    // Below sixteen it is no group.
    assert_eq!(after(&[(10, 15, 0, 60)]).records, 1);
    assert_eq!(after(&[(10, 16, 0, 60)]).records, 14);
}

#[test]
fn a_convoy_shrinks_to_what_comes_in_three_times_the_time_of_a_commit() {
    let mut pace = Pace::new();
    let (mut records, mut now) = (200, 0);
    for _ in 0..100 {
        // 100,000 a second.
        now += records * 10 * US;
        pace.committed(Commit {
            records,
            waiting: 500,
            took_ns: 250 * US,
            end_ns: now,
        });
        records = pace.gathering().records;
    }
    assert!((73..=75).contains(&records), "{records}");
}

#[test]
fn a_high_rate_is_worth_a_longer_wait_for_more() {
    // 14 and 18 records in 600 µs.
    let (below, above) = (after(&[(10, 12, 300, 99)]), after(&[(10, 15, 300, 99)]));
    assert_eq!((below.records, above.records), (14, 27));
    assert_eq!(patience_us(below, 100), 600);
    assert_eq!(patience_us(above, 100), 1_200);
}

#[test]
fn a_stall_is_not_the_usual_time_of_a_commit() {
    let mut pace = Pace::new();
    for (at, took_us) in [(1, 300), (2, 300), (3, 300), (13, 9_000)] {
        pace.committed(Commit {
            records: 3,
            waiting: 100,
            took_ns: took_us * US,
            end_ns: at * MS,
        });
    }
    // 12 records in 13 ms are 1.3 in twice the mean of 0.3, 0.3, 0.3 and 2 ms; with 9 ms they would be 4.5.
    assert_eq!(pace.gathering().records, 1);
}

#[test]
fn no_wait_is_longer_than_one_or_two_milliseconds_however_slow_the_disk() {
    assert_eq!(patience_us(after(&[(1, 15, 40_000, 15)]), 1_000), 1_000);
    assert_eq!(patience_us(after(&[(1, 200, 40_000, 400)]), 1_000), 2_000);
    assert_eq!(patience_us(Gathering::NONE, 0), 0);
}
