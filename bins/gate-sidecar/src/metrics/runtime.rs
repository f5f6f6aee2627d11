//! Metrics of the build and its runtime, for dashboards and benchmark reports; and lost log lines.

use std::fmt::Write as _;

use gate_state::SqliteInfo;

use super::{head, seconds, single};
use crate::http::Shared;
use crate::{log, schedule};

pub(super) fn render(out: &mut String, shared: &Shared) {
    head(out, "gate_build_info", "gauge", "This build.");
    let version = env!("CARGO_PKG_VERSION");
    let _ = writeln!(out, "gate_build_info{{version=\"{version}\"}} 1");
    let (name, help) = (
        "gate_log_lines_lost_total",
        "Lines of the log that could not be written.",
    );
    single(out, name, "counter", help, log::lost());
    sqlite(out, shared.gate.ledger().sqlite());
    if let Some(slice) = schedule::time_slice_ns() {
        let (name, help) = (
            "gate_time_slice_seconds",
            "Time slice of a thread, in force.",
        );
        single(out, name, "gauge", help, seconds(slice));
    }
    if let Some(asked) = &shared.wake_latency {
        let name = "gate_wake_latency_seconds";
        let help = "How long a core may take to wake, as asked of the kernel.";
        let nanos = asked.micros().saturating_mul(1_000);
        single(out, name, "gauge", help, seconds(nanos));
    }
}

fn sqlite(out: &mut String, info: &SqliteInfo) {
    let name = "gate_sqlite_info";
    let help = "SQLite as the journal's writer uses it.";
    head(out, name, "gauge", help);
    let SqliteInfo {
        version,
        journal_mode,
        synchronous,
        page_size,
        wal_autocheckpoint,
    } = info;
    let _ = writeln!(
        out,
        "{name}{{version=\"{version}\",journal_mode=\"{journal_mode}\",\
         synchronous=\"{synchronous}\",page_size=\"{page_size}\",\
         wal_autocheckpoint=\"{wal_autocheckpoint}\"}} 1"
    );
}
