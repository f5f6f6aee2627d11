//! Writes a run as an `HdrHistogram` interval log: one histogram of response times per second,
//! compressed, as that format requires. Values are nanoseconds; the log's own maxima are
//! milliseconds. A request that was given up counts with the time waited for it.

use std::io::Write;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::Context as _;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::IntervalLogWriterBuilder;

use crate::run::Run;

/// Writes the log.
///
/// # Errors
/// When it cannot be written.
pub fn write(run: &Run, out: &mut impl Write) -> anyhow::Result<()> {
    let mut serializer = V2DeflateSerializer::new();
    let mut builder = IntervalLogWriterBuilder::new();
    let start = run.zero + run.config.warmup;
    let header = format!("gate-bench response times in ns, {}", run.config.target);
    builder
        .add_comment(&header)
        .with_start_time(start)
        .with_base_time(UNIX_EPOCH)
        .with_max_value_divisor(1e6);
    let mut log = builder
        .begin_log_with(out, &mut serializer)
        .context("cannot write the log")?;
    let since = start.duration_since(UNIX_EPOCH).unwrap_or_default();
    for (second, recorded) in (0_u64..).zip(&run.recorder.seconds) {
        let begins = since + Duration::from_secs(second);
        log.write_histogram(&recorded.response, begins, Duration::from_secs(1), None)
            .map_err(|err| anyhow::anyhow!("cannot write the log: {err:?}"))?;
    }
    Ok(())
}
