//! Counts reloads and keeps their last errors, for the metrics and the log.

/// What a reload reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The bundle, with the key of its signature.
    Bundle,
    /// The signing keys and certificates, and the journal's record of the change.
    Rest,
}

/// Counts since the start, and why what is on disk is not in force.
#[derive(Debug, Clone, Default)]
pub(crate) struct Status {
    /// Reloads that were tried.
    pub(crate) attempts: u64,
    /// Reloads that were refused.
    pub(crate) failures: u64,
    /// Why the bundle was refused when it was read last.
    bundle_error: Option<String>,
    /// Why the rest was refused when it was read last.
    rest_error: Option<String>,
}

impl Status {
    /// The last error that still stands; the bundle's first.
    pub(crate) fn last_error(&self) -> Option<&str> {
        let error = self.bundle_error.as_ref().or(self.rest_error.as_ref());
        error.map(String::as_str)
    }

    /// Counts a refused reload. Returns whether its error differs from the last one of that part.
    pub(crate) fn refused(&mut self, part: Part, error: &str) -> bool {
        self.attempts = self.attempts.saturating_add(1);
        self.failures = self.failures.saturating_add(1);
        if part == Part::Rest {
            // The bundle was read first, and accepted.
            self.bundle_error = None;
        }
        let before = match part {
            Part::Bundle => &mut self.bundle_error,
            Part::Rest => &mut self.rest_error,
        };
        let news = before.as_deref() != Some(error);
        if news {
            *before = Some(error.to_owned());
        }
        news
    }

    /// Counts an accepted reload of the bundle and, with `with_rest`, of the rest. Returns whether
    /// it cleared an error.
    pub(crate) fn accepted(&mut self, with_rest: bool) -> bool {
        self.attempts = self.attempts.saturating_add(1);
        let bundle = self.bundle_error.take().is_some();
        let rest = with_rest && self.rest_error.take().is_some();
        bundle || rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_error_is_news_once() {
        let mut status = Status::default();
        let mut note = |error| match error {
            None => status.accepted(false),
            Some(error) => status.refused(Part::Bundle, error),
        };
        let outcomes = [None, Some("a"), Some("a"), Some("b"), None, Some("b")];
        assert_eq!(
            outcomes.map(&mut note),
            [false, true, false, true, true, true]
        );
        assert_eq!((status.attempts, status.failures), (6, 4));
    }

    #[test]
    fn a_bundle_that_comes_into_force_excuses_the_one_before_and_not_the_keys() {
        let mut status = Status::default();
        status.refused(Part::Bundle, "the bundle");
        status.accepted(false);
        assert_eq!(status.last_error(), None);
        status.refused(Part::Rest, "the keys");
        status.accepted(false);
        assert_eq!(status.last_error(), Some("the keys"));
        status.refused(Part::Bundle, "the bundle");
        assert_eq!(status.last_error(), Some("the bundle"));
        status.accepted(true);
        assert_eq!(status.last_error(), None);
    }
}
