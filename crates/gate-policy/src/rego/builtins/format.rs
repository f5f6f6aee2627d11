//! `sprintf` as in OPA: Go's `fmt.Sprintf`, whose text for a mismatch (`%!d(string=x)`) is a value
//! like any other. regorus' own is undefined for most of these, and a denial would lose its reason
//! with it.
//!
//! Source: the documentation of Go's package fmt.

mod argument;
mod digits;
mod directive;
pub(super) mod term;

use regorus::unstable::BuiltinFcn;
use regorus::{LimitError, Value};

use argument::Argument;
use directive::Directive;

use super::beyond;
use crate::rego::growth::{MAX_MADE_BYTES, check_answer, within};

pub(super) const BUILTINS: [(&str, BuiltinFcn); 1] =
    [("sprintf", (|_, _, args, _| Ok(sprintf(args)?), 2))];

fn sprintf(args: &[Value]) -> Result<Value, LimitError> {
    let [Value::String(format), Value::Array(values)] = args else {
        return Ok(Value::Undefined);
    };
    let mut arguments = Vec::with_capacity(values.len());
    for value in values.iter() {
        check_answer(value)?;
        arguments.push(Argument::of(value)?);
    }
    Ok(Value::from(fill(format, &arguments)?))
}

fn fill(format: &str, arguments: &[Argument]) -> Result<String, LimitError> {
    let mut made = Made::default();
    let mut rest = format;
    let mut arguments = arguments.iter();
    while let Some((text, after)) = rest.split_once('%') {
        made.push(text)?;
        let Some((directive, after)) = Directive::read(after)? else {
            made.push("%!(NOVERB)")?;
            rest = "";
            break;
        };
        rest = after;
        if directive.verb == '%' {
            made.push("%")?;
        } else if let Some(argument) = arguments.next() {
            argument.write(directive, &mut made)?;
        } else {
            made.push(&format!("%!{}(MISSING)", directive.verb))?;
        }
    }
    made.push(rest)?;
    extra(arguments.as_slice(), &mut made)?;
    Ok(made.text)
}

/// Appends the arguments that the format does not use.
fn extra(arguments: &[Argument], made: &mut Made) -> Result<(), LimitError> {
    for (place, argument) in arguments.iter().enumerate() {
        let before = if place == 0 { "%!(EXTRA " } else { ", " };
        made.push(before)?;
        argument.write_typed(Directive::plain('v'), made)?;
    }
    if arguments.is_empty() {
        Ok(())
    } else {
        made.push(")")
    }
}

/// The text so far, limited in size.
#[derive(Default)]
struct Made {
    text: String,
}

impl Made {
    fn push(&mut self, text: &str) -> Result<(), LimitError> {
        within(self.text.len().saturating_add(text.len()))?;
        self.text.push_str(text);
        Ok(())
    }

    /// Pads to the width that the directive asks for, counted in characters.
    fn pad(&mut self, directive: &Directive, text: &str) -> Result<(), LimitError> {
        let letters = text.chars().count();
        let missing = directive
            .width
            .map_or(0, |width| width.saturating_sub(letters));
        if directive.minus {
            self.push(text)?;
            return self.fill(' ', missing);
        }
        self.fill(if directive.zero { '0' } else { ' ' }, missing)?;
        self.push(text)
    }

    fn fill(&mut self, with: char, times: usize) -> Result<(), LimitError> {
        within(self.text.len().saturating_add(times))?;
        self.text.extend(std::iter::repeat_n(with, times));
        Ok(())
    }
}

/// `times` zeros.
fn zeros(times: usize) -> Result<String, LimitError> {
    within(times)?;
    Ok("0".repeat(times))
}

const _: () = assert!(MAX_MADE_BYTES >= directive::MAX_WIDTH);

#[cfg(test)]
mod tests;
