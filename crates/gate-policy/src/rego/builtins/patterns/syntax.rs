//! Translates Go's pattern syntax for the crate `regex`. <https://pkg.go.dev/regexp/syntax>

use super::class;

/// Go's bound for `{n}`, also for nested repetitions.
const MAX_REPEATS: u32 = 1_000;

/// Why there is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Go refuses it, too.
    Invalid,
    /// What Go makes of it is not known here.
    Unknown,
}

pub(super) fn translate(pattern: &str) -> Result<String, Refusal> {
    // Case folding beyond ASCII is a table of Go's.
    if folds(pattern) && (!pattern.is_ascii() || pattern.contains("\\x")) {
        return Err(Refusal::Unknown);
    }
    let mut reader = Reader {
        rest: pattern,
        made: String::with_capacity(pattern.len()),
    };
    reader.alternatives(0)?;
    if reader.rest.is_empty() {
        Ok(reader.made)
    } else {
        Err(Refusal::Invalid)
    }
}

/// Whether it has a flag `i`, as in `(?i)` or `(?s-i:…)`.
fn folds(pattern: &str) -> bool {
    pattern.split("(?").skip(1).any(|group| {
        let end = group.find([':', ')', '<', 'P']).unwrap_or(group.len());
        group.get(..end).is_some_and(|flags| flags.contains('i'))
    })
}

/// Deeper groups are not translated.
const MAX_DEPTH: usize = 100;

pub(super) struct Reader<'p> {
    pub(super) rest: &'p str,
    pub(super) made: String,
}

/// What precedes a repetition, and so is repeated.
#[derive(Clone, Copy)]
enum Before {
    Nothing,
    /// `(?i)`: Go would repeat what is before that.
    Flags,
    /// An item, in which something is repeated this often at most.
    Item(u32),
    Repetition,
}

impl Reader<'_> {
    pub(super) fn next(&mut self) -> Option<char> {
        let mut letters = self.rest.chars();
        let next = letters.next();
        self.rest = letters.as_str();
        next
    }

    pub(super) fn skip(&mut self, prefix: &str) -> bool {
        let rest = self.rest.strip_prefix(prefix);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    pub(super) fn literal(&mut self, letter: char) {
        self.made
            .push_str(&regex::escape(letter.encode_utf8(&mut [0; 4])));
    }

    /// Translates up to the end, or to the group's closing parenthesis. Returns how often something
    /// in it is repeated at most.
    fn alternatives(&mut self, depth: usize) -> Result<u32, Refusal> {
        if depth > MAX_DEPTH {
            return Err(Refusal::Unknown);
        }
        let mut most = 1;
        let mut before = Before::Nothing;
        while !self.rest.is_empty() && !self.rest.starts_with(')') {
            before = self.piece(before, depth)?;
            if let Before::Item(repeats) = before {
                most = most.max(repeats);
            }
            if let Some(repeats) = self.repetition(before)? {
                most = most.max(repeats);
                before = Before::Repetition;
            }
        }
        Ok(most)
    }

    fn piece(&mut self, before: Before, depth: usize) -> Result<Before, Refusal> {
        let Some(letter) = self.next() else {
            return Ok(before);
        };
        match letter {
            '|' => {
                self.made.push('|');
                return Ok(Before::Nothing);
            }
            '(' => return self.group(depth),
            '[' => class::read(self)?,
            '\\' => self.escape()?,
            '.' | '^' | '$' => self.made.push(letter),
            // One that follows an item was read by `repetition`.
            '*' | '+' | '?' => {
                return Err(match before {
                    Before::Flags => Refusal::Unknown,
                    _ => Refusal::Invalid,
                });
            }
            // One that follows an item was read by `repetition`.
            '{' if counts(self.rest).is_some() => {
                return Err(match before {
                    Before::Flags => Refusal::Unknown,
                    _ => Refusal::Invalid,
                });
            }
            _ => self.literal(letter),
        }
        Ok(Before::Item(1))
    }

    /// Reads a repetition, if there is one; returns how often something is repeated in all.
    fn repetition(&mut self, before: Before) -> Result<Option<u32>, Refusal> {
        let Before::Item(within) = before else {
            return Ok(None);
        };
        let mut repeats = within;
        if let Some(sign) = self.rest.chars().next().filter(|c| "*+?".contains(*c)) {
            self.made.push(sign);
            self.next();
        } else if let Some((least, most, rest)) = self.rest.strip_prefix('{').and_then(counts) {
            let highest = most.unwrap_or(least);
            if highest < least || highest > MAX_REPEATS || least > MAX_REPEATS {
                return Err(Refusal::Invalid);
            }
            repeats = within.saturating_mul(highest.max(1));
            if repeats > MAX_REPEATS {
                return Err(Refusal::Unknown);
            }
            let (read, _) = self
                .rest
                .split_at(self.rest.len().saturating_sub(rest.len()));
            self.made.push_str(read);
            self.rest = rest;
        } else {
            return Ok(None);
        }
        if self.skip("?") {
            self.made.push('?');
        }
        Ok(Some(repeats))
    }

    fn group(&mut self, depth: usize) -> Result<Before, Refusal> {
        self.made.push('(');
        if self.skip("?P<") || self.skip("?<") {
            self.name()?;
        } else if self.skip("?") && !self.flags()? {
            return Ok(Before::Flags);
        }
        let repeats = self.alternatives(depth.saturating_add(1))?;
        if !self.skip(")") {
            return Err(Refusal::Invalid);
        }
        self.made.push(')');
        Ok(Before::Item(repeats))
    }

    fn name(&mut self) -> Result<(), Refusal> {
        let (name, rest) = self.rest.split_once('>').ok_or(Refusal::Invalid)?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty()
            || !name.chars().all(is_name)
            || name.starts_with(|c: char| c.is_ascii_digit())
        {
            return Err(Refusal::Unknown);
        }
        self.made.push_str(&format!("?P<{name}>"));
        self.rest = rest;
        Ok(())
    }

    /// Translates flags; returns whether a group follows them.
    fn flags(&mut self) -> Result<bool, Refusal> {
        let end = self.rest.find([':', ')']).ok_or(Refusal::Unknown)?;
        let (flags, _) = self.rest.split_at(end);
        let (set, cleared) = flags.split_once('-').unwrap_or((flags, "i"));
        let are_known = |flags: &str| flags.chars().all(|flag| "imsU".contains(flag));
        let opens = self
            .rest
            .get(end..)
            .is_some_and(|rest| rest.starts_with(':'));
        if !are_known(set) || !are_known(cleared) {
            return Err(Refusal::Invalid);
        }
        if cleared.is_empty() || (flags.is_empty() && !opens) {
            return Err(Refusal::Unknown);
        }
        self.made.push_str(&format!("?{flags}"));
        self.made.push(if opens { ':' } else { ')' });
        self.rest = self.rest.get(end.saturating_add(1)..).unwrap_or_default();
        Ok(opens)
    }

    fn escape(&mut self) -> Result<(), Refusal> {
        match self.rest.chars().next() {
            Some('A') => self.made.push_str(r"\A"),
            Some('z') => self.made.push_str(r"\z"),
            Some('b') => self.made.push_str(r"(?-u:\b)"),
            Some('B') => self.made.push_str(r"(?-u:\B)"),
            Some('Q') => return self.verbatim(),
            Some(letter) if class::of_letter(letter).is_some() => {
                self.made
                    .push_str(class::of_letter(letter).unwrap_or_default());
            }
            _ => {
                let letter = self.escaped()?;
                self.literal(letter);
                return Ok(());
            }
        }
        self.next();
        Ok(())
    }

    /// `\Q*\E`: literal text.
    fn verbatim(&mut self) -> Result<(), Refusal> {
        self.next();
        let (text, rest) = self.rest.split_once(r"\E").unwrap_or((self.rest, ""));
        if text.is_empty() {
            // A repetition would apply to what precedes it.
            return Err(Refusal::Unknown);
        }
        for letter in text.chars() {
            self.literal(letter);
        }
        self.rest = rest;
        Ok(())
    }

    /// The character that an escape stands for, without its backslash.
    pub(super) fn escaped(&mut self) -> Result<char, Refusal> {
        let letter = self.next().ok_or(Refusal::Invalid)?;
        Ok(match letter {
            'a' => '\u{7}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            'x' => return self.by_number(),
            // Octal numbers, Unicode classes, single bytes.
            '0'..='9' | 'p' | 'P' | 'C' => return Err(Refusal::Unknown),
            _ if letter.is_ascii() && !letter.is_ascii_alphanumeric() => letter,
            _ => return Err(Refusal::Invalid),
        })
    }

    fn by_number(&mut self) -> Result<char, Refusal> {
        let digits = if self.skip("{") {
            let (digits, rest) = self.rest.split_once('}').ok_or(Refusal::Invalid)?;
            self.rest = rest;
            digits
        } else {
            let (digits, rest) = self.rest.split_at_checked(2).ok_or(Refusal::Invalid)?;
            self.rest = rest;
            digits
        };
        let is_hex = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u32::from_str_radix(digits, 16).ok().filter(|_| is_hex);
        let letter = number.ok_or(Refusal::Invalid)?;
        char::from_u32(letter).ok_or(Refusal::Unknown)
    }
}

/// Reads a repetition behind its `{`: least, most, and the rest.
fn counts(text: &str) -> Option<(u32, Option<u32>, &str)> {
    let (inside, rest) = text.split_once('}')?;
    let number = |digits: &str| {
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let is_written_so = digits == "0" || !digits.starts_with('0');
        (is_number && is_written_so).then(|| digits.parse().unwrap_or(u32::MAX))
    };
    match inside.split_once(',') {
        None => Some((number(inside)?, None, rest)),
        Some((least, "")) => Some((number(least)?, None, rest)),
        Some((least, most)) => Some((number(least)?, Some(number(most)?), rest)),
    }
}
