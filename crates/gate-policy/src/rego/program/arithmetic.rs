//! Lets arithmetic on what is no number be undefined where a body has a loop.
//!
//! On the register machine it ends the body, and so every turn of a loop that was to come:
//! `deny contains "leg" if { some leg in input.order.legs; leg.qty + leg.held > 100 }` would not hold for a second
//! leg when the first has no number. A body without a loop ends either way. Products are calls already
//! (`growth.rs`).

use regorus::rvm::Instruction;
use regorus::rvm::program::Program;
use regorus::unstable::BuiltinFcn;
use regorus::{LimitError, Value};

use super::{add_builtin, bodies, call_instead, is_loop};
use crate::rego::CompileError;
use crate::rego::growth::too_long;

pub(super) fn leave_undefined(program: &mut Program) -> Result<(), CompileError> {
    let add: BuiltinFcn = (|_, _, of, _| Ok(add(of)?), 2);
    let add = add_builtin(program, "+", add)?;
    let sub: BuiltinFcn = (|_, _, of, _| Ok(sub(of)?), 2);
    let sub = add_builtin(program, "-", sub)?;
    let div: BuiltinFcn = (|_, _, of, _| Ok(div(of)?), 2);
    let div = add_builtin(program, "/", div)?;
    let modulo: BuiltinFcn = (|_, _, of, _| Ok(modulo(of)?), 2);
    let modulo = add_builtin(program, "%", modulo)?;
    for rule in 0..program.rule_infos.len() {
        for body in bodies(program, rule) {
            let instructions = program.instructions.get(body.clone()).unwrap_or_default();
            if !instructions.iter().any(is_loop) {
                continue;
            }
            call_instead(program, body, |instruction| match instruction {
                Instruction::Add { dest, left, right } => Some((add, dest, [left, right])),
                Instruction::Sub { dest, left, right } => Some((sub, dest, [left, right])),
                Instruction::Div { dest, left, right } => Some((div, dest, [left, right])),
                Instruction::Mod { dest, left, right } => Some((modulo, dest, [left, right])),
                _ => None,
            })?;
        }
    }
    Ok(())
}

fn add(of: &[Value]) -> Result<Value, LimitError> {
    match of {
        [Value::Number(left), Value::Number(right)] => {
            left.add(right).map(Value::from).map_err(|_| too_long())
        }
        _ => Ok(Value::Undefined),
    }
}

/// Of sets, too.
fn sub(of: &[Value]) -> Result<Value, LimitError> {
    match of {
        [Value::Number(left), Value::Number(right)] => {
            left.sub(right).map(Value::from).map_err(|_| too_long())
        }
        [Value::Set(left), Value::Set(right)] => Ok(left.difference(right).into()),
        _ => Ok(Value::Undefined),
    }
}

fn div(of: &[Value]) -> Result<Value, LimitError> {
    match of {
        [Value::Number(left), Value::Number(right)] if right.as_i128() != Some(0) => {
            let quotient = left.clone().divide(right);
            quotient.map(Value::from).map_err(|_| too_long())
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
