//! Patches compiled programs where regorus 0.14.1 compiles differently from OPA and only some
//! orders would show it; one flaw per file. Here is what they share: adding a builtin, inserting
//! instructions, appending code.

mod arithmetic;
mod conflict;
mod globals;
mod paths;
mod patterns;

use regorus::Rc;
use regorus::rvm::Instruction;
use regorus::rvm::instructions::{ArrayCreateParams, BuiltinCallParams};
use regorus::rvm::program::{BuiltinInfo, Program};
use regorus::unstable::BuiltinFcn;

use super::CompileError;

pub(super) use conflict::message;

/// The register in which a body leaves the rule's answer.
const RESULT: u8 = 0;

/// Applies all patches.
/// `has_prepared`: whether the data has the answer of the package `gate_prepared`.
pub(super) fn mend(program: &Program, has_prepared: bool) -> Result<Program, CompileError> {
    let mut program = program.clone();
    globals::load_first(&mut program)?;
    arithmetic::call_ours(&mut program)?;
    patterns::take_arrays_alone(&mut program)?;
    paths::read_as_paths(&mut program, has_prepared)?;
    conflict::find(&mut program)?;
    Ok(program)
}

/// The instruction range of each of a rule's bodies, up to the one that returns.
fn bodies(program: &Program, rule: usize) -> Vec<std::ops::RangeInclusive<usize>> {
    let rule = program.rule_infos.get(rule);
    let entries = rule
        .into_iter()
        .flat_map(|rule| rule.definitions.iter().flatten());
    let body = |entry: &u32| {
        let start = usize::try_from(*entry).ok()?;
        let mut rest = program.instructions.iter().skip(start);
        let length =
            rest.position(|instruction| matches!(instruction, Instruction::RuleReturn {}))?;
        Some(start..=start.saturating_add(length))
    };
    entries.filter_map(body).collect()
}

/// Adds `count` registers to a rule; returns the first of them.
fn add_registers(program: &mut Program, rule: usize, count: u8) -> Result<u8, CompileError> {
    let rule = program.rule_infos.get_mut(rule).ok_or_else(too_large)?;
    let first = rule.num_registers;
    rule.num_registers = first.checked_add(count).ok_or_else(too_large)?;
    Ok(first)
}

/// Replaces instructions at these places by a call of a builtin, where `of` returns the builtin,
/// the destination and the operands.
pub(super) fn call_instead<const OPERANDS: usize>(
    program: &mut Program,
    places: impl IntoIterator<Item = usize>,
    of: impl Fn(Instruction) -> Option<(u16, u8, [u8; OPERANDS])>,
) -> Result<(), CompileError> {
    for at in places {
        let found = program.instructions.get(at).copied().and_then(&of);
        if let Some((builtin, dest, operands)) = found {
            let call = call(program, dest, builtin, &operands)?;
            replace(program, at, call);
        }
    }
    Ok(())
}

fn replace(program: &mut Program, at: usize, new: Instruction) {
    if let Some(instruction) = program.instructions.get_mut(at) {
        *instruction = new;
    }
}

/// Whether the instruction begins a loop of any kind.
const fn is_loop(instruction: &Instruction) -> bool {
    matches!(
        instruction,
        Instruction::LoopStart { .. } | Instruction::ComprehensionBegin { .. }
    )
}

/// The instruction that makes an array of registers.
fn array(program: &mut Program, dest: u8, elements: Vec<u8>) -> Result<Instruction, CompileError> {
    let data = &mut program.instruction_data;
    index(data.array_create_params.len())?;
    let params_index = data.add_array_create_params(ArrayCreateParams { dest, elements });
    Ok(Instruction::ArrayCreate { params_index })
}

/// The instruction that calls a builtin.
fn call(
    program: &mut Program,
    dest: u8,
    builtin_index: u16,
    arguments: &[u8],
) -> Result<Instruction, CompileError> {
    let (num_args, args) = given(arguments)?;
    let data = &mut program.instruction_data;
    index(data.builtin_call_params.len())?;
    let params_index = data.add_builtin_call_params(BuiltinCallParams {
        dest,
        builtin_index,
        num_args,
        args,
    });
    Ok(Instruction::BuiltinCall { params_index })
}

/// A call's arguments: their number and registers.
fn given(arguments: &[u8]) -> Result<(u8, [u8; 8]), CompileError> {
    let mut args = [0; 8];
    let given = args.get_mut(..arguments.len()).ok_or_else(too_large)?;
    given.copy_from_slice(arguments);
    let count = u8::try_from(arguments.len()).map_err(|_| too_large())?;
    Ok((count, args))
}

/// Adds a builtin that only instructions can call; returns its index.
pub(super) fn add_builtin(
    program: &mut Program,
    name: &str,
    builtin: BuiltinFcn,
) -> Result<u16, CompileError> {
    let index = index(program.builtin_info_table.len())?;
    program.builtin_info_table.push(BuiltinInfo {
        name: name.to_owned(),
        num_args: builtin.1.into(),
    });
    program.resolved_builtins.push(builtin);
    Ok(index)
}

/// Appends code; returns where it begins.
fn append(program: &mut Program, code: &[Instruction]) -> Result<u32, CompileError> {
    let start = program.instructions.len();
    let end = start.saturating_add(code.len());
    if end > Program::MAX_INSTRUCTIONS {
        return Err(too_large());
    }
    program.instructions.extend_from_slice(code);
    program.instruction_spans.resize(end, None);
    u32::try_from(start).map_err(|_| too_large())
}

/// Inserts each instruction before the one at its place; several at one place keep their order.
/// Jumps to that place then go to the first of them.
fn insert(
    program: &mut Program,
    mut inserted: Vec<(usize, Instruction)>,
) -> Result<(), CompileError> {
    inserted.sort_by_key(|(place, _)| *place);
    let before = program.instructions.len();
    if before.saturating_add(inserted.len()) > Program::MAX_INSTRUCTIONS {
        return Err(too_large());
    }
    let places: Vec<usize> = inserted.iter().map(|(place, _)| *place).collect();
    let moved = |place: usize| {
        let earlier = places.partition_point(|inserted| *inserted < place);
        place.saturating_add(earlier)
    };
    let moved_u16 = |place: &mut u16| {
        *place = u16::try_from(moved(usize::from(*place))).unwrap_or(u16::MAX);
    };
    let moved_u32 = |place: &mut u32| {
        let moved = usize::try_from(*place).map(moved);
        *place = moved
            .ok()
            .and_then(|at| at.try_into().ok())
            .unwrap_or(u32::MAX);
    };

    let old = std::mem::take(&mut program.instructions);
    let mut spans = std::mem::take(&mut program.instruction_spans).into_iter();
    let mut rest = inserted.into_iter().peekable();
    for (place, mut instruction) in old.into_iter().enumerate() {
        while let Some((_, new)) = rest.next_if(|(before, _)| *before == place) {
            program.instructions.push(new);
            program.instruction_spans.push(None);
        }
        if let Instruction::LoopNext {
            body_start,
            loop_end,
        } = &mut instruction
        {
            moved_u16(body_start);
            moved_u16(loop_end);
        }
        program.instructions.push(instruction);
        program.instruction_spans.push(spans.next().flatten());
    }
    for params in &mut program.instruction_data.loop_params {
        moved_u16(&mut params.body_start);
        moved_u16(&mut params.loop_end);
    }
    for params in &mut program.instruction_data.comprehension_begin_params {
        moved_u16(&mut params.body_start);
        moved_u16(&mut params.comprehension_end);
    }
    for place in program.entry_points.values_mut() {
        *place = moved(*place);
    }
    moved_u32(&mut program.main_entry_point);
    for rule in &mut program.rule_infos {
        let mut definitions = rule.definitions.as_ref().clone();
        definitions.iter_mut().flatten().for_each(moved_u32);
        rule.definitions = Rc::new(definitions);
        let blocks = rule.destructuring_blocks.iter_mut();
        blocks.flatten().for_each(moved_u32);
    }
    Ok(())
}

/// Converts to one of the machine's 16-bit indexes.
fn index(place: usize) -> Result<u16, CompileError> {
    u16::try_from(place).map_err(|_| too_large())
}

fn too_large() -> CompileError {
    CompileError::Compile("too many rules, or too much in one, for the register machine".to_owned())
}
