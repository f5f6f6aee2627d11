//! Loading a bundle beside order flow: on a thread of its own that runs when no order wants the
//! processor, most of the time about a third of it, and within a time.
//!
//! The rests are for who has idle time to give away: a core that always has something to do, however
//! little it matters, never looks whether the other has orders waiting (the kernel balances cores that
//! become idle, and others seldom), and a host that shares its cores counts it as used.

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

/// How long a load may rest and wait for idle time before one begins that is given a share of the
/// processor: on a machine that never rests a change of policy must come through, too.
const IDLE_TIME: Duration = Duration::from_secs(10);
/// The longest a load may take then. What a bundle can make slow has bounds of its own far below;
/// this one is for what nobody thought of.
const LOAD_TIME: Duration = Duration::from_secs(120);
/// A rest is as many times as long as the step before it.
const REST_TIMES: u32 = 2;
/// And no longer than this: one step of a large bundle may be long.
const LONGEST_REST: Duration = Duration::from_millis(50);
/// All rests of one load: what takes so long rests no more.
const ALL_RESTS: Duration = Duration::from_secs(5);

type Loaded = Result<Arc<dyn Policy>>;

/// Loads one bundle at a time.
#[derive(Default)]
pub(super) struct Loader {
    running: Arc<Running>,
}

/// Threads that load, which may be longer than they are waited for.
#[derive(Default)]
struct Running {
    idle: AtomicUsize,
    small: AtomicUsize,
}

impl Loader {
    /// The policy that the settings name, compiled and tested; the one `in_force` itself when it
    /// is of the same revision and content.
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
            // Orders go first: what is loaded here has time.
            schedule::lower(share);
            let rests = Rests::up_to(match share {
                Share::Idle => ALL_RESTS,
                // It has waited enough.
                Share::Small => Duration::ZERO,
            });
            let rest = |worked| std::thread::sleep(rests.after(worked));
            let load = || assemble::policy_if_changed(&config, &in_force, &rest);
            let loaded = catch_unwind(AssertUnwindSafe(load));
            let loaded = loaded.unwrap_or_else(|_| bail!("it panicked"));
            let loaded = loaded.map(|policy| policy.unwrap_or(in_force));
            drop(running);
            // Nobody waits any more when it came too late; then it is let go here.
            let _ = done.send(loaded);
        };
        let builder = std::thread::Builder::new().name("gate-load".to_owned());
        builder.spawn(work).context("cannot start a thread")?;
        Ok(())
    }
}

/// The rests of one load.
struct Rests {
    left: Mutex<Duration>,
}

impl Rests {
    /// No more than that, all of them together.
    fn up_to(all: Duration) -> Self {
        let left = Mutex::new(all);
        Self { left }
    }

    /// How long to rest after a step that took so long.
    fn after(&self, worked: Duration) -> Duration {
        let mut left = self.left.lock();
        let rest = worked.saturating_mul(REST_TIMES).min(LONGEST_REST);
        let rest = rest.min(*left);
        *left = left.saturating_sub(rest);
        rest
    }
}

impl Running {
    /// The shares that a load may have, one after the other. One that waits for idle time which never
    /// comes is nobody's any more, and holds up no other.
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

/// Counts a thread as long as it runs, a panic included.
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
