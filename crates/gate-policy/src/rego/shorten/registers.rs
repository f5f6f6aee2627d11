//! The steps of a body: which registers they read and write, and their instructions.

use regorus::rvm::Instruction;
use regorus::rvm::instructions::{ArrayCreateParams, InstructionData};

/// The register in which a body leaves the rule's answer.
pub(super) const RESULT: u8 = 0;

/// An operation that has the same value throughout an evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pure {
    Literal(u16),
    /// A value that follows from the data, by its index in `Body::known`.
    Known(usize),
    Bool(bool),
    Data,
    Input,
    Member(u8, u16),
    Index(u8, u8),
    /// An array of one element.
    Alone(u8),
    Rule(u16),
}

impl Pure {
    pub(super) fn reads(self) -> Vec<u8> {
        match self {
            Self::Member(of, _) | Self::Alone(of) => vec![of],
            Self::Index(container, key) => vec![container, key],
            Self::Literal(_)
            | Self::Known(_)
            | Self::Bool(_)
            | Self::Data
            | Self::Input
            | Self::Rule(_) => vec![],
        }
    }
}

pub(super) enum What {
    Pure(Pure),
    Other(Instruction),
}

pub(super) struct Step {
    pub(super) what: What,
    /// In operand order.
    pub(super) reads: Vec<u8>,
    pub(super) write: Option<u8>,
}

/// Drops steps whose result no later step reads. Rule calls stay: they may fail.
pub(super) fn read_by_someone(steps: Vec<Step>) -> Vec<Step> {
    let mut kept: Vec<Step> = Vec::new();
    for step in steps.into_iter().rev() {
        let droppable = matches!(step.what, What::Pure(pure) if !matches!(pure, Pure::Rule(_)));
        let is_read = |write| kept.iter().any(|later| later.reads.contains(&write));
        if !droppable || step.write.is_some_and(is_read) {
            kept.push(step);
        }
    }
    kept.reverse();
    kept
}

/// The steps as instructions that reuse registers, and how many registers those need.
pub(super) fn assemble(
    steps: &[Step],
    data: &mut InstructionData,
) -> Option<(Vec<Instruction>, u8)> {
    // Whose value each register holds; the first is the result's and is never free.
    let mut slots: Vec<Option<u8>> = vec![Some(RESULT)];
    let mut instructions = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        let place = |read: &u8| slots.iter().position(|slot| *slot == Some(*read));
        let reads: Option<Vec<u8>> = step
            .reads
            .iter()
            .map(|read| u8::try_from(place(read)?).ok())
            .collect();
        // A register that no later step reads is free, for this step's result already.
        let later = steps.get(at.saturating_add(1)..).unwrap_or_default();
        for slot in slots.iter_mut().skip(1) {
            slot.take_if(|value| !later.iter().any(|step| step.reads.contains(value)));
        }
        let write = match step.write {
            Some(RESULT) | None => step.write,
            Some(_) => {
                let free = slots
                    .iter()
                    .position(Option::is_none)
                    .unwrap_or(slots.len());
                if free == slots.len() {
                    slots.push(None);
                }
                *slots.get_mut(free)? = step.write;
                Some(u8::try_from(free).ok()?)
            }
        };
        instructions.push(instruction(&step.what, &reads?, write, data)?);
    }
    Some((instructions, u8::try_from(slots.len()).ok()?))
}

/// The registers that an instruction reads and the one it writes; `None` if it is not supported.
pub(super) fn registers(
    instruction: Instruction,
    data: &InstructionData,
) -> Option<(Vec<u8>, Option<u8>)> {
    use Instruction as I;
    Some(match instruction {
        I::Move { dest, src } => (vec![src], Some(dest)),
        I::Add { dest, left, right }
        | I::Sub { dest, left, right }
        | I::Mul { dest, left, right }
        | I::Div { dest, left, right }
        | I::Mod { dest, left, right }
        | I::Eq { dest, left, right }
        | I::Ne { dest, left, right }
        | I::Lt { dest, left, right }
        | I::Le { dest, left, right }
        | I::Gt { dest, left, right }
        | I::Ge { dest, left, right }
        | I::And { dest, left, right }
        | I::Or { dest, left, right } => (vec![left, right], Some(dest)),
        I::Contains {
            dest,
            collection,
            value,
        } => (vec![collection, value], Some(dest)),
        I::Not { dest, operand } => (vec![operand], Some(dest)),
        I::AssertEq { left, right } => (vec![left, right], None),
        I::Guard { register, .. } => (vec![register], None),
        I::SetAdd { set: RESULT, value } => (vec![value], Some(RESULT)),
        I::BuiltinCall { params_index } => {
            let params = data.get_builtin_call_params(params_index)?;
            (params.arg_registers().to_vec(), Some(params.dest))
        }
        I::ObjectCreate { params_index } => {
            let params = data.get_object_create_params(params_index)?;
            let literal = params.literal_key_fields.iter().map(|(_, value)| *value);
            let others = params.fields.iter().flat_map(|(key, value)| [*key, *value]);
            (literal.chain(others).collect(), Some(params.dest))
        }
        _ => return None,
    })
}

fn instruction(
    what: &What,
    reads: &[u8],
    write: Option<u8>,
    data: &mut InstructionData,
) -> Option<Instruction> {
    use Instruction as I;
    let read = |at: usize| reads.get(at).copied();
    let instruction = match what {
        What::Pure(pure) => {
            let dest = write?;
            return Some(match *pure {
                Pure::Literal(literal_idx) => I::Load { dest, literal_idx },
                // `shorten` has made these literals.
                Pure::Known(_) => return None,
                Pure::Bool(value) => I::LoadBool { dest, value },
                Pure::Data => I::LoadData { dest },
                Pure::Input => I::LoadInput { dest },
                Pure::Member(_, literal_idx) => I::IndexLiteral {
                    dest,
                    container: read(0)?,
                    literal_idx,
                },
                Pure::Index(..) => I::Index {
                    dest,
                    container: read(0)?,
                    key: read(1)?,
                },
                Pure::Alone(_) => {
                    let elements = vec![read(0)?];
                    let params = ArrayCreateParams { dest, elements };
                    let params_index = data.add_array_create_params(params);
                    I::ArrayCreate { params_index }
                }
                Pure::Rule(rule_index) => I::CallRule { dest, rule_index },
            });
        }
        What::Other(instruction) => *instruction,
    };
    if let I::Guard { mode, .. } = instruction {
        let register = read(0)?;
        return Some(I::Guard { register, mode });
    }
    if let I::AssertEq { .. } = instruction {
        let (left, right) = (read(0)?, read(1)?);
        return Some(I::AssertEq { left, right });
    }
    let dest = write?;
    Some(match instruction {
        I::Move { .. } => I::Move {
            dest,
            src: read(0)?,
        },
        I::Not { .. } => I::Not {
            dest,
            operand: read(0)?,
        },
        I::SetAdd { .. } => I::SetAdd {
            set: dest,
            value: read(0)?,
        },
        I::BuiltinCall { params_index } => {
            let mut params = data.get_builtin_call_params(params_index)?.clone();
            params.dest = dest;
            params.args.get_mut(..reads.len())?.copy_from_slice(reads);
            I::BuiltinCall {
                params_index: data.add_builtin_call_params(params),
            }
        }
        I::ObjectCreate { params_index } => {
            let mut params = data.get_object_create_params(params_index)?.clone();
            params.dest = dest;
            let mut reads = reads.iter().copied();
            for (_, value) in &mut params.literal_key_fields {
                *value = reads.next()?;
            }
            for (key, value) in &mut params.fields {
                (*key, *value) = (reads.next()?, reads.next()?);
            }
            I::ObjectCreate {
                params_index: data.add_object_create_params(params),
            }
        }
        _ => {
            let (left, right) = (read(0)?, read(1)?);
            match instruction {
                I::Add { .. } => I::Add { dest, left, right },
                I::Sub { .. } => I::Sub { dest, left, right },
                I::Mul { .. } => I::Mul { dest, left, right },
                I::Div { .. } => I::Div { dest, left, right },
                I::Mod { .. } => I::Mod { dest, left, right },
                I::Eq { .. } => I::Eq { dest, left, right },
                I::Ne { .. } => I::Ne { dest, left, right },
                I::Lt { .. } => I::Lt { dest, left, right },
                I::Le { .. } => I::Le { dest, left, right },
                I::Gt { .. } => I::Gt { dest, left, right },
                I::Ge { .. } => I::Ge { dest, left, right },
                I::And { .. } => I::And { dest, left, right },
                I::Or { .. } => I::Or { dest, left, right },
                I::Contains { .. } => I::Contains {
                    dest,
                    collection: left,
                    value: right,
                },
                _ => return None,
            }
        }
    })
}
