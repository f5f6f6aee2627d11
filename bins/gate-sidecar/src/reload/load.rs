//! Loads a bundle beside order flow: on a thread of its own, in idle time, with rests that leave it
//! about a third of that, and within a time limit.
//!
//! The rests leave cores idle. A core that always has something to do, however unimportant, does
//! not look for orders that wait at another core (the kernel balances cores that become idle, and
//! others seldom), and a host that shares its cores counts it as used.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use gate_policy::Policy;
use parking_lot::Mutex;

use crate::assemble;
use crate::config::Config;
use crate::schedule::{self, Share};

/// How long a load may wait for idle time before a second one starts that gets a share of the
/// processor: a policy change must come through on a busy machine, too.
const IDLE_TIME: Duration = Duration::from_secs(10);
/// The time limit of that second load. What a bundle can make slow has much lower limits of its
/// own; this one is the last resort.
const LOAD_TIME: Duration = Duration::from_secs(120);
/// A rest is this many times as long as the step before it.
const REST_TIMES: u32 = 2;
/// The longest rest: one step of a large bundle may be long.
const LONGEST_REST: Duration = Duration::from_millis(50);
/// The sum of a load's rests: one that takes longer rests no more.
const ALL_RESTS: Duration = Duration::from_secs(5);

type Loaded = Result<Arc<dyn Policy>>;

/// Loads one bundle at a time.
#[derive(Default)]
pub(super) struct Loader {
    running: Arc<Running>,
}

/// The number of loading threads by share; they may outlive the wait for them.
#[derive(Default)]
struct Running {
    idle: AtomicUsize,
    small: AtomicUsize,
}

impl Loader {
    /// The configured policy, compiled and tested; `in_force` itself when revision and content are
    /// the same. Fails when an earlier load still runs, or this one takes too long.
    pub(super) fn load(&self, config: &Config, in_force: &Arc<dyn Policy>) -> Loaded {
        let (done, outcome) = channel();
        for share in self.running.shares_left()? {
            let time = match share {
                Share::Idle => IDLE_TIME,
                Share::Small => LOAD_TIME,
            };
            self.spawn(*share, config, in_force, done.clone())?;
            match outcome.recv_timeout(time) {
                Ok(loaded) => return loaded,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
        }
        bail!("it takes longer than {LOAD_TIME:?}")
    }

    fn spawn(
        &self,
        share: Share,
        config: &Config,
        in_force: &Arc<dyn Policy>,
        done: Sender<Loaded>,
    ) -> Result<()> {
        let running = Counted::one_more(&self.running, share);
        let (config, in_force) = (config.clone(), Arc::clone(in_force));
        let work = move || {
            // Orders go first.
            schedule::lower(share);
            let rests = Rests::up_to(match share {
                Share::Idle => ALL_RESTS,
                // The load before it has waited long enough.
                Share::Small => Duration::ZERO,
            });
            let rest = |worked| std::thread::sleep(rests.after(worked));
            let load = || assemble::policy_if_changed(&config, &in_force, &rest);
            let loaded = catch_unwind(AssertUnwindSafe(load));
            let loaded = loaded.unwrap_or_else(|_| bail!("it panicked"));
            let loaded = loaded.map(|policy| policy.unwrap_or(in_force));
            drop(running);
            // A result that comes too late has no receiver, and is dropped here.
            let _ = done.send(loaded);
        };
        let builder = std::thread::Builder::new().name("gate-load".to_owned());
        builder.spawn(work).context("cannot start a thread")?;
        Ok(())
    }
}

/// The rests that one load has left.
struct Rests {
    left: Mutex<Duration>,
}

impl Rests {
    /// At most `all` in total.
    fn up_to(all: Duration) -> Self {
        let left = Mutex::new(all);
        Self { left }
    }

    /// How long to rest after a step that took `worked`.
    fn after(&self, worked: Duration) -> Duration {
        let mut left = self.left.lock();
        let rest = worked.saturating_mul(REST_TIMES).min(LONGEST_REST);
        let rest = rest.min(*left);
        *left = left.saturating_sub(rest);
        rest
    }
}

impl Running {
    /// The shares to try, one after the other. A load that starves for idle time is abandoned and
    /// blocks no other; one that has a share of the processor does.
    fn shares_left(&self) -> Result<&'static [Share]> {
        let [idle, small] =
            [Share::Idle, Share::Small].map(|share| self.of(share).load(Ordering::Acquire));
        ensure!(small == 0, "an earlier load has not come to its end yet");
        Ok(if idle == 0 {
            &[Share::Idle, Share::Small]
        } else {
            &[Share::Small]
        })
    }

    const fn of(&self, share: Share) -> &AtomicUsize {
        match share {
            Share::Idle => &self.idle,
            Share::Small => &self.small,
        }
    }
}

/// Counts a loading thread while it runs, also through a panic.
struct Counted {
    running: Arc<Running>,
    share: Share,
}

impl Counted {
    fn one_more(running: &Arc<Running>, share: Share) -> Self {
        running.of(share).fetch_add(1, Ordering::AcqRel);
        let running = Arc::clone(running);
        Self { running, share }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.running.of(self.share).fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_that_starves_leaves_the_next_its_share_and_one_that_runs_does_not() {
        let running = Arc::<Running>::default();
        let shares = || running.shares_left().map(<[Share]>::to_vec).ok();
        assert_eq!(shares(), Some(vec![Share::Idle, Share::Small]));
        let starving = Counted::one_more(&running, Share::Idle);
        assert_eq!(shares(), Some(vec![Share::Small]));
        let loading = Counted::one_more(&running, Share::Small);
        assert_eq!(shares(), None);
        drop(loading);
        assert_eq!(shares(), Some(vec![Share::Small]));
        drop(starving);
        assert_eq!(shares(), Some(vec![Share::Idle, Share::Small]));
    }

    #[test]
    fn a_rest_is_longer_than_the_step_before_it_and_all_of_them_are_bounded() {
        let rests = Rests::up_to(ALL_RESTS);
        let ms = Duration::from_millis;
        assert_eq!(rests.after(ms(3)), ms(6));
        assert_eq!(rests.after(ms(400)), ms(50));
        let more: Duration = (0..1_000).map(|_| rests.after(ms(10))).sum();
        assert_eq!(more, ALL_RESTS - ms(56));
        assert_eq!(Rests::up_to(Duration::ZERO).after(ms(3)), Duration::ZERO);
    }
}
