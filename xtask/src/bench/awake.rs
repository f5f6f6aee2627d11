//! Keeps cores from sleeping while something is measured.
//!
//! An idle core sleeps, the deeper the longer, and takes a while to wake (a virtual one is given
//! back to the host). At a steady rate that is half of the time of a bare server's answer, and says
//! nothing about the server. So the kernel is asked, as cyclictest(8) asks it, that no core sleep,
//! for all that is measured alike; the sidecar can ask for itself (`wake_latency_us`).

use std::fs::{File, OpenOptions};
use std::io::{Error, Result, Write as _};

/// The kernel's PM QoS interface for processes, in force while the file is open
/// (`Documentation/power/pm_qos_interface.rst`).
const DEVICE: &str = "/dev/cpu_dma_latency";
/// Names the driver that honours it, or `none`.
const IDLE_DRIVER: &str = "/sys/devices/system/cpu/cpuidle/current_driver";

/// A request to the kernel, in force while this lives.
#[derive(Debug)]
pub(super) struct Awake(#[expect(dead_code, reason = "open is all it need be")] File);

impl Awake {
    /// The wake-up latency that is asked for, in microseconds.
    pub(super) const LATENCY_US: i32 = 0;

    /// Makes the request. Needs the right to write the device, which root has, and a kernel that
    /// manages idle cores.
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
