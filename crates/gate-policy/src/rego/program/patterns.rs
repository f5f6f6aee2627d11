//! Makes array patterns match arrays only.
//!
//! The register machine compares lengths and then looks up the items: `[a, b] := input.order.x`
//! holds for an object of two members, and `f([])` for anything empty. Nothing else uses the length
//! instruction, so here it is defined for arrays only.

use regorus::Value;
use regorus::rvm::Instruction;
use regorus::rvm::program::Program;
use regorus::unstable::BuiltinFcn;

use super::{add_builtin, call_instead};
use crate::rego::CompileError;

pub(super) fn take_arrays_alone(program: &mut Program) -> Result<(), CompileError> {
    let length: BuiltinFcn = (|_, _, value, _| Ok(length(value)), 1);
    let length = add_builtin(program, "length of an array", length)?;
    let all = 0..program.instructions.len();
    call_instead(program, all, |instruction| match instruction {
        Instruction::Count { dest, collection } => Some((length, dest, [collection])),
        _ => None,
    })
}

fn length(value: &[Value]) -> Value {
    match value {
        [Value::Array(items)] => items.len().into(),
        _ => Value::Undefined,
    }
}
