//! `glob.match`, and `regex.match` and `regex.is_valid` with the syntax that OPA takes, which is Go's (RE2).
//!
//! A pattern is written as the crate `regex` takes it (`patterns/syntax.rs`) and compiled once: a thread keeps those
//! that it has seen. regorus takes the pattern as it stands, so that `\d` finds every digit of Unicode and `\b`, `{`
//! and `\Q` are errors; it compiles it for each call.

mod class;
mod glob;
mod syntax;

use std::cell::RefCell;
use std::collections::HashMap;

use regex::{Regex, RegexBuilder};
use regorus::unstable::BuiltinFcn;
use regorus::{LimitError, Value};

use super::beyond;
use syntax::Refusal;

/// Of a compiled pattern, in bytes: what regorus allows.
const MAX_COMPILED_BYTES: usize = 100 * 1024;
/// Of what matching one pattern may remember, in bytes.
const MAX_CACHE_BYTES: usize = 256 * 1024;
/// A thread forgets what it has compiled when it has compiled so many.
const MAX_KEPT: usize = 64;

pub(super) const BUILTINS: [(&str, BuiltinFcn); 3] = [
    ("glob.match", (|_, _, args, _| Ok(glob::matches(args)?), 3)),
    ("regex.match", (|_, _, args, _| Ok(matches(args)?), 2)),
    ("regex.is_valid", (|_, _, args, _| Ok(is_valid(args)?), 1)),
];

type Compiled = Result<Regex, Refusal>;

thread_local! {
    static KEPT: RefCell<HashMap<String, Compiled>> = RefCell::default();
}

fn matches(args: &[Value]) -> Result<Value, LimitError> {
    let [Value::String(pattern), Value::String(text)] = args else {
        return Ok(Value::Undefined);
    };
    with(
        pattern,
        || compile(pattern),
        |compiled| match compiled {
            Ok(pattern) => Ok(Value::Bool(pattern.is_match(text))),
            Err(Refusal::Invalid) => Ok(Value::Undefined),
            Err(Refusal::Unknown) => Err(beyond()),
        },
    )
}

fn is_valid(args: &[Value]) -> Result<Value, LimitError> {
    let [Value::String(pattern)] = args else {
        return Ok(Value::Bool(false));
    };
    with(
        pattern,
        || compile(pattern),
        |compiled| match compiled {
            Ok(_) => Ok(Value::Bool(true)),
            Err(Refusal::Invalid) => Ok(Value::Bool(false)),
            Err(Refusal::Unknown) => Err(beyond()),
        },
    )
}

fn with<T>(
    key: &str,
    compile: impl FnOnce() -> Compiled,
    use_it: impl FnOnce(&Compiled) -> T,
) -> T {
    KEPT.with_borrow_mut(|kept| {
        if let Some(compiled) = kept.get(key) {
            return use_it(compiled);
        }
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        let compiled = kept.entry(key.to_owned());
        use_it(compiled.or_insert_with(compile))
    })
}

fn compile(pattern: &str) -> Compiled {
    build(&syntax::translate(pattern)?)
}

fn build(translated: &str) -> Compiled {
    RegexBuilder::new(translated)
        .size_limit(MAX_COMPILED_BYTES)
        .dfa_size_limit(MAX_CACHE_BYTES)
        .build()
        // Too large, or what the translation lets through by mistake.
        .map_err(|_| Refusal::Unknown)
}

#[cfg(test)]
mod tests;
