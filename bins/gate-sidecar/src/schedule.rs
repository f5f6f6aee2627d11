//! What is asked of the kernel for threads and cores. Its scheduler gives it to anyone, so that no
//! privilege is needed (the journal's priority, which needs one, is the ledger's); that cores wake soon
//! it grants to whoever may write its device.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};

/// The kernel's PM QoS interface for processes (`Documentation/power/pm_qos_interface.rst`).
const WAKE_LATENCY: &str = "/dev/cpu_dma_latency";
/// What heeds it, or `none`.
const IDLE_DRIVER: &str = "/sys/devices/system/cpu/cpuidle/current_driver";

/// How much of the processor a load of a policy gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Share {
    /// What orders leave.
    Idle,
    /// A little beside them.
    Small,
}

/// Asks for time slices of `micros` for the calling thread and all that it starts; 0: whatever the
/// kernel gives.
///
/// A thread with a shorter slice gets no more of the processor, it gets it sooner: when it wakes, it
/// takes the place of one with a longer slice at once, where it would otherwise wait until that has
/// had its own (EEVDF; Linux 6.12, `sched_setattr(2)`). Older kernels take no notice.
pub(crate) fn ask_for_time_slice(micros: u64) {
    if micros == 0 {
        return;
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = linux::set_time_slice(micros.saturating_mul(1_000)) {
        tracing::info!(%error, "time slices stay as they are");
    }
}

/// The time slice of the calling thread in nanoseconds, where the kernel tells it.
pub(crate) fn time_slice_ns() -> Option<u64> {
    #[cfg(target_os = "linux")]
    return linux::time_slice_ns();
    #[cfg(not(target_os = "linux"))]
    None
}

/// That no core of the machine takes longer than `micros` to wake, for as long as this lives.
#[derive(Debug)]
pub(crate) struct WakeLatency {
    /// The kernel forgets the request when it is closed.
    _device: File,
    micros: u64,
}

impl WakeLatency {
    /// Asks for it.
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

/// Lowers the calling thread and those that it starts, which is why what is loaded there is put in
/// force by another one: a thread that seldom runs must hold no lock that orders need.
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
            // Any other thread that wakes takes its place at once, which no niceness gives.
            Share::Idle => {
                attributes.sched_policy = number(c::SCHED_IDLE);
                // Of a real-time policy.
                attributes.sched_priority = 0;
            }
            Share::Small => {
                let nicer = attributes.sched_nice.saturating_add(NICENESS);
                attributes.sched_nice = nicer.min(MOST_NICE);
                // The kernel's own: nothing here is in a hurry.
                attributes.sched_runtime = 0;
            }
        }
        Ok(sched_setattr(SELF, &attributes, 0)?)
    }

    /// Not one of the real-time policies, where the same field has another meaning. (Whoever
    /// starts the sidecar with one of those has decided.)
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

    /// In a thread of its own: it would lower the others of this process, too.
    fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> T {
        let done = std::thread::scope(|scope| scope.spawn(work).join());
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// Whether the kernel lets this thread set what it has: a sandbox may not.
    fn may_set() -> bool {
        let own = uapi::sched_getattr(0, 0);
        own.is_ok_and(|own| own.sched_policy == 0 && uapi::sched_setattr(0, &own, 0).is_ok())
    }

    #[test]
    fn a_thread_inherits_the_slice_that_was_asked_for_and_a_slow_load_does_not() {
        apart(|| {
            // Before Linux 6.12 there is nothing to be told.
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
