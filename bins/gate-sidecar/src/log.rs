//! The log, on standard error. A line that cannot be written is counted and dropped; it never stops
//! or fails a thread.

use std::io::{self, IsTerminal as _, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::config::Config;

static LOST: AtomicU64 = AtomicU64::new(0);

/// Log lines that could not be written, since the start.
pub(crate) fn lost() -> u64 {
    LOST.load(Ordering::Relaxed)
}

/// Installs the log for this process.
pub(crate) fn start(config: &Config) {
    // actix's own lines about its workers add nothing to ours, and of each request that is no HTTP
    // it writes an error: strangers must not fill the log. The filter can still ask for both.
    let filter = format!("actix_server=warn,actix_http=off,{}", config.log);
    let filter = tracing_subscriber::EnvFilter::new(filter);
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        // tracing would report a line that cannot be written by writing to stderr, and panic.
        .log_internal_errors(false)
        .with_writer(|| Lossy(io::stderr()));
    // A second start within one process (tests) keeps the first log.
    let _ = if config.log_json {
        log.json().try_init()
    } else {
        log.try_init()
    };
}

/// A writer that never fails: it counts what it cannot write. (The disk may be full, or the log's
/// reader gone.)
struct Lossy<W>(W);

impl<W: Write> Write for Lossy<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.0.write_all(line).is_err() {
            LOST.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = self.0.flush();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::StorageFull.into())
        }
    }

    #[test]
    fn a_line_that_cannot_be_written_is_counted_and_no_error() {
        let before = lost();
        let mut log = Lossy(Full);
        log.write_all(b"a line").unwrap();
        log.flush().unwrap();
        assert_eq!(lost() - before, 1);
    }
}
