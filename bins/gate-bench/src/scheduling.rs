//! Sets the scheduling policy of the generator's threads, which decides how they share the cores
//! with the server. It needs no privilege.

/// The scheduling policy of the threads that make the load (`sched(7)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Scheduling {
    /// The default policy: a thread that wakes for a response may preempt the server at once.
    Normal,
    /// `SCHED_BATCH`: a thread that wakes waits until the server is idle or has used up its time
    /// slice.
    Batch,
}

impl Scheduling {
    /// Its name on the command line and in reports.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Batch => "batch",
        }
    }

    /// Requests it for the calling thread; returns the policy then in force. A sandbox may refuse,
    /// and other systems do not have it.
    pub(crate) fn ask(self) -> Self {
        #[cfg(target_os = "linux")]
        match self {
            Self::Batch if linux::set_batch().is_ok() => Self::Batch,
            _ => Self::Normal,
        }
        #[cfg(not(target_os = "linux"))]
        Self::Normal
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io::Error;

    use uapi::{c, sched_getattr, sched_setattr};

    /// The calling thread.
    const SELF: c::pid_t = 0;

    pub(super) fn set_batch() -> Result<(), Error> {
        let mut attributes = sched_getattr(SELF, 0)?;
        attributes.sched_policy = u32::try_from(c::SCHED_BATCH).map_err(Error::other)?;
        // Only used by real-time policies.
        attributes.sched_priority = 0;
        Ok(sched_setattr(SELF, &attributes, 0)?)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn policy() -> Option<u32> {
        uapi::sched_getattr(0, 0).ok().map(|own| own.sched_policy)
    }

    #[test]
    fn what_is_said_to_be_in_force_is() {
        let batch = u32::try_from(uapi::c::SCHED_BATCH).ok();
        // On a thread of its own, since the policy stays changed and new threads inherit it.
        let apart = std::thread::spawn(move || {
            assert_eq!(Scheduling::Normal.ask(), Scheduling::Normal);
            assert_ne!(policy(), batch);
            assert_eq!(
                Scheduling::Batch.ask() == Scheduling::Batch,
                policy() == batch
            );
        });
        assert!(apart.join().is_ok());
    }
}
