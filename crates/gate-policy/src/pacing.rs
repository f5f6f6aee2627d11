//! Divides an activation into steps, so that it can rest between them while other work goes on.

use std::cell::Cell;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Shorter work is one step with what follows it.
const LEAST: Duration = Duration::from_micros(300);

/// Called with the processor time of the last step; returns when the next may begin.
pub(crate) type Rest<'a> = &'a (dyn Fn(Duration) + Sync);

/// The steps of one activation, all on one thread.
pub(crate) struct Steps<'a> {
    rest: Option<Rest<'a>>,
    /// The thread's processor time.
    clock: fn() -> Duration,
    /// Its value when this step began.
    began: Cell<Duration>,
}

impl<'a> Steps<'a> {
    /// Rests between two steps. To be called on the thread that makes them.
    pub(crate) fn with_rest(rest: Rest<'a>) -> Self {
        Self::by(processor_time, Some(rest))
    }

    /// Without rests.
    pub(crate) fn at_once() -> Self {
        Self::by(processor_time, None)
    }

    fn by(clock: fn() -> Duration, rest: Option<Rest<'a>>) -> Self {
        Self {
            rest,
            clock,
            began: Cell::new(clock()),
        }
    }

    /// Ends a step, unless it was too short to be one.
    pub(crate) fn done(&self) {
        let Some(rest) = self.rest else {
            return;
        };
        let took = (self.clock)().saturating_sub(self.began.get());
        if took >= LEAST {
            rest(took);
            self.began.set((self.clock)());
        }
    }
}

/// The processor time of this thread.
pub(crate) fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanos = u32::try_from(time.tv_nsec).unwrap_or_default();
    Duration::new(seconds, nanos)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// The processor time that the test's thread has had, in microseconds.
    static WORKED: AtomicU64 = AtomicU64::new(0);

    fn work(micros: u64) {
        WORKED.fetch_add(micros, Ordering::Relaxed);
    }

    #[test]
    fn a_step_ends_once_it_has_had_its_time_and_the_rest_is_none_of_the_next() {
        let rests = Mutex::new(Vec::new());
        let rest = |took: Duration| {
            rests.lock().unwrap().push(took.as_micros());
            work(1_000);
        };
        let clock = || Duration::from_micros(WORKED.load(Ordering::Relaxed));
        let steps = Steps::by(clock, Some(&rest));
        // The length of each piece of work, and of the step that ends with it, if one does.
        for (micros, ended) in [
            (0, None),
            (299, None),
            (1, Some(300)),
            (0, None),
            (300, Some(300)),
            (5_000, Some(5_000)),
            (200, None),
            (200, Some(400)),
        ] {
            work(micros);
            steps.done();
            assert_eq!(rests.lock().unwrap().pop(), ended, "after {micros} us");
        }
        let left = rests.into_inner().unwrap();
        assert_eq!(left, [], "more than one rest after a step");
    }
}
