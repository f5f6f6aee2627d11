//! How reloads went, for the metrics.

use super::Trigger;

/// Counts since the start, and the last outcomes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Status {
    /// Reloads that were tried.
    pub(crate) attempts: u64,
    /// Those that were refused.
    pub(crate) failures: u64,
    /// Why the last one that was asked for was refused.
    asked_error: Option<String>,
    /// Why the last one since then that a changed bundle made was refused.
    changed_error: Option<String>,
}

impl Status {
    /// Why what is on the disk is not in force, as far as it was tried. A changed bundle says nothing of
    /// keys and certificates that were refused.
    pub(crate) fn last_error(&self) -> Option<&str> {
        let error = self.changed_error.as_ref().or(self.asked_error.as_ref());
        error.map(String::as_str)
    }

    /// Counts an outcome; whether it is another one than the last of its kind.
    pub(crate) fn note(&mut self, trigger: Trigger, error: Option<&str>) -> bool {
        self.attempts = self.attempts.saturating_add(1);
        if error.is_some() {
            self.failures = self.failures.saturating_add(1);
        }
        let before = match trigger {
            Trigger::Asked => {
                // It reads the bundle, too.
                self.changed_error = None;
                &mut self.asked_error
            }
            Trigger::Changed => &mut self.changed_error,
        };
        let news = before.as_deref() != error;
        if news {
            *before = error.map(str::to_owned);
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
        let news = outcomes.map(|error| status.note(Trigger::Changed, error));
        assert_eq!(news, [false, true, false, true, true, true]);
        assert_eq!((status.attempts, status.failures), (6, 4));
    }

    #[test]
    fn a_bundle_that_comes_into_force_does_not_excuse_keys_that_do_not() {
        let mut status = Status::default();
        status.note(Trigger::Asked, Some("the keys"));
        status.note(Trigger::Changed, None);
        assert_eq!(status.last_error(), Some("the keys"));
        status.note(Trigger::Changed, Some("the bundle"));
        assert_eq!(status.last_error(), Some("the bundle"));
        status.note(Trigger::Asked, None);
        assert_eq!(status.last_error(), None);
    }
}
