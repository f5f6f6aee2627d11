//! Loads the input and the data before a body's first loop.
//!
//! The compiler loads each of them once per body, where it is first used, and reuses that register
//! from then on. If that is inside a loop, a comprehension or an `every` without an iteration,
//! nothing is loaded, and later uses are undefined:
//! `xs := [x | some x in input.order.xs; data.t[x]]; data.closed` would not hold without any `xs`.

use regorus::rvm::Instruction;
use regorus::rvm::program::Program;

use super::{bodies, insert, is_loop};
use crate::rego::CompileError;

pub(super) fn load_first(program: &mut Program) -> Result<(), CompileError> {
    let mut inserted = Vec::new();
    for rule in 0..program.rule_infos.len() {
        for body in bodies(program, rule) {
            let first = body.start().saturating_add(1);
            let instructions = program.instructions.get(body).unwrap_or_default();
            let after_loop = instructions
                .iter()
                .skip_while(|instruction| !is_loop(instruction));
            let loads = after_loop.filter(|instruction| {
                matches!(
                    instruction,
                    Instruction::LoadInput { .. } | Instruction::LoadData { .. }
                )
            });
            inserted.extend(loads.map(|load| (first, *load)));
        }
    }
    insert(program, inserted)
}
