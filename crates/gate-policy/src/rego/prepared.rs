//! The package `gate_prepared`: evaluated once, over the bundle's data alone, when the bundle comes
//! into force. Its result is part of the data from then on. Plain OPA evaluates the same package
//! with each query, with the same result.

use regorus::Value;

use super::compile::{CompileError, Data, Source, bounded};
use super::{begin_evaluation, fraction};
use crate::bundle::Bundle;
use crate::selftest::budget::{EVALUATION_TIME, timer, within};

/// The package that is evaluated once.
pub const PREPARED: &str = "gate_prepared";

/// The bundle's data with the package's answer at `data.gate_prepared`.
pub(super) fn data(
    bundle: &Bundle,
    plain: &Data,
    prepared: &[Source<'_>],
) -> Result<Value, CompileError> {
    if prepared.is_empty() {
        return Ok(plain.value.clone());
    }
    for (path, source) in prepared {
        if reads_input(source) {
            return Err(CompileError::PreparedReadsInput {
                path: (*path).to_owned(),
            });
        }
    }
    let mut engine = bounded(bundle, prepared, &plain.value)?;
    let evaluated = within(EVALUATION_TIME, |given| {
        engine.set_execution_timer_config(timer(given));
        begin_evaluation(&plain.inexact);
        engine.eval_query(format!("data.{PREPARED}"), false)
    });
    let answer = evaluated.map_err(|error| CompileError::Prepared(error.to_string()))?;
    let answer = answer
        .result
        .into_iter()
        .flat_map(|result| result.expressions)
        .map(|expression| expression.value)
        .next();
    if answer.as_ref().is_some_and(fraction::is_kept_beside) {
        return Err(CompileError::Prepared(
            "a fraction of more digits than are kept: compute it in the rule that asks for it"
                .to_owned(),
        ));
    }
    let mut data = plain.value.clone();
    let members = data
        .as_object_mut()
        .map_err(|error| CompileError::Data(error.to_string()))?;
    if let Some(taken) = members.insert(PREPARED.into(), answer.unwrap_or(Value::Undefined))
        && taken != Value::Undefined
    {
        return Err(CompileError::Data(format!(
            "`{PREPARED}` is both a package and a member of the data"
        )));
    }
    Ok(data)
}

/// Whether the source uses the name `input` outside comments and strings.
fn reads_input(source: &str) -> bool {
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '`' => end_of_string(rest, '`', false),
            '"' => end_of_string(rest, '"', true),
            _ if is_name(first) => rest.find(|c: char| !is_name(c)).unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        let (token, after) = rest.split_at(end);
        if token == "input" {
            return true;
        }
        rest = after;
    }
    false
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Length in bytes of the string literal that `text` starts with, quotes included.
fn end_of_string(text: &str, quote: char, escapes: bool) -> usize {
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        if c == quote {
            return at.saturating_add(1);
        }
        if escapes && c == '\\' {
            chars.next();
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_is_found_as_a_name_only() {
        for source in [
            "x := input",
            "x := input.order",
            "x if input",
            "import input.a",
        ] {
            assert!(reads_input(source), "{source}");
        }
        for source in [
            "x := 1 # the input",
            "x := \"input\"",
            "x := \"a \\\" input\"",
            "x := `raw input`",
            "inputs := my_input",
            "x := \"unclosed input",
        ] {
            assert!(!reads_input(source), "{source}");
        }
    }
}
