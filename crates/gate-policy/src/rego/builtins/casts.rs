//! `to_number` as in OPA: it takes strings that Go parses as a number, more than JSON has (`+1`,
//! `.5`, `01`, `1_000`), and none with blanks around it.

use regorus::unstable::BuiltinFcn;
use regorus::{LimitError, Value};

use super::beyond;
use crate::rego::fraction;

pub(super) const BUILTINS: [(&str, BuiltinFcn); 1] =
    [("to_number", (|_, _, args, _| Ok(to_number(args)?), 1))];

fn to_number(args: &[Value]) -> Result<Value, LimitError> {
    match args {
        [Value::Null | Value::Bool(false)] => Ok(0.into()),
        [Value::Bool(true)] => Ok(1.into()),
        [number @ Value::Number(_)] => Ok(number.clone()),
        [Value::String(text)] => of_text(text),
        _ => Ok(Value::Undefined),
    }
}

fn of_text(text: &str) -> Result<Value, LimitError> {
    if may_be_hexadecimal(text) {
        return Err(beyond());
    }
    if !are_between_digits(text) {
        return Ok(Value::Undefined);
    }
    let text = text.replace('_', "");
    // Go refuses what is beyond a float.
    let is_read = fraction::is_decimal(&text) && text.parse().is_ok_and(f64::is_finite);
    if is_read {
        fraction::written(&text)
    } else {
        Ok(Value::Undefined)
    }
}

/// Go parses hexadecimal with a binary exponent: `0x1p4`.
fn may_be_hexadecimal(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_part = |c: char| matches!(c, '_' | '.' | 'p' | 'P' | '+' | '-') || c.is_ascii_hexdigit();
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    digits.is_some_and(|digits| digits.contains(['p', 'P']) && digits.chars().all(is_part))
}

/// Whether each `_` is where Go allows it.
fn are_between_digits(text: &str) -> bool {
    let mut parts = text.split('_');
    let ends = |part: &str| part.ends_with(|c: char| c.is_ascii_digit());
    let begins = |part: &str| part.starts_with(|c: char| c.is_ascii_digit());
    let mut before = parts.next().unwrap_or_default();
    parts.all(|part| ends(std::mem::replace(&mut before, part)) && begins(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What OPA 1.20.2 answers.
    #[test]
    fn a_text_is_the_number_that_go_reads() {
        for (text, number) in [
            ("1", "1"),
            ("+1", "1"),
            ("-01", "-1"),
            ("00", "0"),
            ("-0.0", "0"),
            ("0e0", "0"),
            ("1.", "1"),
            (".5", "0.5"),
            ("-.5", "-0.5"),
            ("1e+5", "100000"),
            ("1_000", "1000"),
            ("1.50", "1.5"),
            (
                "123456789012345678901234567890",
                "123456789012345678901234567890",
            ),
        ] {
            let expected = Value::from_numeric_string(number).unwrap();
            assert_eq!(to_number(&[text.into()]).unwrap(), expected, "{text}");
        }
        for text in [
            "",
            " 1",
            "1 ",
            "\t1",
            "0x10",
            "abc",
            "1__0",
            "_1",
            "1_",
            "1_.5",
            "1,5",
            "Inf",
            "-infinity",
            "NaN",
            "--1",
            "+-1",
            "1e",
            "1e400",
            "٣",
            ".",
            "0b1",
            "AB_12",
        ] {
            assert_eq!(
                to_number(&[text.into()]).unwrap(),
                Value::Undefined,
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_not_held_ends_the_evaluation() {
        for text in ["0x1p4", "-0x_1P-2", "1e-400"] {
            assert!(to_number(&[text.into()]).is_err(), "{text}");
        }
    }
}
