//! Requests to the kernel about threads and cores: time slices, priorities, wake-up time. The
//! scheduler grants the first two to anyone. (Raising the journal's priority needs a privilege; the
//! ledger does it.) Wake-up time needs write access to its device.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};

/// The kernel's PM QoS interface for processes (`Documentation/power/pm_qos_interface.rst`).
const WAKE_LATENCY: &str = "/dev/cpu_dma_latency";
/// Names the driver that honours the request, or `none`.
const IDLE_DRIVER: &str = "/sys/devices/system/cpu/cpuidle/current_driver";

/// The share of the processor that a policy load gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Share {
    /// Idle time only.
    Idle,
    /// A little beside orders.
    Small,
}

/// Requests time slices of `micros` microseconds for the calling thread and all that it starts; 0
/// keeps the kernel's.
///
/// A shorter slice gives a thread no more of the processor, but sooner: on waking it preempts a
/// thread with a longer slice at once, instead of waiting for that slice to end (EEVDF; Linux 6.12,
/// `sched_setattr(2)`). Older kernels ignore it.
pub(crate) fn ask_for_time_slice(micros: u64) {
    if micros == 0 {
        return;
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = linux::set_time_slice(micros.saturating_mul(1_000)) {
        tracing::info!(%error, "time slices stay as they are");
    }
}

/// The time slice of the calling thread in nanoseconds, if the kernel reports it.
pub(crate) fn time_slice_ns() -> Option<u64> {
    #[cfg(target_os = "linux")]
    return linux::time_slice_ns();
    #[cfg(not(target_os = "linux"))]
    None
}

/// A request that no core takes longer than `micros` microseconds to wake, in force while this
/// lives.
#[derive(Debug)]
pub(crate) struct WakeLatency {
    /// Closing it withdraws the request.
    _device: File,
    micros: u64,
}

impl WakeLatency {
    /// Makes the request. Fails where the kernel does not manage idle cores, or the device is not
    /// writable.
    pub(crate) fn ask(micros: u64) -> io::Result<Self> {
        let driver = std::fs::read_to_string(IDLE_DRIVER).unwrap_or_default();
        if ["", "none"].contains(&driver.trim()) {
            return Err(io::Error::other(
                "the kernel does not manage idle cores here",
            ));
        }
        let asked = i32::try_from(micros).unwrap_or(i32::MAX);
        let mut device = OpenOptions::new().write(true).open(WAKE_LATENCY)?;
        device.write_all(&asked.to_ne_bytes())?;
        Ok(Self {
            _device: device,
            micros,
        })
    }

    pub(crate) const fn micros(&self) -> u64 {
        self.micros
    }
}

/// Lowers the priority of the calling thread and of all that it starts. What they load must be put
/// in force by another thread: one that seldom runs must hold no lock that orders need.
pub(crate) fn lower(share: Share) {
    // Elsewhere this would lower the whole process.
    #[cfg(target_os = "linux")]
    if let Err(error) = linux::lower(share) {
        tracing::debug!(%error, ?share, "the priority stays as it is");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = share;
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io::Error;

    use uapi::{c, sched_getattr, sched_setattr};

    use super::Share;

    /// The calling thread.
    const SELF: c::pid_t = 0;
    /// A tenth of the processor beside a thread that wants all of it.
    const NICENESS: i32 = 10;
    const MOST_NICE: i32 = 19;

    pub(super) fn set_time_slice(nanos: u64) -> Result<(), Error> {
        let mut attributes = sched_getattr(SELF, 0)?;
        if shares_fairly(&attributes) {
            attributes.sched_runtime = nanos;
            sched_setattr(SELF, &attributes, 0)?;
        }
        Ok(())
    }

    pub(super) fn time_slice_ns() -> Option<u64> {
        let attributes = sched_getattr(SELF, 0).ok()?;
        let told = shares_fairly(&attributes) && attributes.sched_runtime > 0;
        told.then_some(attributes.sched_runtime)
    }

    pub(super) fn lower(share: Share) -> Result<(), Error> {
        let mut attributes = sched_getattr(SELF, 0)?;
        match share {
            // Any other thread that wakes preempts it at once, which no nice level gives.
            Share::Idle => {
                attributes.sched_policy = number(c::SCHED_IDLE);
                // A real-time policy may have set it.
                attributes.sched_priority = 0;
            }
            Share::Small => {
                let nicer = attributes.sched_nice.saturating_add(NICENESS);
                attributes.sched_nice = nicer.min(MOST_NICE);
                // 0 restores the kernel's slice: nothing here is in a hurry.
                attributes.sched_runtime = 0;
            }
        }
        Ok(sched_setattr(SELF, &attributes, 0)?)
    }

    /// Whether the thread has a fair policy. For a real-time one the field has another meaning, and
    /// whoever started the sidecar with it has chosen it.
    fn shares_fairly(attributes: &c::sched_attr) -> bool {
        [c::SCHED_OTHER, c::SCHED_BATCH]
            .map(number)
            .contains(&attributes.sched_policy)
    }

    fn number(policy: c::c_int) -> u32 {
        u32::try_from(policy).unwrap_or_default()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// On a thread of its own, since the change lasts and new threads inherit it.
    fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> T {
        let done = std::thread::scope(|scope| scope.spawn(work).join());
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// Whether this thread may set its own attributes; a sandbox may forbid it.
    fn may_set() -> bool {
        let own = uapi::sched_getattr(0, 0);
        own.is_ok_and(|own| own.sched_policy == 0 && uapi::sched_setattr(0, &own, 0).is_ok())
    }

    #[test]
    fn a_thread_inherits_the_slice_that_was_asked_for_and_a_slow_load_does_not() {
        apart(|| {
            // Before Linux 6.12 the kernel reports no slice.
            let Some(usual) = time_slice_ns().filter(|_| may_set()) else {
                return;
            };
            ask_for_time_slice(0);
            assert_eq!(time_slice_ns(), Some(usual));
            ask_for_time_slice(250);
            assert_eq!(time_slice_ns(), Some(250_000));
            assert_eq!(apart(time_slice_ns), Some(250_000));
            apart(|| {
                lower(Share::Small);
                assert_ne!(time_slice_ns(), Some(250_000));
            });
            assert_eq!(time_slice_ns(), Some(250_000));
        });
    }

    #[test]
    fn a_load_gets_what_is_left_or_a_little() {
        let own = || uapi::sched_getattr(0, 0).map(|own| (own.sched_policy, own.sched_nice));
        apart(|| {
            if !may_set() {
                return;
            }
            let (_, before) = own().unwrap();
            lower(Share::Small);
            assert_eq!(own(), Ok((0, (before + 10).min(19))));
            lower(Share::Idle);
            assert_eq!(own().unwrap().0, 5);
        });
    }
}
