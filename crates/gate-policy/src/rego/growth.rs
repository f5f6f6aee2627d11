//! Limits the size of what builtins and products of integers may produce.
//!
//! A builtin counts as one instruction, so the instruction limit does not stop what doubles with
//! each call: `b := concat("", [a, a])` forty times, `sprintf("%999999999d", [1])`. So the output
//! of a call is estimated before the call. Too much ends the evaluation: were it merely undefined,
//! a `not` of it would hold.

use std::sync::LazyLock;

use regorus::rvm::program::Program;
use regorus::unstable::{BUILTINS, BuiltinFcn, Expr, Ref, Span};
use regorus::{LimitError, Value};

use super::{CompileError, arithmetic, builtins, fraction};

/// The most that one call may produce, in bytes: text, and 16 for each member of a collection.
pub const MAX_MADE_BYTES: usize = 1024 * 1024;
/// The longest integer that a product may be.
pub const MAX_NUMBER_BITS: u64 = 32 * 1024;

/// The builtins with a size limit, and Gate's own.
static BOUNDED: LazyLock<Vec<(&'static str, BuiltinFcn)>> = LazyLock::new(|| {
    /// The builtin, called once its estimate is within the limit.
    macro_rules! bounded {
        ($($name:literal => $estimate:expr;)*) => {
            [$(BUILTINS.get($name).map(|(_, arity)| {
                let bounded: BuiltinFcn = (
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
                ($name, bounded)
            })),*]
        };
    }
    let bounded = bounded! {
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
    bounded
        .into_iter()
        .flatten()
        .chain(builtins::own())
        .collect()
});

fn bounded(name: &str) -> Option<BuiltinFcn> {
    let mut all = BOUNDED.iter();
    all.find(|(known, _)| *known == name)
        .map(|(_, bounded)| *bounded)
}

/// Replaces the program's builtins with the limited ones.
pub(super) fn bound(mut program: Program) -> Program {
    let names = program.builtin_info_table.iter();
    for (builtin, info) in program.resolved_builtins.iter_mut().zip(names) {
        *builtin = bounded(&info.name).unwrap_or(*builtin);
    }
    program
}

/// Replaces an interpreter's builtins with the limited ones, and adds the operators.
pub(super) fn bound_interpreter(engine: &mut regorus::Engine) -> Result<(), CompileError> {
    let refused = |error: &dyn std::fmt::Display| CompileError::Compile(error.to_string());
    let span = nowhere().map_err(|error| refused(&error))?;
    for (name, (builtin, arity)) in BOUNDED.iter() {
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
                // As in non-strict mode: an error is undefined, but an exceeded limit ends the
                // evaluation.
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

/// The span of a call that is in no file.
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

/// The error for a number that is too long or cannot be represented.
pub(super) const fn too_long() -> LimitError {
    LimitError::MemoryLimitExceeded {
        usage: u64::MAX,
        limit: MAX_NUMBER_BITS,
    }
}

const TOO_MUCH: usize = usize::MAX;
const MEMBER_BYTES: usize = 16;
/// The deepest nesting: writing a value recurses once per level.
const MAX_DEPTH: usize = 128;

/// The size of a collection's own members, whatever they contain.
fn members(value: &Value) -> usize {
    let members = match value {
        Value::Array(items) => items.len(),
        Value::Set(items) => items.len(),
        Value::Object(members) => members.len(),
        _ => 1,
    };
    members.saturating_mul(MEMBER_BYTES)
}

/// Checks that a value is small enough to be written out.
pub(super) fn check_answer(value: &Value) -> Result<(), LimitError> {
    const MAX_ANSWER_BYTES: usize = 16 * MAX_MADE_BYTES;
    let mut left = MAX_ANSWER_BYTES;
    if takes(value, &mut left, MAX_DEPTH) {
        Ok(())
    } else {
        within(TOO_MUCH)
    }
}

/// Every string is compared with every prefix or suffix.
fn pairs(args: &[Value]) -> usize {
    let texts = args.iter().map(|arg| members(arg) / MEMBER_BYTES);
    texts.fold(1, usize::saturating_mul)
}

/// The size of the arguments with all they contain. A value that occurs twice counts twice: it is
/// written twice.
pub(super) fn deep(args: &[Value]) -> usize {
    let mut left = MAX_MADE_BYTES;
    if args.iter().all(|arg| takes(arg, &mut left, MAX_DEPTH)) {
        MAX_MADE_BYTES.saturating_sub(left)
    } else {
        TOO_MUCH
    }
}

/// Subtracts a value's size from `left`; `false` where that is not enough.
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

/// The bits of an integer; 0 for any other value.
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

/// Fails if the product of these may be too long.
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

/// An object with this one member is read by regorus as a number of any length.
pub(super) const HIDDEN_NUMBER: &str = "$serde_json::private::Number";

/// Whether a JSON document contains such an object.
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
    // The name may be written with escapes.
    let is_suspect = text.contains("serde_json") || text.contains("\\u00");
    is_suspect && serde_json::from_str(text).is_ok_and(|value| is_in(&value))
}
