//! The operators as OPA has them, within a size. On the register machine calls of these take the place of its
//! instructions (`program/arithmetic.rs`), in an interpreter calls by name that of the signs (`rego/rewrite/operators.rs`).

use regorus::unstable::{ArithOp, BuiltinFcn};
use regorus::{LimitError, Value};

use super::CompileError;
use super::fraction::{self, Operation};
use super::growth::{long_product, too_long};

/// What an operator's function is called in an interpreter. `%` is the interpreter's own.
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

/// Gives an interpreter the functions.
pub(super) fn add_to(engine: &mut regorus::Engine) -> Result<(), CompileError> {
    for operator in [ArithOp::Add, ArithOp::Sub, ArithOp::Mul, ArithOp::Div] {
        let Some(name) = name(&operator) else {
            continue;
        };
        let call = move |of: Vec<Value>| {
            let value = match operator {
                ArithOp::Add => add(&of)?,
                ArithOp::Sub => sub(&of)?,
                ArithOp::Mul => mul(&of)?,
                ArithOp::Div => div(&of)?,
                ArithOp::Mod => modulo(&of)?,
            };
            let numbers = of.iter().all(|value| matches!(value, Value::Number(_)));
            if value == Value::Undefined && !numbers {
                // As the sign itself.
                return Err(CompileError::Compile("an operand is no number".to_owned()).into());
            }
            Ok(value)
        };
        engine
            .add_extension(name.to_owned(), 2, Box::new(call))
            .map_err(|error| CompileError::Compile(error.to_string()))?;
    }
    Ok(())
}

fn add(of: &[Value]) -> Result<Value, LimitError> {
    let [left @ Value::Number(a), right @ Value::Number(b)] = of else {
        return Ok(Value::Undefined);
    };
    match fraction::apply(Operation::Add, left, right)? {
        Some(sum) => Ok(sum),
        None => a.add(b).map(Value::from).map_err(|_| too_long()),
    }
}

/// Of sets, too.
fn sub(of: &[Value]) -> Result<Value, LimitError> {
    match of {
        [left @ Value::Number(a), right @ Value::Number(b)] => {
            match fraction::apply(Operation::Sub, left, right)? {
                Some(difference) => Ok(difference),
                None => a.sub(b).map(Value::from).map_err(|_| too_long()),
            }
        }
        [Value::Set(left), Value::Set(right)] => Ok(left.difference(right).into()),
        _ => Ok(Value::Undefined),
    }
}

fn mul(of: &[Value]) -> Result<Value, LimitError> {
    let [left @ Value::Number(a), right @ Value::Number(b)] = of else {
        // As an error of the machine's own, this ends no more than the body: never a value.
        return Ok(Value::Undefined);
    };
    long_product(of)?;
    match fraction::apply(Operation::Mul, left, right)? {
        Some(product) => Ok(product),
        None => unless_vanished(a.mul(b).map(Value::from).ok(), of),
    }
}

/// Of numbers of which none is 0; in OPA the result is not either, however small.
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
        _ => Ok(Value::Undefined),
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
        _ => Ok(Value::Undefined),
    }
}
