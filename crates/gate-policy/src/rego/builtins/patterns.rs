//! `glob.match`, and `regex.…` with OPA's syntax, which is Go's (RE2).
//!
//! A pattern is translated for the crate `regex` (`patterns/syntax.rs`) and compiled once: each
//! thread keeps those it has seen (`patterns/kept.rs`). regorus does not translate it, so that `\d`
//! matches every Unicode digit and `\b`, `{` and `\Q` are errors, and compiles it for each call.

mod class;
mod glob;
mod kept;
mod search;
mod syntax;

use regorus::unstable::BuiltinFcn;
use regorus::{LimitError, Value};

use super::beyond;
pub(crate) use kept::forget_steps;
use kept::{Compiled, Pattern};
pub use kept::{MAX_PATTERN_BYTES, MAX_PATTERN_STEPS};
use syntax::Refusal;

pub(super) const BUILTINS: [(&str, BuiltinFcn); 6] = [
    ("glob.match", (|_, _, args, _| Ok(glob::matches(args)?), 3)),
    ("regex.find_n", (|_, _, args, _| Ok(search::find(args)?), 3)),
    ("regex.is_valid", (|_, _, args, _| Ok(is_valid(args)?), 1)),
    ("regex.match", (|_, _, args, _| Ok(matches(args)?), 2)),
    (
        "regex.replace",
        (|_, _, args, _| Ok(search::replace(args)?), 3),
    ),
    ("regex.split", (|_, _, args, _| Ok(search::split(args)?), 2)),
];

fn matches(args: &[Value]) -> Result<Value, LimitError> {
    let [Value::String(pattern), Value::String(text)] = args else {
        return Ok(Value::Undefined);
    };
    kept::regex(
        pattern,
        || compile(pattern),
        |compiled| is_in(compiled, text),
    )
}

fn is_in(compiled: &Compiled, text: &str) -> Result<Value, LimitError> {
    match compiled {
        Ok(pattern) => pattern.is_in(text).map(Value::Bool),
        Err(Refusal::Invalid) => Ok(Value::Undefined),
        Err(Refusal::Unknown) => Err(beyond()),
    }
}

fn is_valid(args: &[Value]) -> Result<Value, LimitError> {
    let [Value::String(pattern)] = args else {
        return Ok(Value::Bool(false));
    };
    kept::regex(
        pattern,
        || compile(pattern),
        |compiled| match compiled {
            Ok(_) => Ok(Value::Bool(true)),
            Err(Refusal::Invalid) => Ok(Value::Bool(false)),
            Err(Refusal::Unknown) => Err(beyond()),
        },
    )
}

fn compile(pattern: &str) -> Compiled {
    Pattern::new(&syntax::translate(pattern)?)
}

#[cfg(test)]
mod tests;
