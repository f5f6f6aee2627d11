//! Arithmetic operators with OPA's results and limited sizes. On the register machine calls of
//! these replace its instructions (`program/arithmetic.rs`); for an interpreter the signs are
//! rewritten as calls by name (`rego/rewrite/operators.rs`).

use regorus::unstable::{ArithOp, BuiltinFcn};
use regorus::{LimitError, Value};

use super::CompileError;
use super::fraction::{self, Operation};
use super::growth::{long_product, too_long};

/// The name of an operator's function in an interpreter. `%` is left to the interpreter.
pub(super) const fn name(operator: &ArithOp) -> Option<&'static str> {
    match operator {
        ArithOp::Add => Some("gate_add__"),
        ArithOp::Sub => Some("gate_sub__"),
        ArithOp::Mul => Some("gate_mul__"),
        ArithOp::Div => Some("gate_div__"),
        ArithOp::Mod => None,
    }
}

pub(super) fn builtin(operator: &ArithOp) -> BuiltinFcn {
    match operator {
        ArithOp::Add => (|_, _, of, _| Ok(add(of)?), 2),
        ArithOp::Sub => (|_, _, of, _| Ok(sub(of)?), 2),
        ArithOp::Mul => (|_, _, of, _| Ok(mul(of)?), 2),
        ArithOp::Div => (|_, _, of, _| Ok(div(of)?), 2),
        ArithOp::Mod => (|_, _, of, _| Ok(modulo(of)?), 2),
    }
}

/// Registers the functions with an interpreter.
pub(super) fn add_to(engine: &mut regorus::Engine) -> Result<(), CompileError> {
    for operator in [ArithOp::Add, ArithOp::Sub, ArithOp::Mul, ArithOp::Div] {
        let Some(name) = name(&operator) else {
            continue;
        };
        let call = move |of: Vec<Value>| {
            let value = match operator {
                ArithOp::Add => add(&of),
                ArithOp::Sub => sub(&of),
                ArithOp::Mul => mul(&of),
                ArithOp::Div => div(&of),
                ArithOp::Mod => modulo(&of),
            };
            Ok(value?)
        };
        engine
            .add_extension(name.to_owned(), 2, Box::new(call))
            .map_err(|error| CompileError::Compile(error.to_string()))?;
    }
    Ok(())
}

/// The error for an operand that is no number. It ends the evaluation.
///
/// In OPA such a result is undefined, so that a rule which denies is passed by with `"qty": "1000"` or `"qty": null`
/// in a member that it computes with.
pub(super) const NO_NUMBER: LimitError = LimitError::MemoryLimitExceeded { usage: 1, limit: 0 };

fn add(of: &[Value]) -> Result<Value, LimitError> {
    let [left @ Value::Number(a), right @ Value::Number(b)] = of else {
        return Err(NO_NUMBER);
    };
    match fraction::apply(Operation::Add, left, right)? {
        Some(sum) => Ok(sum),
        None => a.add(b).map(Value::from).map_err(|_| too_long()),
    }
}

/// The difference of two numbers or two sets.
fn sub(of: &[Value]) -> Result<Value, LimitError> {
    match of {
        [left @ Value::Number(a), right @ Value::Number(b)] => {
            match fraction::apply(Operation::Sub, left, right)? {
                Some(difference) => Ok(difference),
                None => a.sub(b).map(Value::from).map_err(|_| too_long()),
            }
        }
        [Value::Set(left), Value::Set(right)] => Ok(left.difference(right).into()),
        _ => Err(NO_NUMBER),
    }
}

fn mul(of: &[Value]) -> Result<Value, LimitError> {
    let [left @ Value::Number(a), right @ Value::Number(b)] = of else {
        return Err(NO_NUMBER);
    };
    long_product(of)?;
    match fraction::apply(Operation::Mul, left, right)? {
        Some(product) => Ok(product),
        None => unless_vanished(a.mul(b).map(Value::from).ok(), of),
    }
}

/// An error where there is no result or it underflowed to 0. With no 0 among the operands, OPA's
/// result is not 0, however small.
fn unless_vanished(result: Option<Value>, of: &[Value]) -> Result<Value, LimitError> {
    let zero = Value::from(0);
    match result {
        Some(result) if result != zero || of.contains(&zero) => Ok(result),
        _ => Err(too_long()),
    }
}

fn div(of: &[Value]) -> Result<Value, LimitError> {
    match of {
        [left @ Value::Number(a), right @ Value::Number(b)] if b.as_i128() != Some(0) => {
            match fraction::apply(Operation::Div, left, right)? {
                Some(quotient) => Ok(quotient),
                None => unless_vanished(a.clone().divide(b).map(Value::from).ok(), of),
            }
        }
        [Value::Number(_), Value::Number(_)] => Ok(Value::Undefined),
        _ => Err(NO_NUMBER),
    }
}

fn modulo(of: &[Value]) -> Result<Value, LimitError> {
    match of {
        [Value::Number(left), Value::Number(right)]
            if right.as_i128() != Some(0) && left.is_integer() && right.is_integer() =>
        {
            let rest = left.clone().modulo(right);
            rest.map(Value::from).map_err(|_| too_long())
        }
        [Value::Number(_), Value::Number(_)] => Ok(Value::Undefined),
        _ => Err(NO_NUMBER),
    }
}
