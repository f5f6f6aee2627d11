//! How reloads went, for the metrics.

/// What a reload reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The bundle, with the key of its signature.
    Bundle,
    /// The signing keys, the certificates, and the journal that is told of them.
    Rest,
}

/// Counts since the start, and what stands in the way of what is on the disk.
#[derive(Debug, Clone, Default)]
pub(crate) struct Status {
    /// Reloads that were tried.
    pub(crate) attempts: u64,
    /// Those that were refused.
    pub(crate) failures: u64,
    /// Why the bundle was refused when it was read last.
    bundle_error: Option<String>,
    /// The same of the rest.
    rest_error: Option<String>,
}

impl Status {
    /// Why what is on the disk is not in force, as far as it was tried.
    pub(crate) fn last_error(&self) -> Option<&str> {
        let error = self.bundle_error.as_ref().or(self.rest_error.as_ref());
        error.map(String::as_str)
    }

    /// Counts a refusal; whether it is another one than the last of its kind.
    pub(crate) fn refused(&mut self, part: Part, error: &str) -> bool {
        self.attempts = self.attempts.saturating_add(1);
        self.failures = self.failures.saturating_add(1);
        if part == Part::Rest {
            // The bundle is read first.
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

    /// Counts a reload that read the bundle, and the rest if it was asked for; whether anything stood in its way
    /// before.
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
        // Whoever asked for it.
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
