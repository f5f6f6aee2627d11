//! Shows a run's progress: a bar on a terminal, nothing anywhere else.

use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::recorder::Counts;

/// A thread's progress, updated a few times a second.
#[derive(Debug, Default)]
pub(crate) struct Live {
    completed: AtomicU64,
    errors: AtomicU64,
}

impl Live {
    pub(crate) fn publish(&self, counts: &Counts) {
        let completed = counts.completed + counts.warmup;
        self.completed.store(completed, Ordering::Relaxed);
        self.errors.store(counts.errors(), Ordering::Relaxed);
    }
}

/// A run's bar; hidden unless standard error is a terminal.
pub(crate) struct Bar {
    bar: ProgressBar,
    total: Option<Duration>,
}

impl Bar {
    /// `total` is how long the run will take, if that is known.
    pub(crate) fn new(total: Option<Duration>, wanted: bool) -> Self {
        if !wanted || !std::io::stderr().is_terminal() {
            return Self {
                bar: ProgressBar::hidden(),
                total,
            };
        }
        let (bar, template) = match total {
            Some(total) => (
                ProgressBar::new(millis(total)),
                "{elapsed:>4} {wide_bar} {percent:>3}%  {msg}",
            ),
            None => (ProgressBar::new_spinner(), "{elapsed:>4} {spinner}  {msg}"),
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar, total }
    }

    pub(crate) fn is_hidden(&self) -> bool {
        self.bar.is_hidden()
    }

    pub(crate) fn show(&self, threads: &[Live], elapsed: Duration) {
        let sum = |part: fn(&Live) -> &AtomicU64| -> u64 {
            let parts = threads.iter().map(part);
            parts.map(|count| count.load(Ordering::Relaxed)).sum()
        };
        let completed = sum(|live| &live.completed);
        let errors = sum(|live| &live.errors);
        let per_s = completed as f64 / elapsed.as_secs_f64().max(0.001);
        self.bar
            .set_message(format!("{completed} done, {per_s:.0}/s, {errors} errors"));
        match self.total {
            Some(_) => self.bar.set_position(millis(elapsed)),
            None => self.bar.tick(),
        }
    }

    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
