//! Ends an evaluation in which a rule, a function or a key of an object has two values, as OPA
//! does.
//!
//! The register machine of regorus 0.14.1 makes such a rule undefined, so that a `not` of it holds;
//! in a loop, and for a key, it takes the last value. So a rule that may have several values is
//! compiled as a set of its values, and takes the only member of that set. A function has one such
//! set for each of its definitions; an object rule and an object comprehension have a set of
//! `[key, value]`. The interpreter finds every conflict by itself.

use std::collections::BTreeMap;

use regorus::rvm::Instruction;
use regorus::rvm::instructions::{ComprehensionMode, FunctionCallParams};
use regorus::rvm::program::{Program, RuleInfo, RuleType};
use regorus::rvm::vm::{RegoVM, VmError};
use regorus::unstable::BuiltinFcn;
use regorus::{LimitError, Rc, Value};

use super::{
    RESULT, add_builtin, add_registers, append, array, bodies, call, given, index, insert, replace,
    too_large,
};
use crate::rego::CompileError;
use crate::rego::refuse::unlike::first_loop;

/// An error that ends the evaluation, wherever the value is used.
const CONFLICT: LimitError = LimitError::MemoryLimitExceeded { usage: 0, limit: 0 };

const CONFLICT_TEXT: &str = "a rule, a function or a key of an object has two values";

/// The text for [`beyond`](crate::rego::builtins).
const BEYOND_TEXT: &str = "a builtin was asked for what OPA may answer otherwise";

/// The text for [`NO_NUMBER`](crate::rego::arithmetic::NO_NUMBER).
const NO_NUMBER_TEXT: &str = "arithmetic on what is no number (`to_number` makes one of a text)";

/// The message for the error with which the machine ended.
pub(in crate::rego) fn message(error: &VmError, machine: &RegoVM) -> String {
    let text = match error {
        VmError::MemoryLimitExceeded {
            usage: 0, limit: 0, ..
        } => CONFLICT_TEXT,
        VmError::MemoryLimitExceeded {
            usage: u64::MAX,
            limit: 0,
            ..
        } => BEYOND_TEXT,
        VmError::MemoryLimitExceeded {
            usage: 1, limit: 0, ..
        } => NO_NUMBER_TEXT,
        error => return error.to_string(),
    };
    let rule = rule_at(machine.get_program(), machine.get_pc());
    match rule.map(|rule| rule.name.as_str()).unwrap_or_default() {
        "" => text.to_owned(),
        rule => format!("{rule}: {text}"),
    }
}

/// The rule whose body contains the instruction.
fn rule_at(program: &Program, at: usize) -> Option<&RuleInfo> {
    let begins = |rule: &RuleInfo| {
        let entries = rule.definitions.iter().flatten();
        let places = entries.filter_map(|entry| usize::try_from(*entry).ok());
        places.filter(|entry| *entry <= at).max()
    };
    let rules = program.rule_infos.iter();
    rules
        .filter_map(|rule| Some((begins(rule)?, rule)))
        .max_by_key(|(entry, _)| *entry)
        .map(|(_, rule)| rule)
}

/// Makes every conflict an error.
pub(super) fn find(program: &mut Program) -> Result<(), CompileError> {
    let only: BuiltinFcn = (|_, _, sets, _| Ok(only(sets)?), 1);
    let only = add_builtin(program, "only value", only)?;
    let object: BuiltinFcn = (|_, _, sets, _| Ok(object(sets)?), 1);
    let object = add_builtin(program, "object of pairs", object)?;

    let several: Vec<bool> = program
        .rule_infos
        .iter()
        .map(|rule| may_conflict(program, rule))
        .collect();
    let mut inserted = Vec::new();
    for (rule, is_several) in several.iter().enumerate() {
        let mut change = Change {
            inserted: &mut inserted,
            object,
            rule,
            is_several: *is_several,
            pair: None,
            program,
        };
        for place in bodies(change.program, rule).into_iter().flatten() {
            change.instruction(place)?;
        }
    }
    insert(program, inserted)?;
    for (at, is_several) in several.into_iter().enumerate() {
        if is_several {
            collect(program, at, only, object)?;
        }
    }
    Ok(())
}

/// Whether several bodies, or several iterations of one, may each give a value. An `else` gives one
/// only where those before it gave none.
fn may_conflict(program: &Program, rule: &RuleInfo) -> bool {
    let is_alone = |is_else: &Vec<bool>| is_else.iter().skip(1).all(|is_else| *is_else);
    let mut bodies = rule.definitions.iter().flatten();
    rule.rule_type != RuleType::PartialSet
        && !rule.early_exit_on_first_success
        && (rule.definitions.len() > 1
            || !rule.else_bodies.iter().all(is_alone)
            || bodies.any(|body| first_loop(program, *body).is_some()))
}

/// A rule being changed.
struct Change<'p> {
    program: &'p mut Program,
    /// The instructions to insert, each with the place it goes before.
    inserted: &'p mut Vec<(usize, Instruction)>,
    /// The builtin that makes an object of pairs.
    object: u16,
    rule: usize,
    /// Whether the rule collects its values.
    is_several: bool,
    /// A register that nothing else uses.
    pair: Option<u8>,
}

impl Change<'_> {
    fn instruction(&mut self, at: usize) -> Result<(), CompileError> {
        let Some(instruction) = self.program.instructions.get(at).copied() else {
            return Ok(());
        };
        let changed = match instruction {
            Instruction::Move { dest: RESULT, src } if self.is_several => Instruction::SetAdd {
                set: RESULT,
                value: src,
            },
            Instruction::ObjectSet {
                obj: RESULT,
                key,
                value,
            } if self.is_several => Instruction::SetAdd {
                set: RESULT,
                value: self.pair(at, vec![key, value])?,
            },
            Instruction::ComprehensionYield {
                value_reg,
                key_reg: Some(key),
            } => Instruction::ComprehensionYield {
                value_reg: self.pair(at, vec![key, value_reg])?,
                key_reg: None,
            },
            Instruction::ComprehensionBegin { params_index } => {
                self.comprehension(params_index)?;
                instruction
            }
            _ => return Ok(()),
        };
        replace(self.program, at, changed);
        Ok(())
    }

    /// Makes an object comprehension collect pairs, and builds the object where it ends.
    fn comprehension(&mut self, params_index: u16) -> Result<(), CompileError> {
        let all = &mut self.program.instruction_data.comprehension_begin_params;
        let params = all
            .get_mut(usize::from(params_index))
            .ok_or_else(too_large)?;
        if !matches!(params.mode, ComprehensionMode::Object) {
            return Ok(());
        }
        params.mode = ComprehensionMode::Set;
        let (pairs, end) = (params.result_reg, usize::from(params.comprehension_end));
        let sets = self.pair(end, vec![pairs])?;
        let object = call(self.program, pairs, self.object, &[sets])?;
        self.inserted.push((end, object));
        Ok(())
    }

    /// Builds an array before the instruction; returns its register.
    fn pair(&mut self, at: usize, elements: Vec<u8>) -> Result<u8, CompileError> {
        let pair = match self.pair {
            Some(pair) => pair,
            None => add_registers(self.program, self.rule, 1)?,
        };
        self.pair = Some(pair);
        let made = array(self.program, pair, elements)?;
        self.inserted.push((at, made));
        Ok(pair)
    }
}

/// Turns the rule's definitions into sets of values, and computes its value from them with a
/// builtin: `only` or `object`.
fn collect(program: &mut Program, at: usize, only: u16, object: u16) -> Result<(), CompileError> {
    let rule = program.rule_infos.get(at).ok_or_else(too_large)?.clone();
    let judge = match rule.rule_type {
        RuleType::PartialObject => object,
        RuleType::Complete | RuleType::PartialSet => only,
    };
    let part = |from: usize, to: usize| RuleInfo {
        rule_type: RuleType::PartialSet,
        definitions: Rc::new(slice(&rule.definitions, from, to)),
        destructuring_blocks: slice(&rule.destructuring_blocks, from, to),
        else_bodies: slice(&rule.else_bodies, from, to),
        default_literal_index: None,
        ..rule.clone()
    };
    let count = rule.definitions.len();
    let one = |at: usize| part(at, at.saturating_add(1));
    let (arguments, parts): (usize, Vec<RuleInfo>) = match &rule.function_info {
        // The machine compares the results of a function's definitions.
        Some(function) => (function.param_names.len(), (0..count).map(one).collect()),
        None => (0, vec![part(0, count)]),
    };
    let register = |at: usize| u8::try_from(at).map_err(|_| too_large());
    let arguments = (1..=arguments)
        .map(register)
        .collect::<Result<Vec<u8>, _>>()?;
    let mut code = vec![Instruction::RuleInit {
        result_reg: RESULT,
        rule_index: index(at)?,
    }];
    let mut sets = Vec::new();
    for part in parts {
        let rule_index = index(program.rule_infos.len())?;
        program.rule_infos.push(part);
        let dest = register(arguments.len().saturating_add(sets.len()).saturating_add(1))?;
        sets.push(dest);
        code.push(match rule.function_info {
            Some(_) => function_call(program, dest, rule_index, &arguments)?,
            None => Instruction::CallRule { dest, rule_index },
        });
        // Always a set; null here makes the builtin fail instead of leaving the rule without a
        // value.
        code.push(Instruction::CoalesceUndefinedToNull { register: dest });
    }
    let all = register(arguments.len().saturating_add(sets.len()).saturating_add(1))?;
    code.push(array(program, all, sets)?);
    code.push(call(program, RESULT, judge, &[all])?);
    code.push(Instruction::RuleReturn {});
    let entry = append(program, &code)?;
    if let Some(rule) = program.rule_infos.get_mut(at) {
        rule.definitions = Rc::new(vec![vec![entry]]);
        rule.destructuring_blocks = vec![None];
        rule.else_bodies = vec![vec![false]];
        rule.num_registers = all.checked_add(1).ok_or_else(too_large)?;
    }
    Ok(())
}

fn slice<T: Clone>(of: &[T], from: usize, to: usize) -> Vec<T> {
    of.get(from..to.min(of.len())).unwrap_or_default().to_vec()
}

fn function_call(
    program: &mut Program,
    dest: u8,
    func_rule_index: u16,
    arguments: &[u8],
) -> Result<Instruction, CompileError> {
    let (num_args, args) = given(arguments)?;
    let data = &mut program.instruction_data;
    index(data.function_call_params.len())?;
    let params_index = data.add_function_call_params(FunctionCallParams {
        dest,
        func_rule_index,
        num_args,
        args,
    });
    Ok(Instruction::FunctionCall { params_index })
}

/// The members of an array of sets.
fn members(sets: &[Value]) -> Result<Vec<&Value>, LimitError> {
    let [Value::Array(sets)] = sets else {
        return Err(CONFLICT);
    };
    let mut members = Vec::new();
    for set in sets.iter() {
        members.extend(set.as_set().map_err(|_| CONFLICT)?.iter());
    }
    Ok(members)
}

/// The only value in the sets; undefined if they are empty.
fn only(sets: &[Value]) -> Result<Value, LimitError> {
    match members(sets)?.as_slice() {
        [] => Ok(Value::Undefined),
        [first, others @ ..] if others.iter().all(|other| other == first) => Ok((*first).clone()),
        _ => Err(CONFLICT),
    }
}

/// The object made of the `[key, value]` pairs in the sets.
fn object(sets: &[Value]) -> Result<Value, LimitError> {
    let mut object = BTreeMap::new();
    for pair in members(sets)? {
        let Ok([key, value]) = pair.as_array().map(regorus::value::Array::as_slice) else {
            return Err(CONFLICT);
        };
        if let Some(other) = object.insert(key.clone(), value.clone())
            && other != *value
        {
            return Err(CONFLICT);
        }
    }
    Ok(object.into())
}
