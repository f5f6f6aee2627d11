//! Waiting for sockets until an exact time.
//!
//! epoll's own timeout counts whole milliseconds. On Linux a timerfd wakes the loop to within tens
//! of microseconds without burning the core that the server may need; elsewhere, and for the last
//! part when asked to, the loop spins.

use std::io;
use std::time::Duration;

use mio::{Events, Poll, Token};

/// The token that the alarm's own events carry.
pub(crate) const ALARM: Token = Token(usize::MAX);

/// The loop checks timeouts at least this often.
const TICK: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(crate) struct Alarm {
    /// The loop spins for this long before a due time.
    spin_ns: u64,
    armed_for: Option<u64>,
    #[cfg(target_os = "linux")]
    timer: rustix::fd::OwnedFd,
}

impl Alarm {
    /// Waits for socket events, but not beyond `due_ns`.
    pub(crate) fn wait(
        &mut self,
        poll: &mut Poll,
        events: &mut Events,
        now_ns: u64,
        due_ns: Option<u64>,
    ) -> io::Result<()> {
        let timeout = match due_ns {
            None => TICK,
            Some(due) if due.saturating_sub(self.spin_ns) <= now_ns => Duration::ZERO,
            Some(due) => self.arm(now_ns, due)?,
        };
        match poll.poll(events, Some(timeout)) {
            Err(err) if err.kind() == io::ErrorKind::Interrupted => Ok(()),
            outcome => outcome,
        }
    }
}

#[cfg(target_os = "linux")]
impl Alarm {
    pub(crate) fn new(poll: &Poll, spin_ns: u64) -> io::Result<Self> {
        use std::os::fd::AsRawFd as _;

        use mio::unix::SourceFd;
        use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};

        let timer = timerfd_create(
            TimerfdClockId::Monotonic,
            TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
        )?;
        poll.registry().register(
            &mut SourceFd(&timer.as_raw_fd()),
            ALARM,
            mio::Interest::READABLE,
        )?;
        Ok(Self {
            spin_ns,
            armed_for: None,
            timer,
        })
    }

    /// Sets the timer unless it is set to `due` already; returns the timeout to poll with.
    fn arm(&mut self, now_ns: u64, due: u64) -> io::Result<Duration> {
        use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec, timerfd_settime};

        if self.armed_for != Some(due) {
            let wait = Duration::from_nanos(due.saturating_sub(self.spin_ns) - now_ns);
            let value = Itimerspec {
                it_interval: Timespec::default(),
                it_value: Timespec {
                    tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
                    tv_nsec: i64::from(wait.subsec_nanos()),
                },
            };
            timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &value)?;
            self.armed_for = Some(due);
        }
        Ok(TICK)
    }
}

#[cfg(not(target_os = "linux"))]
impl Alarm {
    pub(crate) fn new(_poll: &Poll, spin_ns: u64) -> io::Result<Self> {
        // Without a timer finer than a millisecond, the loop spins for the rest.
        Ok(Self {
            spin_ns: spin_ns.max(1_500_000),
            armed_for: None,
        })
    }

    fn arm(&mut self, now_ns: u64, due: u64) -> io::Result<Duration> {
        self.armed_for = Some(due);
        // Rounded down: waking too early only means another turn.
        let wait_ms = (due.saturating_sub(self.spin_ns) - now_ns) / 1_000_000;
        Ok(Duration::from_millis(wait_ms).min(TICK))
    }
}
