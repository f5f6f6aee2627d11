//! The time that everything a bundle runs before it is in force may take, all together.

use std::num::NonZeroU32;
use std::time::Duration;

use regorus::utils::limits::{ExecutionTimerConfig, monotonic_now};

/// The longest one evaluation by the interpreter may take.
pub(crate) const EVALUATION_TIME: Duration = Duration::from_secs(5);
/// The longest the bundle's own tests and the comparison of the engines may take, all together.
pub(crate) const SELF_TEST_TIME: Duration = Duration::from_secs(30);
/// Work between two looks at the time.
const WORK_BETWEEN_TIME_CHECKS: NonZeroU32 = NonZeroU32::new(1_000).unwrap();

/// What is left of it, by the clock that the engine keeps its own limits with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    /// Absent where the engine has no clock, and so no limit of its own either.
    ends: Option<Duration>,
}

impl Budget {
    pub(super) fn start(total: Duration) -> Self {
        let ends = monotonic_now().map(|now| now.saturating_add(total));
        Self { ends }
    }

    /// What one more evaluation may take; `None` when nothing is left.
    pub(super) fn next(self) -> Option<ExecutionTimerConfig> {
        let left = match (self.ends, monotonic_now()) {
            (Some(ends), Some(now)) => ends.checked_sub(now)?,
            _ => EVALUATION_TIME,
        };
        Some(timer(left.min(EVALUATION_TIME)))
    }
}

/// The limit of one evaluation by the interpreter.
pub(crate) const fn timer(limit: Duration) -> ExecutionTimerConfig {
    ExecutionTimerConfig {
        limit,
        check_interval: WORK_BETWEEN_TIME_CHECKS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activate::Activation;
    use crate::rego::EvalLimits;
    use crate::selftest::{TestProblem, TestReport, run_within};
    use crate::{Bundle, Engine};

    #[test]
    fn a_bundle_whose_time_is_spent_does_not_pass() {
        let bundle = Bundle::sample(Engine::Rego).unwrap();
        let activation = Activation::prepare(&bundle, EvalLimits::default()).unwrap();
        let run = |total| run_within(&bundle, &activation, Budget::start(total)).unwrap();
        assert!(run(SELF_TEST_TIME).is_pass());
        let TestReport {
            failures, passed, ..
        } = run(Duration::ZERO);
        assert_eq!((failures.len(), passed.len()), (1, 0));
        assert_eq!(failures[0].problem, TestProblem::OutOfTime);
    }

    #[test]
    fn an_evaluation_may_take_what_is_left_and_never_more_than_its_own_limit() {
        let limit = |total| Budget::start(total).next().map(|timer| timer.limit);
        assert_eq!(limit(Duration::from_secs(3_600)), Some(EVALUATION_TIME));
        assert!(limit(Duration::from_secs(2)).is_some_and(|left| left <= Duration::from_secs(2)));
        assert_eq!(limit(Duration::ZERO), None);
    }
}
