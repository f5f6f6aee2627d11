//! Reads recorded orders line by line: an export may be larger than memory.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use gate_policy::RecordedInput;
use serde_json::{Value, json};

/// The longest line, in bytes.
const MAX_LINE_BYTES: u64 = 1024 * 1024;

/// The orders of a journal export, or orders as `policy eval` reads them, one per line. Ends at the
/// first bad line; [`Recorded::finish`] returns the error.
pub(super) struct Recorded {
    name: String,
    lines: Box<dyn BufRead>,
    number: u64,
    /// Whether a line was of a journal export, which lacks an order's further members.
    pub(super) is_export: bool,
    failed: Option<anyhow::Error>,
}

impl Recorded {
    /// Opens the file, or stdin for `-`.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let lines: Box<dyn BufRead> = if name == "-" {
            Box::new(std::io::stdin().lock())
        } else {
            let file = File::open(path).with_context(|| format!("cannot read `{name}`"))?;
            Box::new(BufReader::new(file))
        };
        Ok(Self {
            name,
            lines,
            number: 0,
            is_export: false,
            failed: None,
        })
    }

    /// Fails with the error that ended the reading, if any.
    pub(super) fn finish(self) -> Result<()> {
        match self.failed {
            Some(error) => {
                Err(error).with_context(|| format!("`{}`, line {}", self.name, self.number))
            }
            None => Ok(()),
        }
    }

    fn line(&mut self) -> Result<Option<String>> {
        let mut line = String::new();
        let mut limited = (&mut self.lines).take(MAX_LINE_BYTES);
        let read = limited.read_line(&mut line).context("cannot be read")?;
        ensure!(
            limited.limit() > 0 || line.ends_with('\n'),
            "is longer than {MAX_LINE_BYTES} bytes"
        );
        Ok((read > 0).then_some(line))
    }

    fn order(&mut self) -> Result<Option<RecordedInput>> {
        loop {
            self.number += 1;
            let Some(line) = self.line()? else {
                return Ok(None);
            };
            if line.trim().is_empty() {
                continue;
            }
            let parsed: Value = serde_json::from_str(&line).context("is not JSON")?;
            self.is_export |= parsed.get("kind").is_some();
            if let Some(order) = read(&line, &parsed)? {
                return Ok(Some(order));
            }
        }
    }
}

impl Iterator for Recorded {
    type Item = RecordedInput;

    fn next(&mut self) -> Option<RecordedInput> {
        if self.failed.is_some() {
            return None;
        }
        self.order().unwrap_or_else(|error| {
            self.failed = Some(error);
            None
        })
    }
}

/// The order on one line; `None` for a record of an export that is not a decision.
fn read(line: &str, parsed: &Value) -> Result<Option<RecordedInput>> {
    let Some(kind) = parsed.get("kind") else {
        return Ok(Some(RecordedInput::parse(line)?));
    };
    if kind != "decision" {
        return Ok(None);
    }
    let member = |name: &str| parsed.get(name).cloned().unwrap_or(Value::Null);
    let mut order = json!({
        "order": {
            "client_order_id": member("client_order_id"),
            "symbol": member("symbol"),
            "side": member("side"),
            "qty": member("qty"),
            "price": member("price"),
        },
        "context": {"client_id": member("client_id")},
        "exposure": member("exposure_before"),
    });
    if let Some(at) = parsed.get("at").and_then(Value::as_str) {
        // For policies that ask for the time of day.
        let at: jiff::Timestamp = at.parse().context("`at`")?;
        let nanos = u64::try_from(at.as_nanosecond()).context("`at`")?;
        if let Some(members) = order.as_object_mut() {
            members.insert("now_ns".to_owned(), nanos.into());
        }
    }
    Ok(Some(RecordedInput::parse(&order.to_string())?))
}
