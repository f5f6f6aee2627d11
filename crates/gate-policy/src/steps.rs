//! The steps of an activation, between which whoever loads beside other work may rest.

use std::cell::Cell;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// What takes less is one step with what follows it.
const LEAST: Duration = Duration::from_micros(300);

/// Told how long a step had the processor; returns when the next may begin.
pub(crate) type Rest<'a> = &'a (dyn Fn(Duration) + Sync);

/// The steps of one activation, all on one thread.
pub(crate) struct Steps<'a> {
    rest: Option<Rest<'a>>,
    /// The thread's processor time when this step began.
    began: Cell<Duration>,
}

impl<'a> Steps<'a> {
    /// With a rest between two steps. To be called on the thread that makes them.
    pub(crate) fn with_rest(rest: Rest<'a>) -> Self {
        Self {
            rest: Some(rest),
            began: Cell::new(processor_time()),
        }
    }

    /// One after the other, at once.
    pub(crate) const fn at_once() -> Self {
        Self {
            rest: None,
            began: Cell::new(Duration::ZERO),
        }
    }

    /// A step is done, unless it was too short to be one.
    pub(crate) fn done(&self) {
        let Some(rest) = self.rest else {
            return;
        };
        let took = processor_time().saturating_sub(self.began.get());
        if took >= LEAST {
            rest(took);
            self.began.set(processor_time());
        }
    }
}

/// The time that this thread had the processor.
pub(crate) fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanos = u32::try_from(time.tv_nsec).unwrap_or_default();
    Duration::new(seconds, nanos)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn a_step_ends_once_it_has_had_its_time_and_the_rest_is_none_of_the_next() {
        let rests = Mutex::new(Vec::new());
        let rest = |took| {
            rests.lock().unwrap().push(took);
            work(LEAST * 2);
        };
        let steps = Steps::with_rest(&rest);
        steps.done();
        assert_eq!(*rests.lock().unwrap(), []);
        work(LEAST);
        steps.done();
        steps.done();
        let [took] = rests.lock().unwrap()[..] else {
            panic!("one rest");
        };
        assert!(took >= LEAST);
    }

    /// Has the processor for that long.
    fn work(time: Duration) {
        let end = processor_time() + time;
        while processor_time() < end {}
    }
}
