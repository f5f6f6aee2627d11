//! Pins processes to some of the cores: a server under overload must not be spared because its
//! generator gets no core.

use anyhow::{Context as _, Result};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// This thread, and every process that it starts, runs on those cores as long as this lives.
#[derive(Debug)]
pub(super) struct Pinned {
    before: CpuSet,
}

impl Pinned {
    /// Pins to the first of the available cores.
    pub(super) fn to_first() -> Result<Self> {
        Self::to(|place| place == 0)
    }

    /// Pins to all others.
    pub(super) fn to_others() -> Result<Self> {
        Self::to(|place| place > 0)
    }

    fn to(is_wanted: impl Fn(usize) -> bool) -> Result<Self> {
        let before = sched_getaffinity(None).context("which cores there are is not told")?;
        let allowed = (0..CpuSet::MAX_CPU).filter(|core| before.is_set(*core));
        let mut wanted = CpuSet::new();
        for (place, core) in allowed.enumerate() {
            if is_wanted(place) {
                wanted.set(core);
            }
        }
        sched_setaffinity(None, &wanted).context("no such part of the cores can be had")?;
        Ok(Self { before })
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        // They were allowed a moment ago.
        let _ = sched_setaffinity(None, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_started_meanwhile_runs_on_those_cores_and_nothing_later() {
        let cores = || {
            let output = std::process::Command::new("nproc").output().unwrap();
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        let all = cores();
        let pinned = Pinned::to_first().unwrap();
        assert_eq!(cores(), "1");
        drop(pinned);
        assert_eq!(cores(), all);
    }
}
