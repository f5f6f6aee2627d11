//! Builtins that can make more than they are given, held to a size.
//!
//! A builtin counts as one instruction, so that the limit on instructions does not stop what
//! doubles with each: `b := concat("", [a, a])` forty times, `sprintf("%999999999d", [1])`. What
//! such a call would make is estimated before it is called. Too much ends the evaluation: it is
//! no value that is undefined, which a `not` would take for a yes. A product of whole numbers is
//! held to a size as well.

use std::sync::LazyLock;

use regorus::rvm::program::Program;
use regorus::unstable::{BUILTINS, BuiltinFcn, Expr, Ref, Span};
use regorus::{LimitError, Value};

use super::{CompileError, arithmetic, builtins, fraction};

/// The most that one call may make: bytes of text, 16 for each member of a collection.
pub const MAX_MADE_BYTES: usize = 1024 * 1024;
/// The longest whole number that a product may be.
pub const MAX_NUMBER_BITS: u64 = 32 * 1024;

/// What is estimated for each, and what it is then asked for.
static HELD: LazyLock<Vec<(&'static str, BuiltinFcn)>> = LazyLock::new(|| {
    /// The builtin itself, once what it would make is not too much.
    macro_rules! held {
        ($($name:literal => $estimate:expr;)*) => {
            [$(BUILTINS.get($name).map(|(_, arity)| {
                let held: BuiltinFcn = (
                    |span, params, args, strict| {
                        within(($estimate)(args))?;
                        if let Some(value) = fraction::builtin($name, args)? {
                            return Ok(value);
                        }
                        let answer = match BUILTINS.get($name) {
                            Some((builtin, _)) => builtin(span, params, args, strict),
                            None => Ok(Value::Undefined),
                        };
                        if fraction::is_lost($name, args, answer.as_ref().ok()) {
                            return Err(too_long().into());
                        }
                        answer
                    },
                    *arity,
                );
                ($name, held)
            })),*]
        };
    }
    let held = held! {
        "abs" => |_: &[Value]| 0;
        "array.concat" => |args: &[Value]| args.iter().map(members).fold(0, usize::saturating_add);
        "concat" => concat;
        "object.union" => deep;
        "object.union_n" => deep;
        "product" => product;
        "split" => split;
        "strings.any_prefix_match" => pairs;
        "strings.any_suffix_match" => pairs;
        "sum" => |_: &[Value]| 0;
    };
    held.into_iter().flatten().chain(builtins::own()).collect()
});

fn held(name: &str) -> Option<BuiltinFcn> {
    let mut all = HELD.iter();
    all.find(|(known, _)| *known == name).map(|(_, held)| *held)
}

/// The program with its builtins held.
pub(super) fn hold(mut program: Program) -> Program {
    let names = program.builtin_info_table.iter();
    for (builtin, info) in program.resolved_builtins.iter_mut().zip(names) {
        *builtin = held(&info.name).unwrap_or(*builtin);
    }
    program
}

/// Holds an interpreter's builtins.
pub(super) fn hold_interpreter(engine: &mut regorus::Engine) -> Result<(), CompileError> {
    let refused = |error: &dyn std::fmt::Display| CompileError::Compile(error.to_string());
    let span = nowhere().map_err(|error| refused(&error))?;
    for (name, (builtin, arity)) in HELD.iter() {
        let span = span.clone();
        let call = move |args: Vec<Value>| {
            let place = |_: &Value| {
                Ref::new(Expr::Null {
                    span: span.clone(),
                    value: Value::Null,
                    eidx: 0,
                })
            };
            let places: Vec<_> = args.iter().map(place).collect();
            match builtin(&span, &places, &args, false) {
                // As without being strict: an error is no value, a limit ends the evaluation.
                Err(error) if !error.is::<LimitError>() => Ok(Value::Undefined),
                answer => answer,
            }
        };
        engine
            .add_extension((*name).to_owned(), *arity, Box::new(call))
            .map_err(|error| refused(&error))?;
    }
    arithmetic::add_to(engine)
}

/// The place of a call that stands in no file.
pub(super) fn nowhere() -> Result<Span, impl std::fmt::Display> {
    let file = regorus::Source::from_contents("builtin".to_owned(), String::new());
    file.map(|source| Span {
        source,
        line: 1,
        col: 1,
        start: 0,
        end: 0,
    })
}

pub(super) fn within(bytes: usize) -> Result<(), LimitError> {
    if bytes <= MAX_MADE_BYTES {
        return Ok(());
    }
    let in_u64 = |bytes| u64::try_from(bytes).unwrap_or(u64::MAX);
    Err(LimitError::MemoryLimitExceeded {
        usage: in_u64(bytes),
        limit: in_u64(MAX_MADE_BYTES),
    })
}

/// The error of a number that is too long, or that cannot be.
pub(super) const fn too_long() -> LimitError {
    LimitError::MemoryLimitExceeded {
        usage: u64::MAX,
        limit: MAX_NUMBER_BITS,
    }
}

/// More than any call may make.
const TOO_MUCH: usize = usize::MAX;
const MEMBER_BYTES: usize = 16;
/// What writes a value calls itself for each level.
const MAX_DEPTH: usize = 128;

/// Of a collection's own members, whatever is in them.
fn members(value: &Value) -> usize {
    let members = match value {
        Value::Array(items) => items.len(),
        Value::Set(items) => items.len(),
        Value::Object(members) => members.len(),
        _ => 1,
    };
    members.saturating_mul(MEMBER_BYTES)
}

/// Whether a rule's value can be written out for a reader of the Data API.
pub(super) fn check_answer(value: &Value) -> Result<(), LimitError> {
    const MAX_ANSWER_BYTES: usize = 16 * MAX_MADE_BYTES;
    let mut left = MAX_ANSWER_BYTES;
    if takes(value, &mut left, MAX_DEPTH) {
        Ok(())
    } else {
        within(TOO_MUCH)
    }
}

/// Each of the one is looked at beside each of the other.
fn pairs(args: &[Value]) -> usize {
    let texts = args.iter().map(|arg| members(arg) / MEMBER_BYTES);
    texts.fold(1, usize::saturating_mul)
}

/// Of everything in the arguments. A value that stands in it twice counts twice: it is written twice.
pub(super) fn deep(args: &[Value]) -> usize {
    let mut left = MAX_MADE_BYTES;
    if args.iter().all(|arg| takes(arg, &mut left, MAX_DEPTH)) {
        MAX_MADE_BYTES.saturating_sub(left)
    } else {
        TOO_MUCH
    }
}

/// Takes a value's size from what is left; stops where that is not enough.
fn takes(value: &Value, left: &mut usize, depth: usize) -> bool {
    let own = match value {
        Value::String(text) => text.len(),
        Value::Number(_) => usize::try_from(bits(value) / 2).unwrap_or(TOO_MUCH),
        _ => 0,
    };
    let rest = left.checked_sub(own.saturating_add(MEMBER_BYTES));
    let (Some(rest), Some(depth)) = (rest, depth.checked_sub(1)) else {
        return false;
    };
    *left = rest;
    match value {
        Value::Array(items) => items.iter().all(|item| takes(item, left, depth)),
        Value::Set(items) => items.iter().all(|item| takes(item, left, depth)),
        Value::Object(members) => members
            .iter()
            .all(|(name, member)| takes(name, left, depth) && takes(member, left, depth)),
        _ => true,
    }
}

/// Of a whole number; none of any other value.
fn bits(value: &Value) -> u64 {
    let Value::Number(number) = value else {
        return 0;
    };
    match number.as_i128() {
        Some(small) => u64::from(u128::BITS.saturating_sub(small.unsigned_abs().leading_zeros())),
        None if number.is_integer() => number.as_big().map_or(0, |big| big.bits()),
        None => 0,
    }
}

/// Refuses to multiply what is too long together.
pub(super) fn long_product(factors: &[Value]) -> Result<(), LimitError> {
    let bits = factors.iter().map(bits).fold(0, u64::saturating_add);
    if bits > MAX_NUMBER_BITS {
        return Err(LimitError::MemoryLimitExceeded {
            usage: bits,
            limit: MAX_NUMBER_BITS,
        });
    }
    Ok(())
}

fn product(args: &[Value]) -> usize {
    let bits = match args {
        [Value::Array(items)] => items.iter().map(bits).fold(0, u64::saturating_add),
        [Value::Set(items)] => items.iter().map(bits).fold(0, u64::saturating_add),
        _ => 0,
    };
    if bits > MAX_NUMBER_BITS { TOO_MUCH } else { 0 }
}

fn concat(args: &[Value]) -> usize {
    let [Value::String(delimiter), items] = args else {
        return 0;
    };
    let of = |item: &Value| match item {
        Value::String(text) => text.len().saturating_add(delimiter.len()),
        _ => 0,
    };
    match items {
        Value::Array(items) => items.iter().map(of).fold(0, usize::saturating_add),
        Value::Set(items) => items.iter().map(of).fold(0, usize::saturating_add),
        _ => 0,
    }
}

fn split(args: &[Value]) -> usize {
    let [Value::String(text), Value::String(delimiter)] = args else {
        return 0;
    };
    let parts = text.matches(delimiter.as_ref()).count();
    text.len()
        .saturating_add(parts.saturating_mul(MEMBER_BYTES))
}

/// What regorus reads as a number of any length, from an object with this one member.
pub(super) const HIDDEN_NUMBER: &str = "$serde_json::private::Number";

/// Whether a JSON document has such an object.
pub(super) fn hides_number(text: &str) -> bool {
    fn is_in(value: &serde_json::Value) -> bool {
        match value {
            serde_json::Value::Array(items) => items.iter().any(is_in),
            serde_json::Value::Object(members) => members
                .iter()
                .any(|(name, member)| name == HIDDEN_NUMBER || is_in(member)),
            _ => false,
        }
    }
    // It may be written with escapes.
    let is_suspect = text.contains("serde_json") || text.contains("\\u00");
    is_suspect && serde_json::from_str(text).is_ok_and(|value| is_in(&value))
}
