//! Shortens rule bodies for the register machine.
//!
//! An instruction costs the machine tens of nanoseconds whatever it does, and regorus' compiler
//! emits more than a body needs: register copies, constants that nobody reads, repeated lookups of
//! a member, and paths whose every key is copied. A body without a loop is a list of steps that
//! each write a register of their own. That list without the needless steps is appended to the
//! program, and the rule points to it; every other body stays. (A path becomes one step per member,
//! which is more instructions and less work.)
//!
//! Dropped are repeated reads of what cannot have changed (the input, the data, a member, a rule's
//! value, of which there is one per evaluation), and writes that nobody reads and that cannot fail.
//! What follows from the data alone is computed here, once: a member of the data becomes a literal,
//! and a condition on one that holds is dropped.

mod registers;

use regorus::rvm::Instruction;
use regorus::rvm::instructions::{GuardMode, InstructionData, LiteralOrRegister};
use regorus::rvm::program::Program;
use regorus::{Rc, Value};

use registers::{Pure, RESULT, Step, What};

/// Shortens every body that it can, for a program that runs over this data and no other.
pub(super) fn shorten(program: &mut Program, data: &Value) {
    let mut parts = Parts::default();
    for at in 0..program.rule_infos.len() {
        let Some(rule) = program.rule_infos.get(at) else {
            continue;
        };
        // A function finds its arguments in registers.
        if rule.function_info.is_some() || rule.result_reg != RESULT {
            continue;
        }
        let mut definitions = rule.definitions.as_ref().clone();
        let (before, mut needed) = (rule.num_registers, 1);
        for entry in definitions.iter_mut().flatten() {
            needed = needed.max(match append(program, data, &mut parts, entry) {
                Some(registers) => registers,
                None => before,
            });
        }
        if let Some(rule) = program.rule_infos.get_mut(at) {
            rule.definitions = Rc::new(definitions);
            rule.num_registers = needed;
        }
    }
}

/// Appends a shorter form of the body at `entry`, lets `entry` point to it, and says how many
/// registers it needs. `None`: the body stays.
fn append(program: &mut Program, data: &Value, parts: &mut Parts, entry: &mut u32) -> Option<u8> {
    let (shorter, registers) = shorter(program, data, parts, *entry)?;
    let data = &program.instruction_data;
    let params = data
        .builtin_call_params
        .len()
        .max(data.object_create_params.len())
        .max(data.array_create_params.len());
    // Their indexes are of 16 bits.
    if params > usize::from(u16::MAX) {
        return None;
    }
    let start = program.instructions.len();
    if start.saturating_add(shorter.len()) > Program::MAX_INSTRUCTIONS {
        return None;
    }
    *entry = u32::try_from(start).ok()?;
    program.instructions.extend(shorter);
    Some(registers)
}

fn shorter(
    program: &mut Program,
    data: &Value,
    parts: &mut Parts,
    entry: u32,
) -> Option<(Vec<Instruction>, u8)> {
    let from = usize::try_from(entry).ok()?;
    let mut instructions = program.instructions.get(from..)?.iter().copied();
    let init @ Instruction::RuleInit {
        result_reg: RESULT, ..
    } = instructions.next()?
    else {
        return None;
    };
    let mut body = Body::new(data, &program.literals);
    loop {
        match instructions.next()? {
            Instruction::RuleReturn {} => break,
            instruction => body.take(instruction, &program.instruction_data)?,
        }
    }
    let mut steps = registers::read_by_someone(body.steps);
    let known = body.known;
    for step in &mut steps {
        if let What::Pure(Pure::Known(at)) = step.what {
            let literal = parts.literal(&mut program.literals, known.get(at)?)?;
            step.what = What::Pure(Pure::Literal(literal));
        }
    }
    let (mut shorter, registers) = registers::assemble(&steps, &mut program.instruction_data)?;
    shorter.insert(0, init);
    shorter.push(Instruction::RuleReturn {});
    Some((shorter, registers))
}

/// Parts of the data that became literals, with the index of each.
#[derive(Default)]
struct Parts(Vec<(Value, u16)>);

impl Parts {
    /// The index of a value's literal, shared by all bodies that use it.
    fn literal(&mut self, literals: &mut Vec<Value>, value: &Value) -> Option<u16> {
        if let Some((_, at)) = self.0.iter().find(|(known, _)| is_same(known, value)) {
            return Some(*at);
        }
        let at = u16::try_from(literals.len()).ok()?;
        literals.push(value.clone());
        self.0.push((value.clone(), at));
        Some(at)
    }
}

/// Whether the two are the same, and not only equal: equal numbers may be written differently.
fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => Rc::ptr_eq(a, b),
        (Value::Array(a), Value::Array(b)) => Rc::ptr_eq(a, b),
        (Value::Set(a), Value::Set(b)) => Rc::ptr_eq(a, b),
        (Value::String(a), Value::String(b)) => a == b,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Null, Value::Null) | (Value::Undefined, Value::Undefined) => true,
        _ => false,
    }
}

/// A body being shortened: each step writes the next register.
struct Body<'p> {
    data: &'p Value,
    literals: &'p [Value],
    steps: Vec<Step>,
    /// Values that follow from the data, by [`Pure::Known`].
    known: Vec<Value>,
    /// For each original register, the new one that holds its value.
    names: [Option<u8>; 256],
    last: u8,
}

impl<'p> Body<'p> {
    const fn new(data: &'p Value, literals: &'p [Value]) -> Self {
        Self {
            data,
            literals,
            steps: Vec::new(),
            known: Vec::new(),
            names: [None; 256],
            last: RESULT,
        }
    }

    fn fresh(&mut self) -> Option<u8> {
        self.last = self.last.checked_add(1)?;
        Some(self.last)
    }

    /// The new register for an original one. `None` if it was never written: the body is not one
    /// that can be shortened.
    fn named(&self, register: u8) -> Option<u8> {
        *self.names.get(usize::from(register))?
    }

    /// Maps the original `register` to `name`. `None` when it was written before.
    fn name(&mut self, register: u8, name: u8) -> Option<()> {
        let slot = self.names.get_mut(usize::from(register))?;
        if register == RESULT || slot.is_some() {
            return None;
        }
        *slot = Some(name);
        Some(())
    }

    /// The value of a register, where the data and the literals alone say what it is.
    fn known(&self, register: u8) -> Option<Value> {
        let wrote = self
            .steps
            .iter()
            .find(|step| step.write == Some(register))?;
        let What::Pure(pure) = wrote.what else {
            return None;
        };
        match pure {
            Pure::Literal(at) => self.literals.get(usize::from(at)).cloned(),
            Pure::Known(at) => self.known.get(at).cloned(),
            Pure::Bool(value) => Some(value.into()),
            Pure::Data => Some(self.data.clone()),
            Pure::Input | Pure::Member(..) | Pure::Index(..) | Pure::Alone(_) | Pure::Rule(_) => {
                None
            }
        }
    }

    /// A member of a known value; `None` if it has to be looked up for every order.
    fn member(&self, pure: Pure) -> Option<Value> {
        match pure {
            Pure::Member(container, key) => {
                let key = self.literals.get(usize::from(key))?;
                Some(self.known(container)?[key].clone())
            }
            Pure::Index(container, key) => Some(self.known(container)?[&self.known(key)?].clone()),
            _ => None,
        }
    }

    /// The register that holds `[x][0]`, which stands for `x` where that is an index
    /// (`rewrite/negate.rs`). Both are undefined where `x` is.
    fn only_element(&self, pure: Pure) -> Option<u8> {
        let Pure::Member(array, key) = pure else {
            return None;
        };
        let is_first = self.literals.get(usize::from(key)) == Some(&Value::from(0_u64));
        let wrote = self.steps.iter().find(|step| step.write == Some(array))?;
        match wrote.what {
            What::Pure(Pure::Alone(element)) if is_first => Some(element),
            _ => None,
        }
    }

    /// The register that holds a known value.
    fn know(&mut self, value: Value) -> Option<u8> {
        let at = self.known.iter().position(|known| is_same(known, &value));
        let at = at.unwrap_or_else(|| {
            self.known.push(value);
            self.known.len().saturating_sub(1)
        });
        self.pure(Pure::Known(at))
    }

    /// The register that holds this value; adds a step if there is none yet.
    fn pure(&mut self, pure: Pure) -> Option<u8> {
        if let Some(value) = self.member(pure) {
            return self.know(value);
        }
        if let Some(element) = self.only_element(pure) {
            return Some(element);
        }
        let is_it = |step: &&Step| matches!(&step.what, What::Pure(other) if *other == pure);
        if let Some(step) = self.steps.iter().find(is_it) {
            return step.write;
        }
        let write = Some(self.fresh()?);
        self.steps.push(Step {
            reads: pure.reads(),
            what: What::Pure(pure),
            write,
        });
        write
    }

    /// Takes over one instruction; `None` if it is not supported.
    fn take(&mut self, instruction: Instruction, data: &InstructionData) -> Option<()> {
        use Instruction as I;
        let (dest, pure) = match instruction {
            I::Move { dest, src } if dest != RESULT => {
                let src = self.named(src)?;
                return self.name(dest, src);
            }
            I::ChainedIndex { params_index } => {
                let params = data.get_chained_index_params(params_index)?;
                let mut found = self.named(params.root)?;
                for component in &params.path_components {
                    let next = match *component {
                        LiteralOrRegister::Literal(key) => Pure::Member(found, key),
                        LiteralOrRegister::Register(key) => Pure::Index(found, self.named(key)?),
                    };
                    found = self.pure(next)?;
                }
                return self.name(params.dest, found);
            }
            I::Load { dest, literal_idx } => (dest, Pure::Literal(literal_idx)),
            I::LoadBool { dest, value } => (dest, Pure::Bool(value)),
            I::LoadData { dest } => (dest, Pure::Data),
            I::LoadInput { dest } => (dest, Pure::Input),
            I::IndexLiteral {
                dest,
                container,
                literal_idx,
            } => (dest, Pure::Member(self.named(container)?, literal_idx)),
            I::Index {
                dest,
                container,
                key,
            } => (dest, Pure::Index(self.named(container)?, self.named(key)?)),
            I::ArrayCreate { params_index } => {
                let params = data.get_array_create_params(params_index)?;
                let [element] = *params.element_registers() else {
                    return None;
                };
                (params.dest, Pure::Alone(self.named(element)?))
            }
            I::CallRule { dest, rule_index } => (dest, Pure::Rule(rule_index)),
            I::Not { dest, operand } if dest != RESULT => match self.known(self.named(operand)?) {
                Some(operand) => (dest, Pure::Bool(!holds(&operand))),
                None => return self.other(instruction, data),
            },
            I::Guard { register, mode } => {
                let known = self.known(self.named(register)?);
                return match known {
                    Some(known) if passes(&known, mode) => Some(()),
                    _ => self.other(instruction, data),
                };
            }
            _ => return self.other(instruction, data),
        };
        let register = self.pure(pure)?;
        self.name(dest, register)
    }

    fn other(&mut self, instruction: Instruction, data: &InstructionData) -> Option<()> {
        let (reads, write) = registers::registers(instruction, data)?;
        let reads: Option<Vec<u8>> = reads.into_iter().map(|read| self.named(read)).collect();
        let write = match write {
            Some(RESULT) | None => write,
            Some(dest) => {
                let register = self.fresh()?;
                self.name(dest, register)?;
                Some(register)
            }
        };
        self.steps.push(Step {
            what: What::Other(instruction),
            reads: reads?,
            write,
        });
        Some(())
    }
}

/// Whether a condition on the value holds: it does for anything but `false` and undefined.
pub(super) const fn holds(value: &Value) -> bool {
    !matches!(value, Value::Undefined | Value::Bool(false))
}

const fn passes(value: &Value, mode: GuardMode) -> bool {
    match mode {
        GuardMode::Not => !holds(value),
        GuardMode::Condition => holds(value),
        GuardMode::NotUndefined => !matches!(value, Value::Undefined),
    }
}

#[cfg(test)]
mod tests;
