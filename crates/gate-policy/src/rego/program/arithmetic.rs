//! Replaces arithmetic instructions by calls of ours (`rego/arithmetic.rs`): fractions are computed as in OPA
//! (`fraction.rs`), and an operand that is no number ends the evaluation.
//!
//! The register machine would end the body there, and with it all later iterations:
//! `deny contains "leg" if { some leg in input.order.legs; leg.qty + leg.held > 100 }` would not
//! hold for the second leg when the first has no number.

use regorus::rvm::Instruction as I;
use regorus::rvm::program::Program;
use regorus::unstable::ArithOp;

use super::{add_builtin, call_instead};
use crate::rego::CompileError;
use crate::rego::arithmetic::builtin;

pub(super) fn call_ours(program: &mut Program) -> Result<(), CompileError> {
    let add = add_builtin(program, "+", builtin(&ArithOp::Add))?;
    let sub = add_builtin(program, "-", builtin(&ArithOp::Sub))?;
    let mul = add_builtin(program, "*", builtin(&ArithOp::Mul))?;
    let div = add_builtin(program, "/", builtin(&ArithOp::Div))?;
    let modulo = add_builtin(program, "%", builtin(&ArithOp::Mod))?;
    let all = 0..program.instructions.len();
    call_instead(program, all, |instruction| match instruction {
        I::Add { dest, left, right } => Some((add, dest, [left, right])),
        I::Sub { dest, left, right } => Some((sub, dest, [left, right])),
        I::Mul { dest, left, right } => Some((mul, dest, [left, right])),
        I::Div { dest, left, right } => Some((div, dest, [left, right])),
        I::Mod { dest, left, right } => Some((modulo, dest, [left, right])),
        _ => None,
    })
}
