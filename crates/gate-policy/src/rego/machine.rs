//! Runs compiled programs: one machine per thread and activation, every limit set. No panic leaves
//! this file.

use std::cell::RefCell;
use std::num::{NonZeroU16, NonZeroU32};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use regorus::Value;
use regorus::rvm::program::Program;
use regorus::rvm::vm::{RegoVM, VmError};
use regorus::utils::limits::ExecutionTimerConfig;

use super::compile::{CompileError, Compiled};
use super::direct::{Direct, Input, NoAnswer};
use super::fraction::Inexact;
use super::lean::Lean;
use super::program;
use super::shape;
use super::template::Template;
use super::{ENTRYPOINT, begin_evaluation};
use crate::policy::PolicyInput;
use crate::verdict::{Verdict, reason};

/// Limits of one evaluation; beyond them the order is blocked with `policy_timeout`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvalLimits {
    /// Most instructions of the register machine.
    pub max_instructions: usize,
    /// Longest time; checked every thousand instructions.
    pub time: Duration,
}

impl Default for EvalLimits {
    fn default() -> Self {
        Self {
            max_instructions: 25_000,
            time: Duration::from_millis(20),
        }
    }
}

/// Number of instructions between two checks of the time.
pub(super) const TIME_CHECK_INTERVAL: NonZeroU16 = NonZeroU16::new(1_000).unwrap();

impl EvalLimits {
    pub(super) fn timer(self) -> ExecutionTimerConfig {
        ExecutionTimerConfig {
            limit: self.time,
            check_interval: NonZeroU32::from(TIME_CHECK_INTERVAL),
        }
    }
}

/// Machines kept per thread: the one in force, the one before it while requests that began with it
/// end, and one more for a thread that compares policies.
const MACHINES_PER_THREAD: usize = 3;

thread_local! {
    /// (Activation, machine), the most recently used first.
    static MACHINES: RefCell<Vec<(u64, Box<Machine>)>> = const { RefCell::new(Vec::new()) };
}

/// Judges one order on this thread's machine.
pub(super) fn evaluate(
    activation: u64,
    compiled: &Compiled,
    limits: EvalLimits,
    input: &PolicyInput<'_>,
) -> Verdict {
    MACHINES.with(|machines| {
        let Ok(mut machines) = machines.try_borrow_mut() else {
            return Verdict::blocked(reason::POLICY_ERROR);
        };
        // Taken out while it runs: a machine that panics or fails is dropped, not used again.
        let machine = match machines.iter().position(|(id, _)| *id == activation) {
            Some(at) => Ok(machines.swap_remove(at).1),
            None => Machine::new(compiled.decision.take(), limits).map(Box::new),
        };
        let Ok(mut machine) = machine else {
            return Verdict::blocked(reason::POLICY_ERROR);
        };
        match catch_unwind(AssertUnwindSafe(|| machine.judge(input))) {
            Ok(Ok(verdict)) => {
                machines.truncate(MACHINES_PER_THREAD.saturating_sub(1));
                machines.insert(0, (activation, machine));
                verdict
            }
            Ok(Err(failed)) => Verdict::blocked(failed),
            Err(_) => Verdict::blocked(reason::POLICY_ERROR),
        }
    })
}

/// Why an evaluation has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unanswered {
    /// The evaluation failed.
    #[error("{0}")]
    Failed(String),
    /// The direct evaluation and the machine disagree.
    #[error("{machine}; evaluated directly: {direct}")]
    Differs {
        /// The machine's answer or error.
        machine: String,
        /// The direct evaluation's answer.
        direct: String,
    },
}

/// The entrypoint's answer to any input, on a new machine. Evaluates it both ways, and fails if the
/// answers differ.
pub(super) fn raw(
    compiled: &Compiled,
    limits: EvalLimits,
    input: Value,
) -> Result<Value, Unanswered> {
    guarded(|| {
        let mut machine =
            Machine::new(compiled.decision.shared(), limits).map_err(|error| failed(&error))?;
        let beside = &compiled.data.inexact;
        begin_evaluation(beside);
        let Machine { program, data, .. } = &machine;
        let directly = machine
            .direct
            .answer(program, data, Input::Document(&input));
        machine.vm.set_input(input);
        begin_evaluation(beside);
        let answer = machine.vm.execute();
        let answer = answer.map_err(|error| program::message(&error, &machine.vm));
        match directly {
            Ok(directly) if answer.as_ref() != Ok(&directly) => Err(Unanswered::Differs {
                machine: answer.map_or_else(|error| error, |answer| answer.to_string()),
                direct: directly.to_string(),
            }),
            _ => answer.map_err(Unanswered::Failed),
        }
    })
}

/// Like [`raw`], by the program in which rules have their names; on the machine only.
pub(super) fn named(
    compiled: &Compiled,
    limits: EvalLimits,
    input: Value,
) -> Result<Value, Unanswered> {
    guarded(|| {
        let Some(program) = compiled.documents.of(ENTRYPOINT) else {
            return Err(Unanswered::Failed(CompileError::NoEntrypoint.to_string()));
        };
        let mut vm = vm(Arc::clone(program), compiled.data.value.clone(), limits)
            .map_err(|error| failed(&error))?;
        vm.set_input(input);
        begin_evaluation(&compiled.data.inexact);
        let answer = vm.execute_entry_point_by_name(ENTRYPOINT);
        answer.map_err(|error| Unanswered::Failed(program::message(&error, &vm)))
    })
}

fn guarded(ask: impl FnOnce() -> Result<Value, Unanswered>) -> Result<Value, Unanswered> {
    catch_unwind(AssertUnwindSafe(ask))
        .unwrap_or_else(|_| Err(Unanswered::Failed("it panicked".to_owned())))
}

fn failed(error: &VmError) -> Unanswered {
    Unanswered::Failed(error.to_string())
}

/// A machine with every limit set.
pub(super) fn vm(
    program: Arc<Program>,
    data: Value,
    limits: EvalLimits,
) -> Result<RegoVM, VmError> {
    let mut vm = RegoVM::new();
    vm.load_program(program);
    vm.set_max_instructions(limits.max_instructions);
    // Otherwise the machine takes a process-wide lock on every run.
    vm.set_execution_timer_config(Some(limits.timer()));
    vm.set_data(data)?;
    Ok(vm)
}

struct Machine {
    vm: RegoVM,
    program: Arc<Program>,
    data: Value,
    inexact: Arc<Inexact>,
    direct: Direct,
    template: Template,
    /// The time limit that `vm` has now.
    time: Duration,
    /// In a debug build every other direct answer, beginning with the first, is compared with the
    /// machine's. (Not all: otherwise nobody could count an evaluation's allocations.)
    #[cfg(debug_assertions)]
    compares: bool,
}

impl Machine {
    fn new(lean: Lean, limits: EvalLimits) -> Result<Self, VmError> {
        let Lean {
            program,
            data,
            inexact,
        } = lean;
        let vm = vm(Arc::clone(&program), data.clone(), limits)?;
        Ok(Self {
            direct: Direct::new(&program, limits),
            template: Template::new(),
            time: limits.time,
            vm,
            program,
            data,
            inexact,
            #[cfg(debug_assertions)]
            compares: false,
        })
    }

    /// The verdict, or the reason to block; after a reason the machine must not be used again.
    fn judge(&mut self, input: &PolicyInput<'_>) -> Result<Verdict, &'static str> {
        #[cfg(test)]
        tests::panic_if_told();
        begin_evaluation(&self.inexact);
        let direct = &self.direct;
        let directly = direct.answer(&self.program, &self.data, Input::Order(input));
        match directly {
            Ok(answer) => {
                #[cfg(debug_assertions)]
                self.cross_check(input, &answer)?;
                return Ok(shape::verdict(&answer));
            }
            Err(NoAnswer::OutOfTime) => return Err(reason::POLICY_TIMEOUT),
            Err(NoAnswer::Unknown { spent }) => self.limit_time(spent),
        }
        match self.execute(input)? {
            Ok(answer) => Ok(shape::verdict(&answer)),
            Err(error) if is_limit(&error) => Err(reason::POLICY_TIMEOUT),
            Err(_) => Err(reason::POLICY_ERROR),
        }
    }

    /// Sets the machine's time limit to the evaluation's, less what was spent already.
    fn limit_time(&mut self, spent: Duration) {
        let limits = EvalLimits {
            time: self.direct.limits.time.saturating_sub(spent),
            ..self.direct.limits
        };
        if limits.time != self.time {
            self.time = limits.time;
            self.vm.set_execution_timer_config(Some(limits.timer()));
        }
    }

    /// Compares every other direct answer with the machine's.
    #[cfg(debug_assertions)]
    fn cross_check(
        &mut self,
        input: &PolicyInput<'_>,
        directly: &Value,
    ) -> Result<(), &'static str> {
        self.compares = !self.compares;
        if self.compares {
            match self.execute(input)? {
                // The machine may need more than the limit.
                Err(error) if is_limit(&error) => {}
                answer => assert_eq!(answer.as_ref(), Ok(directly)),
            }
        }
        Ok(())
    }

    /// The register machine's answer.
    fn execute(&mut self, input: &PolicyInput<'_>) -> Result<Result<Value, VmError>, &'static str> {
        let document = self
            .template
            .fill(input)
            .map_err(|_| reason::POLICY_ERROR)?;
        self.vm.set_input(document);
        begin_evaluation(&self.inexact);
        let answer = self.vm.execute();
        // Drops the document, so that the template can be rewritten in place.
        self.vm.set_input(Value::Undefined);
        Ok(answer)
    }
}

pub(super) fn is_limit(error: &VmError) -> bool {
    matches!(
        error,
        VmError::TimeLimitExceeded { .. } | VmError::InstructionLimitExceeded { .. }
    )
}

#[cfg(test)]
mod tests;
