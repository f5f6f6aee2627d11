//! Lets arithmetic on fractions be OPA's (`fraction.rs`), and on what is no number be undefined where a body has a
//! loop.
//!
//! There it ends the body on the register machine, and so every turn of the loop that was to come:
//! `deny contains "leg" if { some leg in input.order.legs; leg.qty + leg.held > 100 }` would not hold for a second
//! leg when the first has no number. A body without a loop ends either way.

use regorus::rvm::Instruction;
use regorus::rvm::program::Program;
use regorus::unstable::ArithOp;

use super::{add_builtin, bodies, call_instead, is_loop};
use crate::rego::CompileError;
use crate::rego::arithmetic::builtin;

pub(super) fn call_ours(program: &mut Program) -> Result<(), CompileError> {
    let add = add_builtin(program, "+", builtin(&ArithOp::Add))?;
    let sub = add_builtin(program, "-", builtin(&ArithOp::Sub))?;
    let mul = add_builtin(program, "*", builtin(&ArithOp::Mul))?;
    let div = add_builtin(program, "/", builtin(&ArithOp::Div))?;
    let all = 0..program.instructions.len();
    call_instead(program, all, |instruction| match instruction {
        Instruction::Add { dest, left, right } => Some((add, dest, [left, right])),
        Instruction::Sub { dest, left, right } => Some((sub, dest, [left, right])),
        Instruction::Mul { dest, left, right } => Some((mul, dest, [left, right])),
        Instruction::Div { dest, left, right } => Some((div, dest, [left, right])),
        _ => None,
    })?;

    // Of whole numbers alone: the machine's own will do without a loop.
    let modulo = add_builtin(program, "%", builtin(&ArithOp::Mod))?;
    for rule in 0..program.rule_infos.len() {
        for body in bodies(program, rule) {
            let instructions = program.instructions.get(body.clone()).unwrap_or_default();
            if !instructions.iter().any(is_loop) {
                continue;
            }
            call_instead(program, body, |instruction| match instruction {
                Instruction::Mod { dest, left, right } => Some((modulo, dest, [left, right])),
                _ => None,
            })?;
        }
    }
    Ok(())
}
