//! Measures whether the cores that a benchmark runs on are available when they are wanted.
//!
//! Nothing of the product is involved. A core of a virtual machine sleeps and wakes as its host
//! allows, and the host may count its own work for the guest's disk together with the guest's
//! cores. A host that polls for a while before it lets a core sleep counts a core that wakes often
//! as a busy one, though it does nearly nothing; with syncs on top that is more than the guest may
//! have, and all of its cores are taken away for a while (seen: 5 to 15 ms).

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::Serialize;

use super::disk::Syncs;

/// How every core naps, wakes, and naps again.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Cores {
    pub(super) nap_us: u64,
    /// Share of the time in naps of more than 1 ms, in per cent: that share of a steady load's
    /// orders meets a core that is not available.
    pub(super) late_percent: f64,
    /// The same beside [`Syncs`], with pauses.
    pub(super) late_percent_beside_syncs: f64,
    pub(super) syncs_per_second: f64,
    /// The longest nap of both, in milliseconds.
    pub(super) longest_ms: f64,
}

const LENGTH: Duration = Duration::from_secs(3);
const NAP: Duration = Duration::from_micros(100);
/// A longer nap means that the core was not available.
const LATE: Duration = Duration::from_millis(1);
/// A sync begins this long after the one before began, or when that is done.
const BETWEEN_SYNCS: Duration = Duration::from_micros(700);

/// Measures for a few seconds; `dir` is on the disk that is written to.
pub(super) fn measure(dir: &Path) -> Result<Cores> {
    let alone = beside(|| {
        thread::sleep(LENGTH);
        Ok(())
    })?;
    let mut syncs = Syncs::begin(dir)?;
    let with_syncs = beside(|| {
        let began = Instant::now();
        while began.elapsed() < LENGTH {
            let took = syncs.one()?;
            thread::sleep(BETWEEN_SYNCS.saturating_sub(took));
        }
        Ok(())
    })?;
    let per_second = syncs.count as f64 / LENGTH.as_secs_f64();
    syncs.end()?;
    Ok(Cores {
        nap_us: NAP.as_micros() as u64,
        late_percent: alone.late_percent(),
        late_percent_beside_syncs: with_syncs.late_percent(),
        syncs_per_second: per_second,
        longest_ms: alone.longest.max(with_syncs.longest).as_secs_f64() * 1e3,
    })
}

/// Measures the naps of all cores while `work` is done.
fn beside(work: impl FnOnce() -> Result<()>) -> Result<Naps> {
    let over = AtomicBool::new(false);
    let cores = cores()?;
    thread::scope(|scope| {
        let over = &over;
        let naps = cores.into_iter().map(|core| {
            scope.spawn(move || {
                // If the core has been taken from this process meanwhile, the thread naps on
                // another.
                let _ = sched_setaffinity(None, &core);
                Naps::until(over)
            })
        });
        let naps: Vec<_> = naps.collect();
        let worked = work();
        over.store(true, Ordering::Relaxed);
        let all = naps.into_iter().filter_map(|naps| naps.join().ok());
        let all = all.fold(Naps::default(), Naps::and);
        worked.map(|()| all)
    })
}

/// The cores that this process may use, each alone.
fn cores() -> Result<Vec<CpuSet>> {
    let allowed = sched_getaffinity(None).context("cannot tell which cores may be used")?;
    let each = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
    let alone = each.map(|core| {
        let mut alone = CpuSet::new();
        alone.set(core);
        alone
    });
    Ok(alone.collect())
}

/// The naps of one core, or of several.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Naps {
    all: Duration,
    late: Duration,
    longest: Duration,
}

impl Naps {
    fn until(over: &AtomicBool) -> Self {
        let mut naps = Self::default();
        loop {
            let started = Instant::now();
            thread::sleep(NAP);
            naps.add(started.elapsed());
            if over.load(Ordering::Relaxed) {
                return naps;
            }
        }
    }

    fn add(&mut self, nap: Duration) {
        self.all += nap;
        if nap > LATE {
            self.late += nap;
        }
        self.longest = self.longest.max(nap);
    }

    fn and(self, other: Self) -> Self {
        Self {
            all: self.all + other.all,
            late: self.late + other.late,
            longest: self.longest.max(other.longest),
        }
    }

    fn late_percent(&self) -> f64 {
        100.0 * self.late.as_secs_f64() / self.all.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_is_the_time_in_naps_that_were_too_long() {
        let naps_of = |lengths: &[u64]| {
            let mut naps = Naps::default();
            for micros in lengths {
                naps.add(Duration::from_micros(*micros));
            }
            naps
        };
        let (one, other) = (naps_of(&[150, 850, 1_000]), naps_of(&[2_000, 4_000]));
        assert!(one.late_percent().abs() < 1e-9);
        assert!((other.late_percent() - 100.0).abs() < 1e-9);
        let both = one.and(other);
        assert!((both.late_percent() - 75.0).abs() < 1e-9);
        assert_eq!(both.longest, Duration::from_micros(4_000));
    }

    #[test]
    fn every_core_naps_beside_the_work() {
        let naps = beside(|| Ok(())).unwrap();
        let cores = cores().unwrap().len() as u32;
        assert!(cores > 0 && naps.all >= NAP * cores, "{naps:?}");
        assert!(beside(|| anyhow::bail!("the disk is full")).is_err());
    }
}
