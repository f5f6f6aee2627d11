//! The clock is a number here: nothing waits.

use super::*;

const ONE: Share = Share {
    thread: 0,
    threads: 1,
};

fn due_times(mut schedule: Schedule) -> Vec<u64> {
    let mut times = Vec::new();
    while let Some(due) = schedule.peek() {
        times.push(due);
        schedule.advance();
    }
    times
}

#[test]
fn constant_arrivals_are_exactly_placed() {
    let times = due_times(Schedule::new(
        Arrivals::Constant,
        12_000.0,
        1_000_000_000,
        ONE,
        1,
    ));
    assert_eq!(times.len(), 12_000);
    assert_eq!(times[0], 0);
    assert_eq!(times[1], 83_333);
    assert_eq!(times[3], 250_000);
    assert_eq!(times[11_997], 999_750_000);
}

#[test]
fn threads_share_a_schedule_without_gap_or_overlap() {
    let whole = due_times(Schedule::new(
        Arrivals::Constant,
        1000.0,
        1_000_000_000,
        ONE,
        1,
    ));
    let mut parts: Vec<u64> = (0..3)
        .flat_map(|thread| {
            let share = Share { thread, threads: 3 };
            due_times(Schedule::new(
                Arrivals::Constant,
                1000.0,
                1_000_000_000,
                share,
                1,
            ))
        })
        .collect();
    parts.sort_unstable();
    assert_eq!(parts, whole);
}

#[test]
fn poisson_arrivals_have_the_rate_and_the_spread() {
    let times = due_times(Schedule::new(
        Arrivals::Poisson,
        10_000.0,
        10_000_000_000,
        ONE,
        7,
    ));
    assert!((98_500..101_500).contains(&times.len()), "{}", times.len());
    let gaps: Vec<f64> = times
        .windows(2)
        .map(|pair| (pair[1] - pair[0]) as f64)
        .collect();
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
    // An exponential distribution's deviation equals its mean.
    assert!(
        (variance.sqrt() / mean - 1.0).abs() < 0.03,
        "{} {mean}",
        variance.sqrt()
    );
    let again = Schedule::new(Arrivals::Poisson, 10_000.0, 10_000_000_000, ONE, 7);
    assert_eq!(times, due_times(again));
}

#[test]
fn what_could_not_be_sent_keeps_its_intended_start() {
    // 1,000 a second; the clock jumps from 2.5 ms to 7.2 ms, as in a stall.
    let schedule = Schedule::new(Arrivals::Constant, 1000.0, 10_000_000, ONE, 1);
    let mut pacer = Pacer::new(schedule);
    let mut lags = Vec::new();
    pacer.notice(2_500_000, |due| lags.push(2_500_000 - due));
    for due in [0, 1_000_000, 2_000_000] {
        assert_eq!(pacer.take(), Due::Now(due));
    }
    assert_eq!(pacer.take(), Due::At(3_000_000));
    pacer.notice(7_200_000, |due| lags.push(7_200_000 - due));
    for due in 3..=7 {
        assert_eq!(pacer.take(), Due::Now(due * 1_000_000));
    }
    assert_eq!(pacer.take(), Due::At(8_000_000));
    assert_eq!(pacer.backlog_max(), 5);
    assert_eq!(
        lags,
        [
            2_500_000, 1_500_000, 500_000, 4_200_000, 3_200_000, 2_200_000, 1_200_000, 200_000
        ]
    );
}

#[test]
fn a_schedule_ends() {
    let mut pacer = Pacer::new(Schedule::new(Arrivals::Constant, 1000.0, 1_500_000, ONE, 1));
    pacer.notice(u64::MAX, |_| {});
    assert_eq!(pacer.take(), Due::Now(0));
    assert_eq!(pacer.take(), Due::Now(1_000_000));
    assert_eq!(pacer.take(), Due::Never);
    assert_eq!(pacer.next_due(), None);
}
