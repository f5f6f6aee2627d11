//! Executes the instructions of one body.

use std::ops::Not as _;

use regorus::Value;
use regorus::rvm::Instruction;
use regorus::rvm::instructions::{GuardMode, LiteralOrRegister};

use super::run::{End, Run, Stop};
use super::value::{Datum, UNDEFINED, member_of};
use super::{Input, order};

impl<'a> Run<'a> {
    /// Runs instructions from `start` until one of them ends the body.
    pub(super) fn body(&mut self, start: u32) -> Result<End<'a>, Stop> {
        let start = usize::try_from(start).map_err(|_| Stop::GaveUp)?;
        let ended = self.instructions_from(start, self.program.instructions.len())?;
        ended.ok_or(Stop::GaveUp)
    }

    /// Runs instructions from `start` until one of them ends the body (`Some`), or up to `until`
    /// (`None`).
    pub(super) fn instructions_from(
        &mut self,
        start: usize,
        until: usize,
    ) -> Result<Option<End<'a>>, Stop> {
        use Instruction as I;
        let program = self.program;
        let instructions = program.instructions.get(start..until).unwrap_or_default();
        for instruction in instructions {
            self.count()?;
            match *instruction {
                I::Load { dest, literal_idx } => {
                    let literal = self.literal(literal_idx)?;
                    self.set(dest, Datum::Borrowed(literal))?;
                }
                I::LoadTrue { dest } => self.set(dest, true.into())?,
                I::LoadFalse { dest } => self.set(dest, false.into())?,
                I::LoadBool { dest, value } => self.set(dest, value.into())?,
                I::LoadNull { dest } => self.set(dest, Datum::Borrowed(&Value::Null))?,
                I::LoadData { dest } => self.set(dest, Datum::Borrowed(self.data))?,
                I::LoadInput { dest } => {
                    let input = match self.input {
                        Input::Order(_) => Datum::Part(order::Part::Input),
                        Input::Document(document) => Datum::Borrowed(document),
                    };
                    self.set(dest, input)?;
                }
                I::Move { dest, src } => {
                    let datum = self.register(src)?.clone();
                    self.set(dest, datum)?;
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
                    let datum = self.register(register)?;
                    passed(match mode {
                        GuardMode::Not => !datum.holds(),
                        GuardMode::Condition => datum.holds(),
                        GuardMode::NotUndefined => !datum.is_undefined(),
                    })?;
                }
                I::ReturnUndefinedIfNotTrue { condition } => {
                    if *self.value(condition)? != Value::Bool(true) {
                        return Ok(Some(End::Return(UNDEFINED)));
                    }
                }
                I::CoalesceUndefinedToNull { register } => {
                    if self.register(register)?.is_undefined() {
                        self.set(register, Datum::Borrowed(&Value::Null))?;
                    }
                }
                I::BuiltinCall { params_index } => self.builtin_call(params_index)?,
                I::FunctionCall { params_index } => self.function_call(params_index)?,
                I::CallRule { dest, rule_index } => {
                    let answer = self.rule(rule_index, None)?;
                    self.set(dest, answer)?;
                }
                I::Return { value } => {
                    return Ok(Some(End::Return(self.register(value)?.clone())));
                }
                I::Halt {} => return Ok(Some(End::Return(self.register(0)?.clone()))),
                I::RuleReturn {} | I::DestructuringSuccess {} => return Ok(Some(End::Body)),
                I::LoopStart { params_index } => return self.repeat(params_index, until),
                I::ComprehensionBegin { params_index } => {
                    return self.comprehend(params_index, until);
                }
                I::ComprehensionYield { value_reg, key_reg } => self.collect(value_reg, key_reg)?,
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
                I::ChainedIndex { params_index } => self.chained_index(params_index)?,
                I::SetNew { dest } => self.set(dest, Datum::Own(Value::new_set()))?,
                I::ArrayNew { dest } => self.set(dest, Datum::Own(Value::new_array()))?,
                I::SetAdd { set, value } => self.set_add(set, value)?,
                I::SetCreate { params_index } => self.set_create(params_index)?,
                I::ObjectSet { obj, key, value } => self.object_set(obj, key, value)?,
                I::ObjectCreate { params_index } => self.object_create(params_index)?,
                I::ArrayCreate { params_index } => self.array_create(params_index)?,
                I::Contains {
                    dest,
                    collection,
                    value,
                } => self.contains(dest, collection, value)?,
                I::Count { dest, collection } => self.count_members(dest, collection)?,
                _ => return Err(Stop::GaveUp),
            }
        }
        Ok(None)
    }

    fn builtin_call(&mut self, params: u16) -> Result<(), Stop> {
        let data = &self.program.instruction_data;
        let params = data.get_builtin_call_params(params).ok_or(Stop::GaveUp)?;
        let answer = self.builtin(params)?;
        self.set(params.dest, answer)
    }

    fn function_call(&mut self, params: u16) -> Result<(), Stop> {
        let data = &self.program.instruction_data;
        let params = data.get_function_call_params(params).ok_or(Stop::GaveUp)?;
        let answer = self.rule(params.func_rule_index, Some(params.arg_registers()))?;
        self.set(params.dest, answer)
    }

    fn chained_index(&mut self, params: u16) -> Result<(), Stop> {
        let data = &self.program.instruction_data;
        let params = data.get_chained_index_params(params).ok_or(Stop::GaveUp)?;
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
        self.set(params.dest, found)
    }

    fn contains(&mut self, dest: u8, collection: u8, value: u8) -> Result<(), Stop> {
        let value = self.value(value)?;
        let is_in = match self.value(collection)? {
            Value::Set(items) => items.contains(value),
            Value::Array(items) => items.contains(value),
            Value::Object(members) => members.values().any(|member| member == value),
            _ => false,
        };
        self.set(dest, is_in.into())
    }

    fn count_members(&mut self, dest: u8, collection: u8) -> Result<(), Stop> {
        let count = match self.value(collection)? {
            Value::Array(items) => Some(items.len()),
            Value::Object(members) => Some(members.len()),
            Value::Set(items) => Some(items.len()),
            _ => None,
        };
        let count = count.map_or(UNDEFINED, |count| Datum::Own(count.into()));
        self.set(dest, count)
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

    /// A member of a value; `literal` is the key's index among the literals, if it is one.
    pub(super) fn member(
        &self,
        container: &Datum<'a>,
        key: &Value,
        literal: Option<u16>,
    ) -> Result<Datum<'a>, Stop> {
        Ok(match (container, self.input) {
            (Datum::Borrowed(container), _) => Datum::Borrowed(member_of(container, key)),
            (Datum::Own(container), _) => Datum::Own(container[key].clone()),
            (Datum::Part(part), Input::Order(input)) => {
                let member = match literal {
                    Some(at) => self.direct.members.get(usize::from(at)).copied().flatten(),
                    None => order::Member::named(key),
                };
                order::member(input, *part, key, member)
            }
            (Datum::Part(_), Input::Document(_)) => return Err(Stop::GaveUp),
        })
    }
}

const fn passed(condition: bool) -> Result<(), Stop> {
    if condition { Ok(()) } else { Err(Stop::Failed) }
}
