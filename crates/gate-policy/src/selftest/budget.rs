//! The time budget for all that a bundle runs before it is in force.
//!
//! It counts the thread's processor time. By wall-clock time a good bundle would be refused because
//! the process or the machine was paused, or because orders came first. regorus only knows
//! wall-clock time, so an evaluation that it stopped too early is tried again.

use std::num::NonZeroU32;
use std::time::Duration;

use regorus::utils::limits::{ExecutionTimerConfig, monotonic_now};

use crate::pacing::{Steps, processor_time};

/// The longest one evaluation by the interpreter may take.
pub(crate) const EVALUATION_TIME: Duration = Duration::from_secs(5);
/// The longest the bundle's own tests and the comparison of the engines may take, all together.
pub(crate) const SELF_TEST_TIME: Duration = Duration::from_secs(30);
/// Work between two looks at the time.
const WORK_BETWEEN_TIME_CHECKS: NonZeroU32 = NonZeroU32::new(1_000).unwrap();
/// How often an evaluation that was held up is tried again, each time with twice the time.
const MORE_ATTEMPTS: u32 = 4;

/// What is left of it, on one thread.
#[derive(Clone, Copy)]
pub(super) struct Budget<'a> {
    ends: Duration,
    steps: &'a Steps<'a>,
}

impl<'a> Budget<'a> {
    pub(super) fn start(total: Duration, steps: &'a Steps<'a>) -> Self {
        let ends = processor_time().saturating_add(total);
        Self { ends, steps }
    }

    /// Ends a step that is not an evaluation.
    pub(super) fn step_done(self) {
        self.steps.done();
    }

    /// The time for one more evaluation, each being a step; `None` when nothing is left.
    pub(super) fn next(self) -> Option<Duration> {
        self.steps.done();
        let left = self.ends.checked_sub(processor_time())?;
        (!left.is_zero()).then_some(left.min(EVALUATION_TIME))
    }
}

/// Evaluates within `limit` of processor time. `evaluate` is given a limit in wall-clock time, and
/// fails when it takes longer.
///
/// If it failed in less processor time than `limit`, but not before its wall-clock time was up,
/// something other than the bundle held it up: it is tried again.
pub(crate) fn within<T, E>(
    limit: Duration,
    evaluate: impl FnMut(Duration) -> Result<T, E>,
) -> Result<T, E> {
    within_by(Clocks::now, limit, evaluate)
}

fn within_by<T, E>(
    now: impl Fn() -> Clocks,
    limit: Duration,
    mut evaluate: impl FnMut(Duration) -> Result<T, E>,
) -> Result<T, E> {
    let mut given = limit;
    for _ in 0..MORE_ATTEMPTS {
        let before = now();
        let answer = evaluate(given);
        let after = now();
        let is_up = after.wall.saturating_sub(before.wall) >= given;
        let had_its_time = after.processor.saturating_sub(before.processor) >= limit;
        if answer.is_ok() || !is_up || had_its_time {
            return answer;
        }
        given = given.saturating_mul(2);
    }
    evaluate(given)
}

/// The time by both clocks.
#[derive(Clone, Copy)]
struct Clocks {
    /// By the engine's clock. Zero where it has none, and so no limit either.
    wall: Duration,
    processor: Duration,
}

impl Clocks {
    fn now() -> Self {
        Self {
            wall: monotonic_now().unwrap_or_default(),
            processor: processor_time(),
        }
    }
}

/// The limit of one evaluation by the interpreter, in wall-clock time.
pub(crate) const fn timer(limit: Duration) -> ExecutionTimerConfig {
    ExecutionTimerConfig {
        limit,
        check_interval: WORK_BETWEEN_TIME_CHECKS,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::activate::Activation;
    use crate::rego::EvalLimits;
    use crate::selftest::{TestProblem, TestReport, run_within};
    use crate::{Bundle, Engine};

    #[test]
    fn a_bundle_whose_time_is_spent_does_not_pass() {
        let bundle = Bundle::sample(Engine::Rego).unwrap();
        let steps = Steps::at_once();
        let activation = Activation::prepare(&bundle, EvalLimits::default(), &steps).unwrap();
        let run = |total| run_within(&bundle, &activation, Budget::start(total, &steps)).unwrap();
        assert!(run(SELF_TEST_TIME).is_pass());
        let TestReport {
            failures, passed, ..
        } = run(Duration::ZERO);
        assert_eq!((failures.len(), passed.len()), (1, 0));
        assert_eq!(failures[0].problem, TestProblem::OutOfTime);
    }

    #[test]
    fn an_evaluation_may_take_what_is_left_and_never_more_than_its_own_limit() {
        let limit = |total| Budget::start(total, &Steps::at_once()).next();
        assert_eq!(limit(Duration::from_secs(3_600)), Some(EVALUATION_TIME));
        assert!(limit(Duration::from_secs(2)).is_some_and(|left| left <= Duration::from_secs(2)));
        assert_eq!(limit(Duration::ZERO), None);
    }

    const SECOND: Duration = Duration::from_secs(1);

    /// Runs an evaluation, limited to a second, that fails until it is given `needed` and takes
    /// this much of each clock. Returns how it ended, and what it was given each time.
    fn attempts(needed: u32, wall: u32, processor: u32) -> (bool, Vec<u64>) {
        let clocks = Cell::new(Clocks {
            wall: SECOND,
            processor: SECOND,
        });
        let mut attempts = Vec::new();
        let answer = within_by(
            || clocks.get(),
            SECOND,
            |given| {
                attempts.push(given.as_secs());
                let now = clocks.get();
                clocks.set(Clocks {
                    wall: now.wall + SECOND * wall,
                    processor: now.processor + SECOND * processor,
                });
                if given < SECOND * needed {
                    Err(())
                } else {
                    Ok(())
                }
            },
        );
        (answer.is_ok(), attempts)
    }

    #[test]
    fn an_evaluation_that_was_held_up_is_tried_again() {
        assert_eq!(attempts(4, 600, 0), (true, vec![1, 2, 4]));
        // It ends all the same.
        assert_eq!(attempts(1_000, 600, 0), (false, vec![1, 2, 4, 8, 16]));
    }

    #[test]
    fn an_evaluation_that_fails_or_takes_too_long_by_itself_is_not() {
        assert_eq!(attempts(1, 600, 0), (true, vec![1]));
        assert_eq!(attempts(2, 0, 0), (false, vec![1]));
        assert_eq!(attempts(2, 1, 1), (false, vec![1]));
    }

    #[test]
    fn the_processor_is_had_by_who_works() {
        let before = processor_time();
        let work = (0..1_000_000_u64).fold(0, |sum: u64, n| std::hint::black_box(sum ^ n));
        assert!(processor_time() > before, "{work}");
    }
}
