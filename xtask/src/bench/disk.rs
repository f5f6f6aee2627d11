//! Measures the disk that a benchmark waits for: how long syncs take, and how long the longest do.
//!
//! Nothing of the product is involved. A stall of the disk is in the tail of every server that
//! waits for it, so no percentile at a steady rate is better than the share of time in stalls
//! allows.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde::Serialize;

/// One write of 8 KiB and fdatasync after another, within a file of its full length.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Disk {
    pub(super) p50: f64,
    pub(super) p99: f64,
    #[serde(rename = "p99.9")]
    pub(super) p99_9: f64,
    pub(super) max: f64,
    pub(super) count: usize,
    pub(super) write_bytes: usize,
    /// Share of the time in syncs of more than 1 ms, in per cent: that share of a steady load's
    /// orders meets one, whatever the software does.
    pub(super) stalled_percent: f64,
    pub(super) stalls_per_second: f64,
}

const LENGTH: Duration = Duration::from_secs(3);
const WRITE_BYTES: usize = 8 * 1024;
/// The file's length: like a write-ahead log, it is overwritten from the beginning again and again.
const FILE_BYTES: usize = 16 * 1024 * 1024;
const STALL_MS: f64 = 1.0;

/// Measures the file system of `dir` for a few seconds.
pub(super) fn measure(dir: &Path) -> Result<Disk> {
    let mut syncs = Syncs::begin(dir)?;
    let mut times_ms = Vec::new();
    let began = Instant::now();
    while began.elapsed() < LENGTH {
        times_ms.push(syncs.one()?.as_secs_f64() * 1e3);
    }
    syncs.end()?;
    Ok(Disk::of(times_ms))
}

/// One write and fdatasync after another, as a write-ahead log is written.
pub(super) struct Syncs {
    path: PathBuf,
    file: File,
    pub(super) count: usize,
}

impl Syncs {
    /// Creates the file in its full length first.
    pub(super) fn begin(dir: &Path) -> Result<Self> {
        let path = dir.join("fsync-probe");
        let mut file = File::create(&path).context("cannot measure fsync")?;
        for _ in 0..FILE_BYTES / WRITE_BYTES {
            file.write_all(&[0; WRITE_BYTES])?;
        }
        file.sync_all()?;
        Ok(Self {
            path,
            file,
            count: 0,
        })
    }

    /// Makes one write and sync; returns how long it took.
    pub(super) fn one(&mut self) -> Result<Duration> {
        let started = Instant::now();
        let place = self.count * WRITE_BYTES % FILE_BYTES;
        self.file.write_all_at(&[0x5a; WRITE_BYTES], place as u64)?;
        self.file.sync_data()?;
        self.count += 1;
        Ok(started.elapsed())
    }

    /// Removes the file.
    pub(super) fn end(self) -> Result<()> {
        Ok(std::fs::remove_file(&self.path)?)
    }
}

impl Disk {
    fn of(mut times_ms: Vec<f64>) -> Self {
        times_ms.sort_by(f64::total_cmp);
        let count = times_ms.len();
        // The smallest time that so many of a thousand do not exceed.
        let at = |mille: usize| {
            let index = (count * mille).div_ceil(1000).saturating_sub(1);
            times_ms.get(index).copied().unwrap_or(f64::NAN)
        };
        let total: f64 = times_ms.iter().sum();
        let stalls = times_ms.iter().filter(|time| **time > STALL_MS);
        Self {
            p50: at(500),
            p99: at(990),
            p99_9: at(999),
            max: at(1000),
            count,
            write_bytes: WRITE_BYTES,
            stalled_percent: 100.0 * stalls.clone().sum::<f64>() / total,
            stalls_per_second: 1e3 * stalls.count() as f64 / total,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_stall_in_a_hundred_syncs_is_a_fifth_of_the_time_and_the_highest_percentile() {
        let mut times = vec![0.08; 100];
        times.insert(50, 2.0);
        let disk = Disk::of(times);
        assert_eq!((disk.p50, disk.max, disk.count), (0.08, 2.0, 101));
        assert!((disk.stalled_percent - 20.0).abs() < 0.01);
        assert!((disk.stalls_per_second - 100.0).abs() < 0.01);
    }

    #[test]
    fn percentiles_are_the_smallest_time_not_exceeded() {
        let disk = Disk::of((1..=1000).map(f64::from).collect());
        let found = (disk.p50, disk.p99, disk.p99_9, disk.max);
        assert_eq!(found, (500.0, 990.0, 999.0, 1000.0));
    }
}
