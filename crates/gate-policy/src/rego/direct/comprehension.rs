//! Runs comprehensions.
//!
//! A condition that does not hold ends a turn of the comprehension's own loop, and not the
//! comprehension: each has one (`rewrite/assign.rs`). One that makes an object collects a set of
//! pairs here, of which a builtin makes the object (`program/conflict.rs`).

use regorus::Value;
use regorus::rvm::Instruction;
use regorus::rvm::instructions::ComprehensionMode;

use super::run::{End, Run, Stop};
use super::value::Datum;

impl<'a> Run<'a> {
    /// Runs a comprehension, and then what follows it up to `until`.
    pub(super) fn comprehend(
        &mut self,
        params: u16,
        until: usize,
    ) -> Result<Option<End<'a>>, Stop> {
        let data = &self.program.instruction_data;
        let params = data.get_comprehension_begin_params(params);
        let params = params.ok_or(Stop::GaveUp)?;
        // The compiler's comprehensions leave going over members to the loops in their bodies.
        if params.collection_reg != params.result_reg {
            return Err(Stop::GaveUp);
        }
        let first = usize::from(params.body_start);
        let after = usize::from(params.comprehension_end);
        let end = after.checked_sub(1).ok_or(Stop::GaveUp)?;
        match self.program.instructions.get(end) {
            Some(Instruction::ComprehensionEnd {}) if first <= end && end < until => {}
            _ => return Err(Stop::GaveUp),
        }
        let nothing = match params.mode {
            ComprehensionMode::Set => Value::new_set(),
            ComprehensionMode::Array => Value::new_array(),
            ComprehensionMode::Object => return Err(Stop::GaveUp),
        };
        self.set(params.result_reg, Datum::Own(nothing))?;
        self.deeper(|run| {
            let outer = run.collects_in.replace(params.result_reg);
            match run.instructions_from(first, end) {
                Ok(None) => {}
                Ok(Some(_)) | Err(Stop::Failed) => return Err(Stop::GaveUp),
                Err(stop) => return Err(stop),
            }
            run.collects_in = outer;
            run.count()?;
            run.instructions_from(after, until)
        })
    }

    /// Adds a value to the innermost comprehension.
    pub(super) fn collect(&mut self, value: u8, key: Option<u8>) -> Result<(), Stop> {
        let (Some(register), None) = (self.collects_in, key) else {
            return Err(Stop::GaveUp);
        };
        let value = self.value(value)?.clone();
        let Datum::Own(collection) = self.slot(register)? else {
            return Err(Stop::GaveUp);
        };
        match (collection, value) {
            (Value::Set(_), Value::Undefined) => {}
            // Its elements are bound before (`rewrite/assign.rs`).
            (Value::Array(_), Value::Undefined) => return Err(Stop::GaveUp),
            (set @ Value::Set(_), value) => {
                set.as_set_mut().map_err(|_| Stop::GaveUp)?.insert(value);
            }
            (array @ Value::Array(_), value) => {
                array.as_array_mut().map_err(|_| Stop::GaveUp)?.push(value);
            }
            _ => return Err(Stop::GaveUp),
        }
        Ok(())
    }
}
