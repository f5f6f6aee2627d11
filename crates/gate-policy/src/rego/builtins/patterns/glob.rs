//! `glob.match` as in OPA, which uses the Go package gobwas/glob: translated to a regular
//! expression.

use regorus::{LimitError, Value};

use super::kept::{self, Compiled, Pattern};
use super::syntax::Refusal;
use super::{beyond, is_in};

/// Alternatives (`{…}`) nested deeper are not translated.
const MAX_DEPTH: usize = 16;
/// The most delimiters: they are written out for each wildcard.
const MAX_DELIMITERS: usize = 16;

pub(super) fn matches(args: &[Value]) -> Result<Value, LimitError> {
    let [Value::String(pattern), delimiters, Value::String(text)] = args else {
        return Ok(Value::Undefined);
    };
    let delimiters = match delimiters {
        Value::Null => String::new(),
        Value::Array(items) if items.is_empty() => ".".to_owned(),
        Value::Array(items) => match items.iter().map(letter).collect() {
            Some(letters) => letters,
            None => return Ok(Value::Undefined),
        },
        _ => return Ok(Value::Undefined),
    };
    if delimiters.chars().count() > MAX_DELIMITERS || !is_known_of(pattern, &delimiters, text) {
        return Err(beyond());
    }
    kept::glob(
        pattern,
        &delimiters,
        || compile(pattern, &delimiters),
        |compiled| is_in(compiled, text),
    )
}

/// Whether gobwas' answer is known here. It depends on how gobwas splits a pattern: `?` and `[!a]`
/// match an empty text, `***` does not, a `*` beside a `?` matches delimiters, some places count
/// bytes, and several delimiters, or the characters of `[!ab]`, are one string where such wildcards
/// stand beside others. `ab**ba` matches `aba` there.
fn is_known_of(pattern: &str, delimiters: &str, text: &str) -> bool {
    let odd = ["***", "*?", "?*"];
    if odd.iter().any(|odd| pattern.contains(odd)) {
        return false;
    }
    if text.is_empty() {
        return matches!(pattern, "*" | "**") || !pattern.starts_with(['?', '[', '{', '*']);
    }
    if !text.is_ascii() && pattern.contains(['?', '[', '{']) {
        return false;
    }
    let special = ['*', '?', '[', ']', '{', '}', '\\'];
    let (first, last) = (pattern.find(special), pattern.rfind(special));
    let begin = first.and_then(|at| pattern.get(..at)).unwrap_or_default();
    let end = last
        .and_then(|at| pattern.get(at.saturating_add(1)..))
        .unwrap_or_default();
    let overlap = text.len() < begin.len().saturating_add(end.len());
    if overlap && text.starts_with(begin) && text.ends_with(end) {
        return false;
    }
    let negated = pattern.matches("[!").count();
    let wildcards = pattern.matches(['*', '?']).count().saturating_add(negated);
    let takes_several =
        negated > 0 || (pattern.contains('?') && delimiters.chars().nth(1).is_some());
    wildcards < 2 || !takes_several
}

/// A string of one character.
fn letter(value: &Value) -> Option<char> {
    let Value::String(text) = value else {
        return None;
    };
    let mut letters = text.chars();
    letters.next().filter(|_| letters.next().is_none())
}

fn compile(pattern: &str, delimiters: &str) -> Compiled {
    let one = if delimiters.is_empty() {
        ".".to_owned()
    } else {
        format!("[^{}]", class(delimiters))
    };
    let mut reader = Reader { rest: pattern, one };
    let translated = reader.sequence(0)?;
    Pattern::new(&format!(r"(?s)\A(?:{translated})\z"))
}

/// The characters, as written between brackets.
fn class(letters: &str) -> String {
    letters
        .chars()
        .map(|letter| format!(r"\x{{{:x}}}", u32::from(letter)))
        .collect()
}

struct Reader<'p> {
    rest: &'p str,
    /// Matches any character but a delimiter.
    one: String,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let mut letters = self.rest.chars();
        let next = letters.next();
        self.rest = letters.as_str();
        next
    }

    fn skip(&mut self, prefix: char) -> bool {
        let rest = self.rest.strip_prefix(prefix);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Translates up to the end of the pattern, or of the alternatives around it. Those may have
    /// characters only, for gobwas does not always match wildcards in them, or empty ones.
    fn sequence(&mut self, depth: usize) -> Result<String, Refusal> {
        if depth > MAX_DEPTH {
            return Err(Refusal::Unknown);
        }
        let mut made = String::new();
        while let Some(letter) = self.next() {
            let is_first = made.is_empty() || made.ends_with(['|', ':']);
            match letter {
                '*' | '?' | '[' if depth > 0 => return Err(Refusal::Unknown),
                ',' | '}' if depth > 0 && is_first => return Err(Refusal::Unknown),
                '*' if self.skip('*') => made.push_str(".*"),
                '*' => made.push_str(&format!("{}*", self.one)),
                '?' => made.push_str(&self.one),
                '[' => made.push_str(&self.range()?),
                '{' => {
                    made.push_str("(?:");
                    made.push_str(&self.sequence(depth.saturating_add(1))?);
                    made.push(')');
                }
                ',' if depth > 0 => made.push('|'),
                '}' if depth > 0 => return Ok(made),
                '\\' => literal(self.next().ok_or(Refusal::Unknown)?, &mut made),
                _ => literal(letter, &mut made),
            }
        }
        // gobwas accepts alternatives that are not closed.
        if depth > 0 {
            Err(Refusal::Unknown)
        } else {
            Ok(made)
        }
    }

    /// `[a-c]` or `[abc]`; negated with `!`. There is no more than one range, and it is alone.
    fn range(&mut self) -> Result<String, Refusal> {
        let not = if self.skip('!') { "^" } else { "" };
        let (inside, rest) = self.rest.split_once(']').ok_or(Refusal::Invalid)?;
        if inside.is_empty() || inside.contains('\\') {
            return Err(Refusal::Unknown);
        }
        self.rest = rest;
        let mut letters = inside.chars();
        let [from, between, to] = [letters.next(), letters.next(), letters.next()];
        if let (Some(from), Some('-')) = (from, between) {
            let to = to.filter(|to| from <= *to && letters.next().is_none());
            let to = to.ok_or(Refusal::Unknown)?;
            let [from, to] = [from, to].map(u32::from);
            return Ok(format!(r"[{not}\x{{{from:x}}}-\x{{{to:x}}}]"));
        }
        Ok(format!("[{not}{}]", class(inside)))
    }
}

fn literal(letter: char, made: &mut String) {
    made.push_str(&regex::escape(letter.encode_utf8(&mut [0; 4])));
}
