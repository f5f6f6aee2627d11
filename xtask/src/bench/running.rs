//! Describes a running sidecar for the environment of an artifact: by the metrics that operators
//! see, and by what the kernel knows of its process.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Serialize;

use super::server::Server;

/// How the sidecar of the canonical load ran.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct Running {
    /// `gate_sqlite_info`: version and pragmas as the journal's connection answers them.
    pub(super) sqlite: BTreeMap<String, String>,
    /// `gate_journal_writer_nice`: the priority of the journal's thread, in force.
    pub(super) journal_writer_nice: Option<i32>,
    /// `gate_time_slice_seconds`: how long a thread runs before others have their turn, in force.
    pub(super) time_slice_seconds: Option<f64>,
    /// The cores its process may use.
    pub(super) cpus_allowed: String,
}

const TIMEOUT: Duration = Duration::from_secs(10);

/// Asks a running sidecar.
pub(super) fn ask(server: &Server) -> Result<Running> {
    let admin = server.admin.as_deref().context("no admin address")?;
    let mut stream = TcpStream::connect(admin)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    write!(
        stream,
        "GET /metrics HTTP/1.1\r\nhost: {admin}\r\nconnection: close\r\n\r\n"
    )?;
    let mut metrics = String::new();
    stream.read_to_string(&mut metrics)?;
    let status = format!("/proc/{}/status", server.id());
    let status = std::fs::read_to_string(status).unwrap_or_default();
    Ok(Running {
        cpus_allowed: super::environment::field(&status, "Cpus_allowed_list"),
        ..read(&metrics)
    })
}

fn read(metrics: &str) -> Running {
    let value = |name: &str| {
        let mut lines = metrics.lines();
        lines.find_map(|line| line.strip_prefix(name))
    };
    Running {
        sqlite: value("gate_sqlite_info{").map(labels).unwrap_or_default(),
        journal_writer_nice: value("gate_journal_writer_nice ")
            .and_then(|value| value.trim().parse().ok()),
        time_slice_seconds: value("gate_time_slice_seconds ")
            .and_then(|value| value.trim().parse().ok()),
        cpus_allowed: String::new(),
    }
}

/// `a="1",b="2"} 1`; values without quotes in them.
fn labels(text: &str) -> BTreeMap<String, String> {
    let inside = text.split('}').next().unwrap_or_default();
    inside
        .split(',')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metrics_name_pragmas_priority_and_slice() {
        let text = "# TYPE gate_sqlite_info gauge\n\
                    gate_sqlite_info{version=\"3.50.4\",synchronous=\"full\"} 1\n\
                    gate_journal_writer_nice -10\n\
                    gate_time_slice_seconds 0.0001\n";
        let running = read(text);
        assert_eq!(running.journal_writer_nice, Some(-10));
        assert_eq!(running.time_slice_seconds, Some(0.0001));
        let pairs: Vec<(&str, &str)> = running
            .sqlite
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(pairs, [("synchronous", "full"), ("version", "3.50.4")]);
        assert_eq!(read(""), Running::default());
    }
}
