//! How reloads went, for the metrics.

/// Counts since the start, and the last outcome.
#[derive(Debug, Clone, Default)]
pub(crate) struct Status {
    /// Reloads that were tried.
    pub(crate) attempts: u64,
    /// Those that were refused.
    pub(crate) failures: u64,
    /// Why the last one was refused; absent when it was not.
    pub(crate) last_error: Option<String>,
}

impl Status {
    /// Counts an outcome; whether it is another one than the last.
    pub(super) fn note(&mut self, error: Option<&str>) -> bool {
        self.attempts = self.attempts.saturating_add(1);
        if error.is_some() {
            self.failures = self.failures.saturating_add(1);
        }
        let news = self.last_error.as_deref() != error;
        if news {
            self.last_error = error.map(str::to_owned);
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_error_is_news_once() {
        let mut status = Status::default();
        let outcomes = [None, Some("a"), Some("a"), Some("b"), None, Some("b")];
        let news = outcomes.map(|error| status.note(error));
        assert_eq!(news, [false, true, false, true, true, true]);
        assert_eq!((status.attempts, status.failures), (6, 4));
    }
}
