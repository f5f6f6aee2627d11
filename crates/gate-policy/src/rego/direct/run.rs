//! One evaluation: rules, their bodies and the instructions in them.

use std::ops::Not as _;

use regorus::Value;
use regorus::rvm::Instruction;
use regorus::rvm::instructions::{GuardMode, LiteralOrRegister};
use regorus::rvm::program::{Program, RuleInfo, RuleType};

use super::value::{Held, UNDEFINED};
use super::{Direct, Input, order};

/// Registers and answers of rules that a usual evaluation has room for.
const USUAL_REGISTERS: usize = 32;
const USUAL_RULES: usize = 4;
/// Rules that call one another; deeper is the machine's.
const MAX_DEPTH: usize = 64;

/// Why a body ended before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// A condition does not hold, or what is computed cannot be: the next body has its turn.
    Failed,
    /// The machine has to be asked.
    GaveUp,
}

/// How a body ended at its end.
enum End<'a> {
    /// The rule's register has the answer.
    Body,
    Return(Held<'a>),
}

/// One evaluation.
pub(super) struct Run<'a> {
    pub(super) direct: &'a Direct,
    pub(super) program: &'a Program,
    data: &'a Value,
    input: Input<'a>,
    /// Those of the rule that runs, from `base` on; before them those of the rules that called it.
    registers: Vec<Held<'a>>,
    base: usize,
    /// The answers of rules that were called.
    answers: Vec<(u16, Held<'a>)>,
    instructions: usize,
    depth: usize,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        direct: &'a Direct,
        program: &'a Program,
        data: &'a Value,
        input: Input<'a>,
    ) -> Self {
        Self {
            direct,
            program,
            data,
            input,
            registers: Vec::with_capacity(USUAL_REGISTERS),
            base: 0,
            answers: Vec::with_capacity(USUAL_RULES),
            instructions: 0,
            depth: 0,
        }
    }

    pub(super) fn answer(mut self) -> Option<Value> {
        let window = usize::from(self.program.dispatch_window_size).max(1);
        self.registers.resize(window, UNDEFINED);
        match self.body(0).ok()? {
            End::Return(answer) => answer.into_value(),
            End::Body => self.register(0).ok()?.clone().into_value(),
        }
    }

    pub(super) fn register(&self, register: u8) -> Result<&Held<'a>, Stop> {
        let at = self.base.wrapping_add(usize::from(register));
        self.registers.get(at).ok_or(Stop::GaveUp)
    }

    pub(super) fn value(&self, register: u8) -> Result<&Value, Stop> {
        self.register(register)?.value().ok_or(Stop::GaveUp)
    }

    fn set(&mut self, register: u8, held: Held<'a>) -> Result<(), Stop> {
        let at = self.base.wrapping_add(usize::from(register));
        *self.registers.get_mut(at).ok_or(Stop::GaveUp)? = held;
        Ok(())
    }

    fn literal(&self, at: u16) -> Result<&'a Value, Stop> {
        let literals = &self.program.literals;
        literals.get(usize::from(at)).ok_or(Stop::GaveUp)
    }

    /// The answer of a rule, or of a function with operands.
    fn rule(&mut self, rule: u16, operands: Option<&[u8]>) -> Result<Held<'a>, Stop> {
        if operands.is_none()
            && let Some((_, answer)) = self.answers.iter().find(|(known, _)| *known == rule)
        {
            return Ok(answer.clone());
        }
        let program = self.program;
        let info = program.rule_infos.get(usize::from(rule));
        let info = info.ok_or(Stop::GaveUp)?;
        if info.function_info.is_some() != operands.is_some() || self.depth >= MAX_DEPTH {
            return Err(Stop::GaveUp);
        }
        let found = if info.definitions.is_empty() {
            UNDEFINED
        } else {
            self.definitions(rule, info, operands)?
        };
        let answer = if found.is_undefined() {
            self.otherwise(info)?
        } else {
            found
        };
        if operands.is_none() {
            self.answers.push((rule, answer.clone()));
        }
        Ok(answer)
    }

    /// What a rule is that no body gives a value.
    fn otherwise(&self, info: &RuleInfo) -> Result<Held<'a>, Stop> {
        Ok(match (&info.rule_type, info.default_literal_index) {
            (RuleType::PartialSet | RuleType::PartialObject, _) if info.definitions.is_empty() => {
                return Err(Stop::GaveUp);
            }
            (RuleType::PartialSet, _) => Held::Own(Value::new_set()),
            (RuleType::PartialObject, _) => Held::Own(Value::new_object()),
            (RuleType::Complete, Some(literal)) => Held::Borrowed(self.literal(literal)?),
            (RuleType::Complete, None) => UNDEFINED,
        })
    }

    /// The bodies of a rule, in registers of their own.
    fn definitions(
        &mut self,
        rule: u16,
        info: &'a RuleInfo,
        operands: Option<&[u8]>,
    ) -> Result<Held<'a>, Stop> {
        let caller = self.base;
        let base = self.registers.len();
        self.registers.push(UNDEFINED);
        for operand in operands.unwrap_or_default() {
            let operand = self.register(*operand)?.clone();
            self.registers.push(operand);
        }
        self.base = base;
        self.depth = self.depth.wrapping_add(1);
        let answer = self.bodies(rule, info, operands.map(<[u8]>::len));
        self.depth = self.depth.wrapping_sub(1);
        self.base = caller;
        self.registers.truncate(base);
        answer
    }

    fn bodies(
        &mut self,
        rule: u16,
        info: &'a RuleInfo,
        operands: Option<usize>,
    ) -> Result<Held<'a>, Stop> {
        let is_partial = info.rule_type != RuleType::Complete;
        // What the next body finds of the one before: the operands, or what was gathered.
        let kept = match operands {
            Some(count) => count.saturating_add(1),
            None => usize::from(is_partial),
        };
        let width = usize::from(info.num_registers);
        if (is_partial && info.result_reg != 0) || width < kept {
            return Err(Stop::GaveUp);
        }
        let mut answer: Option<Held<'a>> = None;
        'definitions: for (at, bodies) in info.definitions.iter().enumerate() {
            for (body_at, body) in bodies.iter().enumerate() {
                self.registers.truncate(self.base.saturating_add(kept));
                self.registers
                    .resize(self.base.saturating_add(width), UNDEFINED);
                if let Some(Some(start)) = info.destructuring_blocks.get(at) {
                    match self.body(*start) {
                        Ok(_) => {}
                        Err(Stop::Failed) => continue 'definitions,
                        Err(Stop::GaveUp) => return Err(Stop::GaveUp),
                    }
                }
                match self.body_of(rule, *body, info, (at, body_at)) {
                    Ok(()) => {}
                    Err(Stop::Failed) => continue,
                    Err(Stop::GaveUp) => return Err(Stop::GaveUp),
                }
                if !is_partial || operands.is_some() {
                    let found = self.register(info.result_reg)?;
                    if !found.is_undefined() {
                        match &answer {
                            // Two values are an error, or none, and the machine says which.
                            Some(before) if before.value() != found.value() => {
                                return Err(Stop::GaveUp);
                            }
                            Some(_) => {}
                            None => {
                                answer = Some(found.clone());
                                if info.early_exit_on_first_success {
                                    break 'definitions;
                                }
                            }
                        }
                    }
                }
                let next_is_else = || {
                    let is_else = info.else_bodies.get(at)?.get(body_at.checked_add(1)?)?;
                    Some(*is_else)
                };
                if !is_partial || next_is_else().unwrap_or(false) {
                    break;
                }
            }
        }
        match answer {
            Some(answer) => Ok(answer),
            None => self.register(info.result_reg).cloned(),
        }
    }

    /// Runs one body; `at` is its definition's place and its own.
    fn body_of(
        &mut self,
        rule: u16,
        start: u32,
        info: &RuleInfo,
        at: (usize, usize),
    ) -> Result<(), Stop> {
        let first = usize::try_from(start).ok();
        let first = first.and_then(|start| self.program.instructions.get(start));
        // INVARIANT: a body begins with it; what is known of the rule is known here.
        let Some(Instruction::RuleInit {
            result_reg,
            rule_index,
        }) = first
        else {
            return Err(Stop::GaveUp);
        };
        if *rule_index != rule || *result_reg != info.result_reg {
            return Err(Stop::GaveUp);
        }
        match info.rule_type {
            RuleType::Complete => self.set(*result_reg, UNDEFINED)?,
            RuleType::PartialSet if at == (0, 0) => {
                self.set(*result_reg, Held::Own(Value::new_set()))?;
            }
            RuleType::PartialObject if at == (0, 0) => {
                self.set(*result_reg, Held::Own(Value::new_object()))?;
            }
            RuleType::PartialSet | RuleType::PartialObject => {}
        }
        self.count()?;
        self.body(start.checked_add(1).ok_or(Stop::GaveUp)?)?;
        Ok(())
    }

    fn count(&mut self) -> Result<(), Stop> {
        if self.instructions >= self.direct.max_instructions {
            return Err(Stop::GaveUp);
        }
        self.instructions = self.instructions.wrapping_add(1);
        Ok(())
    }

    /// Runs instructions until one of them ends it.
    fn body(&mut self, start: u32) -> Result<End<'a>, Stop> {
        use Instruction as I;
        let start = usize::try_from(start).map_err(|_| Stop::GaveUp)?;
        let program = self.program;
        let instructions = program.instructions.get(start..).unwrap_or_default();
        for instruction in instructions {
            self.count()?;
            match *instruction {
                I::Load { dest, literal_idx } => {
                    let literal = self.literal(literal_idx)?;
                    self.set(dest, Held::Borrowed(literal))?;
                }
                I::LoadTrue { dest } => self.set(dest, true.into())?,
                I::LoadFalse { dest } => self.set(dest, false.into())?,
                I::LoadBool { dest, value } => self.set(dest, value.into())?,
                I::LoadNull { dest } => self.set(dest, Held::Borrowed(&Value::Null))?,
                I::LoadData { dest } => self.set(dest, Held::Borrowed(self.data))?,
                I::LoadInput { dest } => {
                    let input = match self.input {
                        Input::Order(_) => Held::Part(order::Part::Input),
                        Input::Document(document) => Held::Borrowed(document),
                    };
                    self.set(dest, input)?;
                }
                I::Move { dest, src } => {
                    let held = self.register(src)?.clone();
                    self.set(dest, held)?;
                }
                I::Eq { dest, left, right } => self.compare(dest, left, right, |a, b| a == b)?,
                I::Ne { dest, left, right } => self.compare(dest, left, right, |a, b| a != b)?,
                I::Lt { dest, left, right } => self.compare(dest, left, right, |a, b| a < b)?,
                I::Le { dest, left, right } => self.compare(dest, left, right, |a, b| a <= b)?,
                I::Gt { dest, left, right } => self.compare(dest, left, right, |a, b| a > b)?,
                I::Ge { dest, left, right } => self.compare(dest, left, right, |a, b| a >= b)?,
                I::Not { dest, operand } => {
                    let negated = self.register(operand)?.holds().not();
                    self.set(dest, negated.into())?;
                }
                I::AssertEq { left, right } => {
                    let (left, right) = (self.value(left)?, self.value(right)?);
                    passed(*left != Value::Undefined && left == right)?;
                }
                I::Guard { register, mode } => {
                    let held = self.register(register)?;
                    passed(match mode {
                        GuardMode::Not => !held.holds(),
                        GuardMode::Condition => held.holds(),
                        GuardMode::NotUndefined => !held.is_undefined(),
                    })?;
                }
                I::ReturnUndefinedIfNotTrue { condition } => {
                    if *self.value(condition)? != Value::Bool(true) {
                        return Ok(End::Return(UNDEFINED));
                    }
                }
                I::CoalesceUndefinedToNull { register } => {
                    if self.register(register)?.is_undefined() {
                        self.set(register, Held::Borrowed(&Value::Null))?;
                    }
                }
                I::BuiltinCall { params_index } => {
                    let params = program
                        .instruction_data
                        .get_builtin_call_params(params_index);
                    let params = params.ok_or(Stop::GaveUp)?;
                    let answer = self.builtin(params)?;
                    self.set(params.dest, answer)?;
                }
                I::FunctionCall { params_index } => {
                    let params = program
                        .instruction_data
                        .get_function_call_params(params_index);
                    let params = params.ok_or(Stop::GaveUp)?;
                    let operands = Some(params.arg_registers());
                    let answer = self.rule(params.func_rule_index, operands)?;
                    self.set(params.dest, answer)?;
                }
                I::CallRule { dest, rule_index } => {
                    let answer = self.rule(rule_index, None)?;
                    self.set(dest, answer)?;
                }
                I::Return { value } => return Ok(End::Return(self.register(value)?.clone())),
                I::Halt {} => return Ok(End::Return(self.register(0)?.clone())),
                I::RuleReturn {} | I::DestructuringSuccess {} => return Ok(End::Body),
                I::Index {
                    dest,
                    container,
                    key,
                } => {
                    let found = self.member(self.register(container)?, self.value(key)?, None)?;
                    self.set(dest, found)?;
                }
                I::IndexLiteral {
                    dest,
                    container,
                    literal_idx,
                } => {
                    let key = self.literal(literal_idx)?;
                    let found = self.member(self.register(container)?, key, Some(literal_idx))?;
                    self.set(dest, found)?;
                }
                I::ChainedIndex { params_index } => {
                    let params = program
                        .instruction_data
                        .get_chained_index_params(params_index);
                    let params = params.ok_or(Stop::GaveUp)?;
                    let mut found = self.register(params.root)?.clone();
                    for part in &params.path_components {
                        let (key, literal) = match *part {
                            LiteralOrRegister::Literal(at) => (self.literal(at)?, Some(at)),
                            LiteralOrRegister::Register(key) => (self.value(key)?, None),
                        };
                        found = self.member(&found, key, literal)?;
                        if found.is_undefined() {
                            break;
                        }
                    }
                    self.set(params.dest, found)?;
                }
                I::SetNew { dest } => self.set(dest, Held::Own(Value::new_set()))?,
                I::ArrayNew { dest } => self.set(dest, Held::Own(Value::new_array()))?,
                I::SetAdd { set, value } => self.set_add(set, value)?,
                I::ObjectCreate { params_index } => self.object_create(params_index)?,
                I::ArrayCreate { params_index } => self.array_create(params_index)?,
                I::Contains {
                    dest,
                    collection,
                    value,
                } => {
                    let value = self.value(value)?;
                    let is_in = match self.value(collection)? {
                        Value::Set(items) => items.contains(value),
                        Value::Array(items) => items.contains(value),
                        Value::Object(members) => members.values().any(|member| member == value),
                        _ => false,
                    };
                    self.set(dest, is_in.into())?;
                }
                I::Count { dest, collection } => {
                    let count = match self.value(collection)? {
                        Value::Array(items) => Some(items.len()),
                        Value::Object(members) => Some(members.len()),
                        Value::Set(items) => Some(items.len()),
                        _ => None,
                    };
                    let count = count.map_or(UNDEFINED, |count| Held::Own(count.into()));
                    self.set(dest, count)?;
                }
                _ => return Err(Stop::GaveUp),
            }
        }
        Err(Stop::GaveUp)
    }

    fn compare(
        &mut self,
        dest: u8,
        left: u8,
        right: u8,
        holds: impl Fn(&Value, &Value) -> bool,
    ) -> Result<(), Stop> {
        let (left, right) = (self.register(left)?, self.register(right)?);
        let answer = if left.is_undefined() || right.is_undefined() {
            UNDEFINED
        } else {
            match (left.value(), right.value()) {
                (Some(left), Some(right)) => holds(left, right).into(),
                _ => return Err(Stop::GaveUp),
            }
        };
        self.set(dest, answer)
    }

    /// A member of a value; `literal` is the place of the key among the literals.
    fn member(
        &self,
        container: &Held<'a>,
        key: &Value,
        literal: Option<u16>,
    ) -> Result<Held<'a>, Stop> {
        Ok(match (container, self.input) {
            (Held::Borrowed(container), _) => Held::Borrowed(&container[key]),
            (Held::Own(container), _) => Held::Own(container[key].clone()),
            (Held::Part(part), Input::Order(input)) => {
                let member = match literal {
                    Some(at) => self.direct.members.get(usize::from(at)).copied().flatten(),
                    None => order::Member::named(key),
                };
                order::member(input, *part, key, member)
            }
            (Held::Part(_), Input::Document(_)) => return Err(Stop::GaveUp),
        })
    }

    fn set_add(&mut self, set: u8, value: u8) -> Result<(), Stop> {
        let value = self.value(value)?.clone();
        let at = self.base.wrapping_add(usize::from(set));
        let slot = self.registers.get_mut(at).ok_or(Stop::GaveUp)?;
        let Held::Own(set) = slot else {
            return Err(Stop::GaveUp);
        };
        let set = set.as_set_mut().map_err(|_| Stop::GaveUp)?;
        if value != Value::Undefined {
            set.insert(value);
        }
        Ok(())
    }

    fn array_create(&mut self, params_index: u16) -> Result<(), Stop> {
        let data = &self.program.instruction_data;
        let params = data.get_array_create_params(params_index);
        let params = params.ok_or(Stop::GaveUp)?;
        let elements = params.element_registers().iter();
        let elements: Vec<Value> = elements
            .map(|element| self.value(*element).cloned())
            .collect::<Result<_, _>>()?;
        let array = if elements.contains(&Value::Undefined) {
            UNDEFINED
        } else {
            Held::Own(elements.into())
        };
        self.set(params.dest, array)
    }

    fn object_create(&mut self, params_index: u16) -> Result<(), Stop> {
        let data = &self.program.instruction_data;
        let params = data.get_object_create_params(params_index);
        let params = params.ok_or(Stop::GaveUp)?;
        let mut members = Vec::with_capacity(params.field_count());
        for (key, value) in params.literal_key_field_pairs() {
            members.push((self.literal(*key)?, self.value(*value)?));
        }
        for (key, value) in params.field_pairs() {
            members.push((self.value(*key)?, self.value(*value)?));
        }
        let is_undefined =
            |(key, value): &(&Value, &Value)| [*key, *value].contains(&&Value::Undefined);
        let object = if members.iter().any(is_undefined) {
            UNDEFINED
        } else {
            let mut object = self.literal(params.template_literal_idx)?.clone();
            let into = object.as_object_mut().map_err(|_| Stop::GaveUp)?;
            for (key, value) in members {
                into.insert(key.clone(), value.clone());
            }
            Held::Own(object)
        };
        self.set(params.dest, object)
    }
}

const fn passed(condition: bool) -> Result<(), Stop> {
    if condition { Ok(()) } else { Err(Stop::Failed) }
}
