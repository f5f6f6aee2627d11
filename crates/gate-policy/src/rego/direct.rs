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

use regorus::Value;
use regorus::rvm::program::Program;

use crate::input_bounds::fits;
use crate::policy::PolicyInput;
use call::Builtin;
use order::Member;
use run::Run;

/// The most instructions of one evaluation; then it is the machine's, which looks at the time with every
/// thousandth.
const MAX_INSTRUCTIONS: usize = 999;

/// What a program needs beside itself to be run here.
pub(super) struct Direct {
    /// For each literal, the member of an order's input that it names.
    members: Vec<Option<Member>>,
    builtins: Vec<Builtin>,
    max_instructions: usize,
}

/// What the program is asked.
#[derive(Clone, Copy)]
pub(super) enum Input<'a> {
    /// An order, as it was parsed.
    Order(&'a PolicyInput<'a>),
    /// A document.
    Document(&'a Value),
}

impl Direct {
    pub(super) fn new(program: &Program, max_instructions: usize) -> Self {
        Self {
            members: program.literals.iter().map(Member::named).collect(),
            builtins: call::known(program),
            max_instructions: max_instructions.min(MAX_INSTRUCTIONS),
        }
    }

    /// The machine's answer; `None` where it has to be asked itself.
    pub(super) fn answer(
        &self,
        program: &Program,
        data: &Value,
        input: Input<'_>,
    ) -> Option<Value> {
        if let Input::Order(input) = input
            && !fits(input)
        {
            return None;
        }
        Run::new(self, program, data, input).answer()
    }
}

#[cfg(test)]
mod tests;
