//! Runs compiled programs: a machine per thread and activation, every limit set, no panic past
//! this file.

use std::cell::RefCell;
use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use regorus::Value;
use regorus::rvm::program::Program;
use regorus::rvm::vm::{RegoVM, VmError};
use regorus::utils::limits::ExecutionTimerConfig;
use serde_json::Value as Json;

use super::compile::Compiled;
use super::document;
use super::shape;
use super::template::Template;
use crate::policy::{PolicyInput, QueryError};
use crate::verdict::{Verdict, reason};

/// Bounds of one evaluation; beyond them it is blocked with `policy_timeout`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvalLimits {
    /// The most instructions of the register machine.
    pub max_instructions: usize,
    /// The longest time, looked at every thousand instructions.
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

const INSTRUCTIONS_BETWEEN_TIME_CHECKS: NonZeroU32 = NonZeroU32::new(1_000).unwrap();

/// Machines kept per thread: the one in force, and the one before it while requests that began
/// with it end. More only where one thread compares policies.
const MACHINES_PER_THREAD: usize = 3;

thread_local! {
    /// The most recent activation first.
    static MACHINES: RefCell<Vec<(u64, Machine)>> = const { RefCell::new(Vec::new()) };
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
            None => Machine::new(&compiled.decision, &compiled.decision_data, limits),
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

/// The entrypoint's answer to any input, on a machine of its own.
pub(super) fn raw(compiled: &Compiled, limits: EvalLimits, input: Value) -> Result<Value, String> {
    let run = || {
        let mut machine = Machine::new(&compiled.decision, &compiled.decision_data, limits)?;
        machine.vm.set_input(input);
        machine.vm.execute()
    };
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err("it panicked".to_owned()),
    }
}

/// Evaluates the document at `path` below `data`: rules where there are any, else data.
pub(super) fn query(
    compiled: &Compiled,
    limits: EvalLimits,
    path: &[&str],
    input: &Json,
) -> Result<Option<Json>, QueryError> {
    let input = document::from_json(input).map_err(|_| QueryError::TooLarge("the input"))?;
    let run = || {
        let mut machine = Machine::new(&compiled.documents, &compiled.data, limits)?;
        machine.document(path, input)
    };
    let answer = match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) if is_limit(&error) => return Err(QueryError::Timeout),
        Ok(Err(error)) => return Err(QueryError::Evaluation(error.to_string())),
        Err(_) => return Err(QueryError::Evaluation("it panicked".to_owned())),
    };
    if answer == Value::Undefined {
        return Ok(None);
    }
    serde_json::to_value(&answer)
        .map(Some)
        .map_err(|error| QueryError::Evaluation(error.to_string()))
}

struct Machine {
    vm: RegoVM,
    template: Template,
}

impl Machine {
    fn new(program: &Arc<Program>, data: &Value, limits: EvalLimits) -> Result<Self, VmError> {
        let mut vm = RegoVM::new();
        vm.load_program(Arc::clone(program));
        vm.set_max_instructions(limits.max_instructions);
        // Without one of its own, a machine takes a lock of the whole process on every run.
        vm.set_execution_timer_config(Some(ExecutionTimerConfig {
            limit: limits.time,
            check_interval: INSTRUCTIONS_BETWEEN_TIME_CHECKS,
        }));
        vm.set_data(data.clone())?;
        let template = Template::new();
        Ok(Self { vm, template })
    }

    /// The verdict, or the reason why there is none; then the machine must not be used again.
    fn judge(&mut self, input: &PolicyInput<'_>) -> Result<Verdict, &'static str> {
        let document = self
            .template
            .fill(input)
            .map_err(|_| reason::POLICY_ERROR)?;
        self.vm.set_input(document);
        let answer = self.vm.execute();
        // Let go of the document, so that the template can be written in place again.
        self.vm.set_input(Value::Undefined);
        match answer {
            Ok(answer) => Ok(shape::verdict(&answer)),
            Err(error) if is_limit(&error) => Err(reason::POLICY_TIMEOUT),
            Err(_) => Err(reason::POLICY_ERROR),
        }
    }

    fn document(&mut self, path: &[&str], input: Value) -> Result<Value, VmError> {
        self.vm.set_input(input);
        let mut name = "data".to_owned();
        for part in path {
            name.push('.');
            name.push_str(part);
        }
        if self.vm.get_program().entry_points.contains_key(&name) {
            return self.vm.execute_entry_point_by_name(&name);
        }
        Ok(Value::Undefined)
    }
}

fn is_limit(error: &VmError) -> bool {
    matches!(
        error,
        VmError::TimeLimitExceeded { .. } | VmError::InstructionLimitExceeded { .. }
    )
}
