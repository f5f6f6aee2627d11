//! The decision's program, run without copying what it reads.
//!
//! The register machine copies a value into a register with nearly every instruction, passes each
//! instruction through seven functions, and describes a rule anew with each call. Here the same
//! instructions of the same program run over values that are borrowed from the data and from the
//! order as it was parsed, so that a usual order needs no input document at all.
//!
//! It answers as the machine answers, or not at all: what it does not know (loops, comprehensions),
//! an error that would end the evaluation, a rule of two values and whatever comes to a limit is left
//! to the machine, which then evaluates the order from the beginning. An evaluation changes nothing,
//! so that beginning it again is the same as beginning it.
//!
//! What an instruction means is the machine's (`rvm/vm` of regorus 0.14.1), flaws included: those are
//! mended in the program (`program.rs`).

mod call;
mod instructions;
mod make;
mod order;
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

/// What a program needs beside itself to be run here.
pub(super) struct Direct {
    /// For each literal, the member of an order's input that it names.
    members: Vec<Option<Member>>,
    builtins: Vec<Builtin>,
    limits: EvalLimits,
}

/// What the program is asked.
#[derive(Clone, Copy)]
pub(super) enum Input<'a> {
    /// An order, as it was parsed.
    Order(&'a PolicyInput<'a>),
    /// A document.
    Document(&'a Value),
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// The machine has to be asked, and may take so much less time than for an evaluation of its own.
    Unknown {
        /// What was measured of the time until here: nothing of an evaluation's first thousand instructions.
        spent: Duration,
    },
    /// The evaluation took longer than it may.
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

    /// The machine's answer.
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
