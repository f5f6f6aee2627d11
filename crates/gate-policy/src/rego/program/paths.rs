//! Reads the data by path, as OPA does.
//!
//! In OPA a reference that begins with `data` is a path of strings: `data.blocked[input.order.x]`
//! finds the member `"1001"` for the number 1001, and `data.list["1"]` the item at index 1. regorus
//! finds neither. An index into a local variable is not part of a path
//! (`t := data.blocked; t[1001]`), nor is one into a rule's value.
//!
//! A number is looked up by its shortest decimal form; OPA uses the form it was written in (`1.0`
//! finds only a member `"1.0"` there).

use std::collections::BTreeSet;

use regorus::Value;
use regorus::rvm::Instruction;
use regorus::rvm::instructions::{ChainedIndexParams, LiteralOrRegister};
use regorus::rvm::program::Program;
use regorus::unstable::BuiltinFcn;

use super::{add_builtin, add_registers, bodies, call, insert, replace};
use crate::rego::{CompileError, PREPARED};

/// `has_prepared`: `data.gate_prepared` is a package's answer, and what is below it a rule's value.
pub(super) fn read_as_paths(program: &mut Program, has_prepared: bool) -> Result<(), CompileError> {
    let member: BuiltinFcn = (|_, _, of, _| Ok(member(of)), 2);
    let member = add_builtin(program, "member on a path", member)?;
    let mut inserted = Vec::new();
    for rule in 0..program.rule_infos.len() {
        let mut registers = None;
        for body in bodies(program, rule) {
            // Registers are reused from body to body.
            let mut data = BTreeSet::new();
            for place in body {
                let path = path(program, place, &mut data);
                let path = path.filter(|path| !(has_prepared && is_prepared(program, path)));
                let Some(path) = path else {
                    continue;
                };
                let (found, key) = match registers {
                    Some(registers) => registers,
                    None => {
                        let found = add_registers(program, rule, 2)?;
                        (found, found.saturating_add(1))
                    }
                };
                registers = Some((found, key));
                let mut steps = steps(program, &path, member, (found, key))?;
                if let Some(last) = steps.pop() {
                    replace(program, place, last);
                }
                inserted.extend(steps.into_iter().map(|step| (place, step)));
            }
        }
    }
    insert(program, inserted)
}

/// The path into the data that the instruction follows, if it has to be looked up step by step.
/// `data` are the registers that hold the data.
fn path(program: &Program, place: usize, data: &mut BTreeSet<u8>) -> Option<ChainedIndexParams> {
    match *program.instructions.get(place)? {
        Instruction::LoadData { dest } => {
            data.insert(dest);
            None
        }
        Instruction::ChainedIndex { params_index } => {
            let params = program
                .instruction_data
                .get_chained_index_params(params_index)?;
            let is_path = data.contains(&params.root) && asks(program, params);
            is_path.then(|| params.clone())
        }
        _ => None,
    }
}

/// Whether a part of the path may be something else than a string, or may be an array index.
fn asks(program: &Program, params: &ChainedIndexParams) -> bool {
    params.path_components.iter().any(|part| match part {
        LiteralOrRegister::Literal(at) => {
            let literal = program.literals.get(usize::from(*at));
            literal.is_none_or(|part| item(part).is_some())
        }
        LiteralOrRegister::Register(_) => true,
    })
}

/// Whether the path begins with `gate_prepared`.
fn is_prepared(program: &Program, params: &ChainedIndexParams) -> bool {
    match params.path_components.first() {
        Some(LiteralOrRegister::Literal(at)) => {
            program.literals.get(usize::from(*at)) == Some(&PREPARED.into())
        }
        _ => false,
    }
}

/// The instructions that follow the path step by step.
fn steps(
    program: &mut Program,
    params: &ChainedIndexParams,
    member: u16,
    (found, key): (u8, u8),
) -> Result<Vec<Instruction>, CompileError> {
    let mut steps = Vec::new();
    let mut container = params.root;
    for (part, left) in params
        .path_components
        .iter()
        .zip((0..params.path_components.len()).rev())
    {
        let dest = if left == 0 { params.dest } else { found };
        let key = match *part {
            LiteralOrRegister::Register(key) => key,
            LiteralOrRegister::Literal(literal_idx) => {
                steps.push(Instruction::Load {
                    dest: key,
                    literal_idx,
                });
                key
            }
        };
        steps.push(call(program, dest, member, &[container, key])?);
        container = found;
    }
    Ok(steps)
}

/// What a part of a path names in an object or an array.
fn member(of: &[Value]) -> Value {
    match of {
        [container @ Value::Object(_), key @ Value::Number(_)] => match text(key) {
            Some(text) => container[&Value::from(text)].clone(),
            None => Value::Undefined,
        },
        [container @ Value::Array(_), key] => match item(key) {
            Some(item) => container[&Value::from(item)].clone(),
            None => Value::Undefined,
        },
        [container, key] => container[key].clone(),
        _ => Value::Undefined,
    }
}

fn text(number: &Value) -> Option<String> {
    let Value::Number(number) = number else {
        return None;
    };
    Some(match number.as_i128() {
        Some(whole) => whole.to_string(),
        None => number.format_decimal(),
    })
}

/// The array index that a part of a path names.
fn item(part: &Value) -> Option<u64> {
    match part {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}
