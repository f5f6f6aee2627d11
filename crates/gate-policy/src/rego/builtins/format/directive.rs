//! A directive behind its `%`: flags, width, precision, verb.

use regorus::LimitError;

use super::beyond;

/// Go's own bound for widths and precisions.
pub(super) const MAX_WIDTH: usize = 1_000_000;

#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags, each by itself, as Go's documentation names them"
)]
pub(super) struct Directive {
    /// Always a sign; ASCII only with `%q`.
    pub(super) plus: bool,
    /// Pads on the right.
    pub(super) minus: bool,
    /// `0x`, and the like.
    pub(super) sharp: bool,
    /// A space for the plus sign.
    pub(super) space: bool,
    /// Pads with zeros.
    pub(super) zero: bool,
    /// `#` with `%v`: as Go source.
    pub(super) quoted: bool,
    /// `+` with `%v`: matters only to a `*big.Int`.
    pub(super) plus_for_v: bool,
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
    pub(super) verb: char,
}

impl Directive {
    pub(super) const fn plain(verb: char) -> Self {
        Self {
            plus: false,
            minus: false,
            sharp: false,
            space: false,
            zero: false,
            quoted: false,
            plus_for_v: false,
            width: None,
            precision: None,
            verb,
        }
    }

    /// The directive and what follows; `None` where the format ends within it. Argument indexes and
    /// `*` end the evaluation.
    pub(super) fn read(text: &str) -> Result<Option<(Self, &str)>, LimitError> {
        let mut directive = Self::plain('%');
        let flags_end = text.find(|c| !directive.flag(c)).unwrap_or(text.len());
        let (_, rest) = text.split_at(flags_end);
        let (width, rest) = number(rest)?;
        directive.width = width;
        let rest = match rest.strip_prefix('.') {
            Some(after) if !after.is_empty() => {
                let (precision, rest) = number(after)?;
                directive.precision = Some(precision.unwrap_or(0));
                rest
            }
            _ => rest,
        };
        let mut letters = rest.chars();
        let Some(verb) = letters.next() else {
            return Ok(None);
        };
        if matches!(verb, '[' | '*') {
            return Err(beyond());
        }
        directive.verb = verb;
        directive.zero &= !directive.minus;
        if matches!(verb, 'v' | 'w') {
            directive.quoted = std::mem::take(&mut directive.sharp);
            directive.plus_for_v = std::mem::take(&mut directive.plus);
        }
        Ok(Some((directive, letters.as_str())))
    }

    /// Notes a flag; `false` if it is none.
    fn flag(&mut self, c: char) -> bool {
        match c {
            '+' => self.plus = true,
            '-' => self.minus = true,
            '#' => self.sharp = true,
            ' ' => self.space = true,
            '0' => self.zero = true,
            _ => return false,
        }
        true
    }
}

fn number(text: &str) -> Result<(Option<usize>, &str), LimitError> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    if digits.is_empty() {
        return Ok((None, rest));
    }
    match digits.parse() {
        Ok(number) if number <= MAX_WIDTH => Ok((Some(number), rest)),
        _ => Err(beyond()),
    }
}
