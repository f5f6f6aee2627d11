//! Cores that do not sleep while something is measured.
//!
//! A core that has nothing to do sleeps, the deeper the longer, and takes a while to be there
//! again (a virtual one: it is given back to the host). At a steady rate that is half of what a bare
//! server's answer takes, and says nothing about the server. So it is asked of the kernel that no
//! core sleep, as cyclictest(8) asks, for all that is measured alike; the sidecar can ask it for
//! itself (`wake_latency_us`).

use std::fs::{File, OpenOptions};
use std::io::{Error, Result, Write as _};

/// The kernel's PM QoS interface for processes, in force while the file is open
/// (`Documentation/power/pm_qos_interface.rst`).
const DEVICE: &str = "/dev/cpu_dma_latency";
/// What heeds it, or `none`.
const IDLE_DRIVER: &str = "/sys/devices/system/cpu/cpuidle/current_driver";

/// In force while it lives.
#[derive(Debug)]
pub(super) struct Awake(#[expect(dead_code, reason = "open is all it need be")] File);

impl Awake {
    /// What the kernel is asked for: the microseconds that a core may take to wake.
    pub(super) const LATENCY_US: i32 = 0;

    /// Needs the right to write the device, which root has, and a kernel that manages idle cores.
    pub(super) fn ask() -> Result<Self> {
        let driver = std::fs::read_to_string(IDLE_DRIVER).unwrap_or_default();
        if ["", "none"].contains(&driver.trim()) {
            return Err(Error::other("the kernel does not manage idle cores here"));
        }
        let mut device = OpenOptions::new().write(true).open(DEVICE)?;
        device.write_all(&Self::LATENCY_US.to_ne_bytes())?;
        Ok(Self(device))
    }
}
