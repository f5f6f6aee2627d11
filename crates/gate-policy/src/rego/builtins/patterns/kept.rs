//! Each thread's cache of compiled patterns, and the limit on matching in one evaluation.
//!
//! Compiling takes a hundred times as long as matching, so compiled patterns are cached up to a
//! size; beyond it any other is evicted, so that a policy with more patterns still finds most of
//! them. Matching takes at worst the pattern's states times the text's bytes, within one call that
//! no limit on instructions would stop.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use regex::{Regex, RegexBuilder};
use regorus::LimitError;

use super::syntax::Refusal;
use crate::rego::builtins::beyond;

/// The largest compiled pattern, in bytes: regorus' limit.
const MAX_COMPILED_BYTES: usize = 100 * 1024;
/// A small pattern, as most are, in bytes.
const SMALL_BYTES: usize = 8 * 1024;
/// The largest DFA cache of a pattern, in multiples of its own size.
const REMEMBERED: usize = 3;
/// The most bytes of compiled patterns that a thread keeps, DFA caches included.
pub const MAX_PATTERN_BYTES: usize = 64 * 1024 * 1024;
/// The least bytes of a state in a compiled pattern.
const STATE_BYTES: usize = 32;
/// The most matching in one evaluation: states of the compiled pattern times bytes of the text.
pub const MAX_PATTERN_STEPS: usize = 8_000_000;

/// A compiled pattern, and its size limit in bytes.
pub(super) struct Pattern {
    regex: Regex,
    bytes: usize,
}

pub(super) type Compiled = Result<Pattern, Refusal>;

/// The cache key. The two kinds are kept apart: a text may be either.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Regex(String),
    Glob { pattern: String, delimiters: String },
}

#[derive(Default)]
struct Kept {
    patterns: HashMap<Key, Compiled>,
    bytes: usize,
}

thread_local! {
    static KEPT: RefCell<Kept> = RefCell::default();
    static STEPS: Cell<usize> = const { Cell::new(0) };
}

/// Resets the count. To be called at the beginning of an evaluation.
pub(crate) fn forget_steps() {
    STEPS.set(0);
}

impl Pattern {
    /// Compiles a pattern in the syntax of the crate `regex`.
    pub(super) fn new(translated: &str) -> Compiled {
        let built = |bytes: usize| {
            let regex = RegexBuilder::new(translated)
                .size_limit(bytes)
                .dfa_size_limit(bytes.saturating_mul(REMEMBERED))
                .build();
            regex.map(|regex| Self { regex, bytes })
        };
        let compiled = built(SMALL_BYTES).or_else(|_| built(MAX_COMPILED_BYTES));
        // Too large, or what the translation lets through by mistake.
        compiled.map_err(|_| Refusal::Unknown)
    }

    /// Whether it is found in the text.
    pub(super) fn is_in(&self, text: &str) -> Result<bool, LimitError> {
        self.step_over(text)?;
        Ok(self.regex.is_match(text))
    }

    /// For other searches; call `step_over` first.
    pub(super) const fn regex(&self) -> &Regex {
        &self.regex
    }

    /// Counts the steps of a search through the text. Fails beyond the limit.
    pub(super) fn step_over(&self, text: &str) -> Result<(), LimitError> {
        let states = self.bytes / STATE_BYTES;
        let steps = STEPS
            .get()
            .saturating_add(states.saturating_mul(text.len()));
        if steps > MAX_PATTERN_STEPS {
            return Err(beyond());
        }
        STEPS.set(steps);
        Ok(())
    }
}

pub(super) fn regex<T>(
    pattern: &str,
    compile: impl FnOnce() -> Compiled,
    use_it: impl FnOnce(&Compiled) -> T,
) -> T {
    with(Key::Regex(pattern.to_owned()), compile, use_it)
}

pub(super) fn glob<T>(
    pattern: &str,
    delimiters: &str,
    compile: impl FnOnce() -> Compiled,
    use_it: impl FnOnce(&Compiled) -> T,
) -> T {
    let key = Key::Glob {
        pattern: pattern.to_owned(),
        delimiters: delimiters.to_owned(),
    };
    with(key, compile, use_it)
}

fn with<T>(key: Key, compile: impl FnOnce() -> Compiled, use_it: impl FnOnce(&Compiled) -> T) -> T {
    KEPT.with_borrow_mut(|kept| {
        if let Some(compiled) = kept.patterns.get(&key) {
            return use_it(compiled);
        }
        let compiled = compile();
        let answer = use_it(&compiled);
        kept.keep(key, compiled);
        answer
    })
}

impl Kept {
    fn keep(&mut self, key: Key, compiled: Compiled) {
        self.bytes = self.bytes.saturating_add(size(&key, &compiled));
        self.patterns.insert(key, compiled);
        while self.bytes > MAX_PATTERN_BYTES {
            let mut any = self.patterns.extract_if(|_, _| true);
            let Some((key, compiled)) = any.next() else {
                return;
            };
            self.bytes = self.bytes.saturating_sub(size(&key, &compiled));
        }
    }
}

fn size(key: &Key, compiled: &Compiled) -> usize {
    let key = match key {
        Key::Regex(pattern) => pattern.len(),
        Key::Glob {
            pattern,
            delimiters,
        } => pattern.len().saturating_add(delimiters.len()),
    };
    let pattern = compiled.as_ref().map_or(0, |pattern| pattern.bytes);
    let remembered = pattern.saturating_mul(REMEMBERED);
    let own = size_of::<(Key, Compiled)>();
    key.saturating_add(pattern)
        .saturating_add(remembered)
        .saturating_add(own)
}

#[cfg(test)]
pub(super) fn kept_bytes() -> usize {
    KEPT.with_borrow(|kept| {
        let sizes = kept
            .patterns
            .iter()
            .map(|(key, compiled)| size(key, compiled));
        assert_eq!(sizes.sum::<usize>(), kept.bytes);
        kept.bytes
    })
}
