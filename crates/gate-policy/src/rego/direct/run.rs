//! One evaluation: its registers, the rules it calls, and its limits.

use std::time::Duration;

use regorus::Value;
use regorus::rvm::Instruction;
use regorus::rvm::program::{Program, RuleInfo, RuleType};
use regorus::utils::limits::{ExecutionTimer, monotonic_now};

use super::super::machine::TIME_CHECK_INTERVAL;
use super::value::{Datum, UNDEFINED};
use super::{Direct, Input};

/// Initial capacity for registers and rules' answers: enough for a usual evaluation.
const USUAL_REGISTERS: usize = 32;
const USUAL_RULES: usize = 4;
/// Depth of calls from rule to rule, of loops and of comprehensions; anything deeper is left to the machine.
const MAX_DEPTH: usize = 64;

/// Why a body did not end normally. One word, as [`Datum`]'s tag is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Stop {
    /// A condition does not hold, or a value cannot be computed: the next body is tried.
    Failed,
    /// The machine must evaluate it.
    GaveUp,
    /// The time limit is exceeded.
    OutOfTime,
}

/// How a body ended normally.
pub(super) enum End<'a> {
    /// The rule's register has the answer.
    Body,
    Return(Datum<'a>),
}

/// One evaluation.
pub(super) struct Run<'a> {
    pub(super) direct: &'a Direct,
    pub(super) program: &'a Program,
    pub(super) data: &'a Value,
    pub(super) input: Input<'a>,
    /// Those of the running rule, from `base` on; before them those of its callers.
    registers: Vec<Datum<'a>>,
    base: usize,
    /// Answers of rules called before; functions are not kept.
    answers: Vec<(u16, Datum<'a>)>,
    instructions: usize,
    /// Number of instructions at which the limits are checked next.
    until: usize,
    timer: Option<ExecutionTimer>,
    depth: usize,
    /// The register of the innermost comprehension's result.
    pub(super) collects_in: Option<u8>,
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
            until: until(direct, 0),
            timer: None,
            depth: 0,
            collects_in: None,
        }
    }

    pub(super) fn answer(&mut self) -> Result<Value, Stop> {
        let window = usize::from(self.program.dispatch_window_size).max(1);
        self.registers.resize(window, UNDEFINED);
        let answer = match self.body(0)? {
            End::Return(answer) => answer,
            End::Body => self.register(0)?.clone(),
        };
        answer.into_value().ok_or(Stop::GaveUp)
    }

    pub(super) fn register(&self, register: u8) -> Result<&Datum<'a>, Stop> {
        let at = self.base.wrapping_add(usize::from(register));
        self.registers.get(at).ok_or(Stop::GaveUp)
    }

    pub(super) fn value(&self, register: u8) -> Result<&Value, Stop> {
        self.register(register)?.value().ok_or(Stop::GaveUp)
    }

    pub(super) fn slot(&mut self, register: u8) -> Result<&mut Datum<'a>, Stop> {
        let at = self.base.wrapping_add(usize::from(register));
        self.registers.get_mut(at).ok_or(Stop::GaveUp)
    }

    pub(super) fn set(&mut self, register: u8, datum: Datum<'a>) -> Result<(), Stop> {
        *self.slot(register)? = datum;
        Ok(())
    }

    pub(super) fn literal(&self, at: u16) -> Result<&'a Value, Stop> {
        let literals = &self.program.literals;
        literals.get(usize::from(at)).ok_or(Stop::GaveUp)
    }

    /// The answer of a rule, or of a function with these operands.
    pub(super) fn rule(&mut self, rule: u16, operands: Option<&[u8]>) -> Result<Datum<'a>, Stop> {
        if operands.is_none()
            && let Some((_, answer)) = self.answers.iter().find(|(known, _)| *known == rule)
        {
            return Ok(answer.clone());
        }
        let program = self.program;
        let info = program.rule_infos.get(usize::from(rule));
        let info = info.ok_or(Stop::GaveUp)?;
        if info.function_info.is_some() != operands.is_some() {
            return Err(Stop::GaveUp);
        }
        let found = if info.definitions.is_empty() {
            UNDEFINED
        } else {
            self.definitions(info, operands)?
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

    /// A rule's value when no body gives one.
    fn otherwise(&self, info: &RuleInfo) -> Result<Datum<'a>, Stop> {
        Ok(match (&info.rule_type, info.default_literal_index) {
            (RuleType::PartialSet | RuleType::PartialObject, _) if info.definitions.is_empty() => {
                return Err(Stop::GaveUp);
            }
            (RuleType::PartialSet, _) => Datum::Own(Value::new_set()),
            (RuleType::PartialObject, _) => Datum::Own(Value::new_object()),
            (RuleType::Complete, Some(literal)) => Datum::Borrowed(self.literal(literal)?),
            (RuleType::Complete, None) => UNDEFINED,
        })
    }

    /// Runs a rule's definitions in registers of their own.
    fn definitions(
        &mut self,
        info: &'a RuleInfo,
        operands: Option<&[u8]>,
    ) -> Result<Datum<'a>, Stop> {
        let caller = self.base;
        let base = self.registers.len();
        self.registers.push(UNDEFINED);
        for operand in operands.unwrap_or_default() {
            let operand = self.register(*operand)?.clone();
            self.registers.push(operand);
        }
        self.base = base;
        let answer = self.deeper(|run| run.bodies(info, operands.map(<[u8]>::len)));
        self.base = caller;
        self.registers.truncate(base);
        answer
    }

    /// Runs what is one rule, loop or comprehension deeper.
    pub(super) fn deeper<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        if self.depth >= MAX_DEPTH {
            return Err(Stop::GaveUp);
        }
        self.depth = self.depth.wrapping_add(1);
        let outcome = inner(self);
        self.depth = self.depth.wrapping_sub(1);
        outcome
    }

    fn bodies(&mut self, info: &'a RuleInfo, operands: Option<usize>) -> Result<Datum<'a>, Stop> {
        let is_partial = info.rule_type != RuleType::Complete;
        // Registers that stay for the next body: the operands, or the set or object gathered so
        // far.
        let kept = match operands {
            Some(count) => count.saturating_add(1),
            None => usize::from(is_partial),
        };
        let width = usize::from(info.num_registers);
        if (is_partial && info.result_reg != 0) || width < kept {
            return Err(Stop::GaveUp);
        }
        let mut answer: Option<Datum<'a>> = None;
        'definitions: for (at, bodies) in info.definitions.iter().enumerate() {
            for (body_at, body) in bodies.iter().enumerate() {
                self.registers.truncate(self.base.saturating_add(kept));
                self.registers
                    .resize(self.base.saturating_add(width), UNDEFINED);
                if let Some(Some(start)) = info.destructuring_blocks.get(at) {
                    match self.body(*start) {
                        Ok(_) => {}
                        Err(Stop::Failed) => continue 'definitions,
                        Err(stop) => return Err(stop),
                    }
                }
                match self.body_of(*body, info, (at, body_at)) {
                    Ok(()) => {}
                    Err(Stop::Failed) => continue,
                    Err(stop) => return Err(stop),
                }
                if !is_partial || operands.is_some() {
                    let found = self.register(info.result_reg)?;
                    if !found.is_undefined() {
                        match (answer.as_ref().map(Datum::value), found.value()) {
                            (Some(Some(before)), Some(found)) if before == found => {}
                            // Two values are an error or undefined; the machine says which.
                            (Some(_), _) => return Err(Stop::GaveUp),
                            (None, _) => {
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

    /// Runs one body; `at` is (its definition's index, its own).
    fn body_of(&mut self, start: u32, info: &RuleInfo, at: (usize, usize)) -> Result<(), Stop> {
        let first = usize::try_from(start).ok();
        let first = first.and_then(|start| self.program.instructions.get(start));
        // INVARIANT: a body begins with `RuleInit`, which says no more than `info` does. (Its number
        // is of the rule that the body was compiled for: of one that collects its values, another;
        // the machine does not look at it.)
        let Some(Instruction::RuleInit { result_reg, .. }) = first else {
            return Err(Stop::GaveUp);
        };
        if *result_reg != info.result_reg {
            return Err(Stop::GaveUp);
        }
        match info.rule_type {
            RuleType::Complete => self.set(*result_reg, UNDEFINED)?,
            RuleType::PartialSet if at == (0, 0) => {
                self.set(*result_reg, Datum::Own(Value::new_set()))?;
            }
            RuleType::PartialObject if at == (0, 0) => {
                self.set(*result_reg, Datum::Own(Value::new_object()))?;
            }
            RuleType::PartialSet | RuleType::PartialObject => {}
        }
        self.count()?;
        self.body(start.checked_add(1).ok_or(Stop::GaveUp)?)?;
        Ok(())
    }

    pub(super) fn count(&mut self) -> Result<(), Stop> {
        if self.instructions >= self.until {
            self.look()?;
        }
        self.instructions = self.instructions.wrapping_add(1);
        Ok(())
    }

    /// The time since the clock was first read.
    pub(super) fn spent(&self) -> Duration {
        let elapsed = self.timer.as_ref().zip(monotonic_now());
        let elapsed = elapsed.and_then(|(timer, now)| timer.elapsed(now));
        elapsed.unwrap_or_default()
    }

    /// Checks the limits of instructions and time. The clock is first read here, and the time
    /// counts from then on: most evaluations end before.
    #[cold]
    fn look(&mut self) -> Result<(), Stop> {
        let limits = self.direct.limits;
        if self.instructions >= limits.max_instructions {
            return Err(Stop::GaveUp);
        }
        let now = monotonic_now().unwrap_or_default();
        let timer = self.timer.get_or_insert_with(|| {
            let mut timer = ExecutionTimer::new(Some(limits.timer()));
            timer.start(now);
            timer
        });
        timer.check_now(now).map_err(|_| Stop::OutOfTime)?;
        self.until = until(self.direct, self.instructions);
        Ok(())
    }
}

/// Number of instructions at which to check the limits, when so many have run.
fn until(direct: &Direct, instructions: usize) -> usize {
    let until = instructions.saturating_add(usize::from(TIME_CHECK_INTERVAL.get()));
    until.min(direct.limits.max_instructions)
}
