//! What stands behind a `%`: flags, width, precision, verb.

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
    /// A sign always; ASCII only with `%q`.
    pub(super) plus: bool,
    /// Filled up on the right.
    pub(super) minus: bool,
    /// `0x`, and the like.
    pub(super) sharp: bool,
    /// A blank for the plus sign.
    pub(super) space: bool,
    /// Filled up with zeros.
    pub(super) zero: bool,
    /// What a `#` is to `%v`: as it stands in a program.
    pub(super) quoted: bool,
    /// What a `+` is to `%v`: nothing, but to a `*big.Int`.
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

    /// The directive and what follows; `None` where the format ends within it. Arguments by number and widths from
    /// arguments are not known here.
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

    /// Whether it is one, and noted.
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
