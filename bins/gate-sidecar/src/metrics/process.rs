//! Process metrics, under the names of Prometheus' own client libraries ("Writing client
//! libraries", process metrics). What the kernel does not report is left out.

use gate_types::Timestamp;

use super::{seconds, single};

pub(super) fn render(out: &mut String, started: Timestamp) {
    let mut gauge = |name, help, value: u64| single(out, name, "gauge", help, value);
    if let Some(bytes) = linux::resident_bytes() {
        let help = "Memory that the process has in use.";
        gauge("process_resident_memory_bytes", help, bytes);
    }
    if let Some(open) = linux::open_files() {
        let help = "File descriptors that are open, connections among them.";
        gauge("process_open_fds", help, open);
    }
    if let Some(most) = linux::most_open_files() {
        let help = "File descriptors that may be open.";
        gauge("process_max_fds", help, most);
    }
    let (name, help) = ("process_start_time_seconds", "Since when, Unix time.");
    single(out, name, "gauge", help, seconds(started.unix_nanos()));
    if let Some(nanos) = linux::processor_ns() {
        let (name, help) = (
            "process_cpu_seconds_total",
            "Processor time of all threads.",
        );
        single(out, name, "counter", help, seconds(nanos));
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use rustix::param::page_size;
    use rustix::process::{Resource, getrlimit};
    use rustix::time::{ClockId, clock_gettime};

    pub(super) fn resident_bytes() -> Option<u64> {
        // In pages: the whole address space, then what is in memory (`proc_pid_statm(5)`).
        let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
        let resident: u64 = pages.split_ascii_whitespace().nth(1)?.parse().ok()?;
        resident.checked_mul(u64::try_from(page_size()).ok()?)
    }

    pub(super) fn open_files() -> Option<u64> {
        let open = std::fs::read_dir("/proc/self/fd").ok()?.count();
        // One of them is the directory being read.
        u64::try_from(open.saturating_sub(1)).ok()
    }

    /// `None`: unlimited.
    pub(super) fn most_open_files() -> Option<u64> {
        getrlimit(Resource::Nofile).current
    }

    pub(super) fn processor_ns() -> Option<u64> {
        let used = clock_gettime(ClockId::ProcessCPUTime);
        let whole = u64::try_from(used.tv_sec)
            .ok()?
            .checked_mul(1_000_000_000)?;
        whole.checked_add(u64::try_from(used.tv_nsec).ok()?)
    }
}

#[cfg(not(target_os = "linux"))]
mod linux {
    pub(super) const fn resident_bytes() -> Option<u64> {
        None
    }

    pub(super) const fn open_files() -> Option<u64> {
        None
    }

    pub(super) const fn most_open_files() -> Option<u64> {
        None
    }

    pub(super) const fn processor_ns() -> Option<u64> {
        None
    }
}
