//! Writes the bodies of rules in less work for the register machine.
//!
//! An instruction costs the machine tens of nanoseconds whatever it does, and regorus' compiler
//! emits more of them than a body needs: copies of registers, constants that nobody reads, the
//! same member looked up again, and paths whose every key is copied. A body without a loop is a
//! list of steps that each write a register of their own. The same list without what is not
//! needed is appended to the program, and the rule points to it; every other body stays as it is.
//! (A path becomes one step a member, which is more instructions and less work.)
//!
//! Left out is what reads again what cannot have changed (the input, the data, a member of a
//! value, a rule's answer, of which there is one per evaluation), and what writes a register that
//! nobody reads and cannot fail. What the data alone says is looked up here, once: a member of the
//! data becomes a literal, and a condition on one that holds is left out.

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
        .max(data.object_create_params.len());
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

/// Parts of the data that are literals, and which.
#[derive(Default)]
struct Parts(Vec<(Value, u16)>);

impl Parts {
    /// The literal of a value, one for all the bodies that ask for it.
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

/// Whether it is one value, and not only an equal one: equal numbers may be written otherwise.
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

/// A body under way: each step writes the next register.
struct Body<'p> {
    data: &'p Value,
    literals: &'p [Value],
    steps: Vec<Step>,
    /// What the data says, by [`Pure::Known`].
    known: Vec<Value>,
    /// The register that holds now what the given one held before.
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

    /// `None` when nothing has been written to it: then the body is not what it seems.
    fn named(&self, register: u8) -> Option<u8> {
        *self.names.get(usize::from(register))?
    }

    /// From now on `register` is read as `name`. `None` when it was written before.
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
            Pure::Input | Pure::Member(..) | Pure::Index(..) | Pure::Rule(_) => None,
        }
    }

    /// A member of what is known; `None` when that has to be looked up with every order.
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

    /// The register with a value that is known.
    fn know(&mut self, value: Value) -> Option<u8> {
        let at = self.known.iter().position(|known| is_same(known, &value));
        let at = at.unwrap_or_else(|| {
            self.known.push(value);
            self.known.len().saturating_sub(1)
        });
        self.pure(Pure::Known(at))
    }

    /// The register with this value; made, when there is none yet.
    fn pure(&mut self, pure: Pure) -> Option<u8> {
        if let Some(value) = self.member(pure) {
            return self.know(value);
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

    /// Takes one instruction over; `None` when it is none of those known here.
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

/// What a condition takes a value for: anything but `false` and undefined holds.
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
