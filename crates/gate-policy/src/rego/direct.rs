//! Runs the decision's program without copying what it reads.
//!
//! The register machine copies a value into a register with nearly every instruction, passes each
//! instruction through seven functions, and sets up a rule's description with each call. Here the
//! same instructions run over values borrowed from the data and from the parsed order, so that a
//! usual order needs no input document.
//!
//! The answer is the machine's, or there is none: an object of the input as a whole, unknown
//! instructions, errors that would end the evaluation, a rule with two values and the limit of
//! instructions are left to the machine, which evaluates the order from the beginning. It may: an
//! evaluation has no side effects.
//!
//! Instructions mean what they mean to the machine (`rvm/vm` of regorus 0.14.1), flaws included;
//! `program.rs` mends those in the program.

mod call;
mod comprehension;
mod instructions;
mod make;
mod order;
mod repeat;
mod run;
mod value;

use std::time::Duration;

use regorus::Value;
use regorus::rvm::program::Program;

use super::machine::EvalLimits;
use crate::input_bounds::fits;
use crate::policy::PolicyInput;
use call::Builtin;
use order::Member;
use run::{Run, Stop};

/// What running a program here takes, beside the program.
pub(super) struct Direct {
    /// For each literal, the member of an order's input that it names.
    members: Vec<Option<Member>>,
    builtins: Vec<Builtin>,
    pub(super) limits: EvalLimits,
}

/// The input of an evaluation.
#[derive(Clone, Copy)]
pub(super) enum Input<'a> {
    /// A parsed order.
    Order(&'a PolicyInput<'a>),
    /// A document.
    Document(&'a Value),
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// The machine must evaluate it, in as much less time as was spent here.
    Unknown {
        /// The time measured so far, without the first thousand instructions.
        spent: Duration,
    },
    /// The evaluation exceeded the time limit.
    OutOfTime,
}

impl Direct {
    pub(super) fn new(program: &Program, limits: EvalLimits) -> Self {
        Self {
            members: program.literals.iter().map(Member::named).collect(),
            builtins: call::known(program),
            limits,
        }
    }

    /// The machine's answer, if it is certain here.
    pub(super) fn answer(
        &self,
        program: &Program,
        data: &Value,
        input: Input<'_>,
    ) -> Result<Value, NoAnswer> {
        if let Input::Order(input) = input
            && !fits(input)
        {
            return Err(NoAnswer::Unknown {
                spent: Duration::ZERO,
            });
        }
        let mut run = Run::new(self, program, data, input);
        run.answer().map_err(|stop| match stop {
            Stop::OutOfTime => NoAnswer::OutOfTime,
            Stop::Failed | Stop::GaveUp => NoAnswer::Unknown { spent: run.spent() },
        })
    }
}

#[cfg(test)]
mod tests;
