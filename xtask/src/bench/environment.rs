//! The machine and the build that a benchmark ran on.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use serde::Serialize;

use super::cores::{self, Cores};
use super::disk::{self, Disk};
use super::running::Running;

#[derive(Debug, Clone, Serialize)]
pub(super) struct Environment {
    pub(super) rust_version: String,
    pub(super) os: String,
    pub(super) cpu: String,
    pub(super) cpu_cores: usize,
    pub(super) cpu_flags: String,
    /// The cores that this process and gate-bench may use, as the kernel lists them.
    pub(super) cpus_allowed: String,
    /// The nice value of this process and of every one it starts; those below zero are preferred.
    pub(super) nice: Option<i32>,
    pub(super) virtualization: String,
    pub(super) kernel: String,
    pub(super) memory_total_kb: Option<u64>,
    pub(super) profile: &'static str,
    pub(super) git_revision: String,
    /// Whether the tree differed from that revision.
    pub(super) git_dirty: bool,
    pub(super) file_system: String,
    /// Of the data directory's file system, before any load.
    pub(super) fdatasync_ms: Disk,
    /// The wake-up latency asked of the kernel for all that was measured, in microseconds. `None`:
    /// cores slept as the kernel let them.
    pub(super) wake_latency_us: Option<i32>,
    /// The driver that honours it; `none`: nothing does.
    pub(super) cpuidle_driver: String,
    /// With nothing running on them but naps, and beside syncs.
    pub(super) cores: Cores,
    pub(super) load_average_before: String,
    pub(super) load_average_after: String,
    /// The sidecar of the canonical load.
    pub(super) sidecar: Option<Running>,
}

impl Environment {
    /// `scratch` is on the file system of the data directories.
    pub(super) fn capture(
        root: &Path,
        scratch: &Path,
        wake_latency_us: Option<i32>,
        is_built_now: bool,
    ) -> Result<Self> {
        let cpuinfo = read("/proc/cpuinfo");
        let status = read("/proc/self/status");
        let load_average = load_average();
        Ok(Self {
            rust_version: output(root, "rustc", &["--version"]),
            os: os_name(),
            cpu: field(&cpuinfo, "model name"),
            cpu_cores: std::thread::available_parallelism().map_or(1, usize::from),
            cpu_flags: field(&cpuinfo, "flags"),
            cpus_allowed: field(&status, "Cpus_allowed_list"),
            nice: nice(&read("/proc/self/stat")),
            virtualization: if cpuinfo.contains("hypervisor") {
                "virtual machine".into()
            } else {
                "none seen".into()
            },
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            memory_total_kb: field(&read("/proc/meminfo"), "MemTotal")
                .split(' ')
                .next()
                .and_then(|kb| kb.parse().ok()),
            profile: if is_built_now {
                "release"
            } else {
                "release, as it was found (--skip-build): perhaps of another revision"
            },
            git_revision: output(root, "git", &["rev-parse", "HEAD"]),
            git_dirty: !output(root, "git", &["status", "--porcelain"]).is_empty(),
            file_system: file_system(scratch),
            fdatasync_ms: disk::measure(scratch)?,
            wake_latency_us,
            cpuidle_driver: read("/sys/devices/system/cpu/cpuidle/current_driver")
                .trim()
                .to_owned(),
            cores: cores::measure(scratch)?,
            load_average_after: load_average.clone(),
            load_average_before: load_average,
            sidecar: None,
        })
    }

    /// After the last load.
    pub(super) fn finish(&mut self, sidecar: Running) {
        self.sidecar = Some(sidecar);
        self.load_average_after = load_average();
    }
}

/// The 19th field of `/proc/self/stat` (proc(5)); the second, in brackets, may have spaces in it.
fn nice(stat: &str) -> Option<i32> {
    let (_, after_second) = stat.rsplit_once(')')?;
    after_second.split_whitespace().nth(16)?.parse().ok()
}

fn load_average() -> String {
    let text = read("/proc/loadavg");
    let three: Vec<&str> = text.split(' ').take(3).collect();
    three.join(" ")
}

fn os_name() -> String {
    let release = read("/etc/os-release");
    let pretty = release
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))
        .unwrap_or(std::env::consts::OS);
    pretty.trim_matches('"').to_owned()
}

/// The value of the first `name : value` line.
pub(super) fn field(text: &str, name: &str) -> String {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.trim() == name)
        .map_or_else(|| "unknown".into(), |(_, value)| value.trim().to_owned())
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// The file system of `dir`, as `stat -f` names it.
pub(super) fn file_system(dir: &Path) -> String {
    output(dir, "stat", &["-f", "-c", "%T", "."])
}

fn output(dir: &Path, program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).current_dir(dir).output();
    match output {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
        _ => "unknown".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nice_level_is_read_past_a_name_with_spaces_and_brackets() {
        let before = "4 (a) b) S 1 4 4 0 -1 4194304 113 0 0 0 1 2 3 4 20";
        assert_eq!(nice(&format!("{before} -10 1 0 99")), Some(-10));
        assert_eq!(nice("4 (a) S 1"), None);
    }

    #[test]
    fn this_process_has_a_nice_level() {
        let range = -20..=19;
        assert!(range.contains(&nice(&read("/proc/self/stat")).unwrap()));
    }
}
