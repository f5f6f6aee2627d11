//! The arguments, as the Go types that OPA converts Rego's values to.

use regorus::{LimitError, Value};

use super::digits::{self, Notation};
use super::directive::Directive;
use super::{Made, beyond, term, zeros};
use crate::rego::fraction;

#[derive(Debug)]
pub(super) enum Argument {
    /// `int64`.
    Whole(i64),
    /// `*big.Int`, in decimal.
    Long(String),
    /// `float64`.
    Fraction(f64),
    /// `string`: a string itself, any other value as Rego writes it.
    Text(String),
}

impl Argument {
    pub(super) fn of(value: &Value) -> Result<Self, LimitError> {
        Ok(match value {
            Value::Number(number) => {
                if let Some(whole) = number.as_i64() {
                    Self::Whole(whole)
                } else if number.is_integer() {
                    // A float from 2^63 on may lack digits that were written.
                    let is_exact = number.as_big().is_some();
                    if !is_exact {
                        return Err(beyond());
                    }
                    Self::Long(number.format_decimal())
                } else {
                    let number = fraction::nearest(value).filter(|n| term::is_plain(*n));
                    Self::Fraction(number.ok_or_else(beyond)?)
                }
            }
            Value::String(text) => Self::Text(text.as_ref().to_owned()),
            _ => {
                let mut text = String::new();
                term::write(value, &mut text)?;
                Self::Text(text)
            }
        })
    }

    const fn type_name(&self) -> &'static str {
        match self {
            Self::Whole(_) => "int64",
            Self::Long(_) => "*big.Int",
            Self::Fraction(_) => "float64",
            Self::Text(_) => "string",
        }
    }

    pub(super) fn write(&self, directive: Directive, made: &mut Made) -> Result<(), LimitError> {
        if directive.verb == 'T' {
            return text(self.type_name(), &directive, made);
        }
        let is_known = match self {
            Self::Whole(number) => whole(*number, &directive, made)?,
            Self::Long(number) => long(number, &directive, made)?,
            Self::Fraction(number) => float(*number, &directive, made)?,
            Self::Text(own) => any_text(own, &directive, made)?,
        };
        if is_known {
            return Ok(());
        }
        made.push(&format!("%!{}(", directive.verb))?;
        self.write_typed(
            Directive {
                verb: 'v',
                ..directive
            },
            made,
        )?;
        made.push(")")
    }

    /// Writes the type's name and the value; the directive's verb must suit it.
    pub(super) fn write_typed(
        &self,
        directive: Directive,
        made: &mut Made,
    ) -> Result<(), LimitError> {
        made.push(self.type_name())?;
        made.push("=")?;
        match self {
            Self::Whole(number) => whole(*number, &directive, made)?,
            Self::Long(number) => long(number, &directive, made)?,
            Self::Fraction(number) => float(*number, &directive, made)?,
            Self::Text(own) => return text(own, &directive, made),
        };
        Ok(())
    }
}

/// `false`: the type has no such verb.
type Known = Result<bool, LimitError>;

fn whole(number: i64, directive: &Directive, made: &mut Made) -> Known {
    let (base, prefix) = match directive.verb {
        'v' | 'd' => (10, ""),
        'b' => (2, "0b"),
        'o' | 'O' => (8, "0"),
        'x' => (16, "0x"),
        'X' => (16, "0X"),
        'c' => return letter(number, directive, made),
        // Both may print the character as well.
        'q' | 'U' => return Err(beyond()),
        _ => return Ok(false),
    };
    let sign = sign(number < 0, directive);
    let mut digits = digits::in_base(number.unsigned_abs(), base);
    if directive.verb == 'X' {
        digits.make_ascii_uppercase();
    }
    if directive.precision == Some(0) && number == 0 {
        made.fill(' ', directive.width.unwrap_or(0))?;
        return Ok(true);
    }
    let least = match (directive.precision, directive.width) {
        (Some(precision), _) => precision,
        (None, Some(width)) if directive.zero => width.saturating_sub(sign.len()),
        _ => 0,
    };
    let digits = zeros(least.saturating_sub(digits.len()))? + &digits;
    let is_prefixed = directive.sharp && !(base == 8 && digits.starts_with('0'));
    let prefix = if is_prefixed { prefix } else { "" };
    let octal = if directive.verb == 'O' { "0o" } else { "" };
    let text = format!("{sign}{octal}{prefix}{digits}");
    made.pad(&directive.without_zeros(), &text)?;
    Ok(true)
}

impl Directive {
    const fn without_zeros(mut self) -> Self {
        self.zero = false;
        self
    }

    const fn is_bare(&self) -> bool {
        !(self.plus || self.sharp || self.space || self.zero || self.precision.is_some())
    }
}

const fn sign(is_negative: bool, directive: &Directive) -> &'static str {
    if is_negative {
        "-"
    } else if directive.plus {
        "+"
    } else if directive.space {
        " "
    } else {
        ""
    }
}

fn letter(number: i64, directive: &Directive, made: &mut Made) -> Known {
    let letter = u32::try_from(number).ok().and_then(char::from_u32);
    let letter = letter.unwrap_or(char::REPLACEMENT_CHARACTER);
    made.pad(directive, letter.encode_utf8(&mut [0; 4]))?;
    Ok(true)
}

fn long(number: &str, directive: &Directive, made: &mut Made) -> Known {
    match directive.verb {
        'd' | 'v' | 's' if directive.is_bare() && !directive.plus_for_v => {
            made.pad(directive, number)?;
        }
        'd' | 'v' | 's' | 'b' | 'o' | 'O' | 'x' | 'X' | 'p' => return Err(beyond()),
        // `*big.Int` writes this text itself.
        verb => made.push(&format!("%!{verb}(big.Int={number})"))?,
    }
    Ok(true)
}

fn float(number: f64, directive: &Directive, made: &mut Made) -> Known {
    let precision = directive.precision;
    let notation = match directive.verb {
        'v' | 'g' | 'G' => Notation::Shorter(precision),
        'e' | 'E' => Notation::Exponent(precision.unwrap_or(6)),
        'f' | 'F' => Notation::Point(precision.unwrap_or(6)),
        'b' | 'x' | 'X' => return Err(beyond()),
        _ => return Ok(false),
    };
    if directive.sharp {
        return Err(beyond());
    }
    let sign = sign(number.is_sign_negative(), directive);
    let mut text = digits::of_float(number.abs(), notation).ok_or_else(beyond)?;
    if matches!(directive.verb, 'E' | 'G') {
        text.make_ascii_uppercase();
    }
    if directive.zero {
        let letters = sign.len().saturating_add(text.len());
        let missing = directive.width.unwrap_or(0).saturating_sub(letters);
        text = zeros(missing)? + &text;
    }
    made.pad(&directive.without_zeros(), &format!("{sign}{text}"))?;
    Ok(true)
}

fn any_text(own: &str, directive: &Directive, made: &mut Made) -> Known {
    match directive.verb {
        'v' if directive.quoted => quoted(own, directive, made)?,
        'v' | 's' => text(own, directive, made)?,
        'q' => quoted(own, directive, made)?,
        'x' | 'X' => in_hex(own, directive, made)?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn text(own: &str, directive: &Directive, made: &mut Made) -> Result<(), LimitError> {
    made.pad(directive, cut(own, directive))
}

/// Cuts to the precision, in characters.
fn cut<'t>(own: &'t str, directive: &Directive) -> &'t str {
    let end = directive
        .precision
        .and_then(|letters| own.char_indices().nth(letters));
    own.split_at(end.map_or(own.len(), |(end, _)| end)).0
}

fn quoted(own: &str, directive: &Directive, made: &mut Made) -> Result<(), LimitError> {
    if directive.sharp {
        return Err(beyond());
    }
    let mut text = String::new();
    term::quote(cut(own, directive), &mut text)?;
    if directive.plus && !text.is_ascii() {
        return Err(beyond());
    }
    made.pad(directive, &text)
}

/// The bytes in hex. A precision counts bytes.
fn in_hex(own: &str, directive: &Directive, made: &mut Made) -> Result<(), LimitError> {
    if directive.sharp || directive.space {
        return Err(beyond());
    }
    let bytes = own.bytes().take(directive.precision.unwrap_or(usize::MAX));
    let mut text: String = bytes.map(|byte| format!("{byte:02x}")).collect();
    if directive.verb == 'X' {
        text.make_ascii_uppercase();
    }
    made.pad(directive, &text)
}
