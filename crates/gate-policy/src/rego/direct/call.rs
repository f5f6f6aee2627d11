//! Calls builtins.

use std::sync::LazyLock;

use regorus::rvm::instructions::BuiltinCallParams;
use regorus::rvm::program::Program;
use regorus::unstable::{Expr, Ref, Span};
use regorus::{LimitError, Value};

use super::run::{Run, Stop};
use super::value::{Datum, UNDEFINED};
use crate::rego::fraction::LARGE;
use crate::rego::growth::nowhere;

/// The most operands of an instruction.
const MAX_OPERANDS: usize = 8;

/// The call site that builtins are given: an empty span, and an expression for each operand.
static PLACE: LazyLock<Option<(Span, Vec<Ref<Expr>>)>> = LazyLock::new(|| {
    let span = nowhere().ok()?;
    let expression = || Expr::Null {
        span: span.clone(),
        value: Value::Null,
        eidx: 0,
    };
    let operands = (0..MAX_OPERANDS).map(|_| Ref::new(expression()));
    let operands = operands.collect();
    Some((span, operands))
});

/// How a builtin is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Builtin {
    /// `+`, most often of two whole numbers.
    Add,
    /// `object.get`, which has no need of a copy of the object.
    ObjectGet,
    Other,
}

/// How each builtin of a program is called.
pub(super) fn known(program: &Program) -> Vec<Builtin> {
    let names = program.builtin_info_table.iter();
    let how = names.map(|builtin| match builtin.name.as_str() {
        "+" => Builtin::Add,
        "object.get" => Builtin::ObjectGet,
        _ => Builtin::Other,
    });
    how.collect()
}

impl<'a> Run<'a> {
    pub(super) fn builtin(&self, params: &BuiltinCallParams) -> Result<Datum<'a>, Stop> {
        let operands = params.arg_registers();
        let index = usize::from(params.builtin_index);
        let (Some(info), Some(how)) = (
            self.program.builtin_info_table.get(index),
            self.direct.builtins.get(index),
        ) else {
            return Err(Stop::GaveUp);
        };
        if operands.len() != usize::from(info.num_args) {
            return Err(Stop::GaveUp);
        }
        for operand in operands {
            if self.register(*operand)?.is_undefined() {
                return Ok(UNDEFINED);
            }
        }
        let known = match *how {
            Builtin::Add => self.add(operands)?,
            Builtin::ObjectGet => self.object_get(operands)?,
            Builtin::Other => None,
        };
        match known {
            Some(value) => Ok(value),
            None => self.any(index, operands),
        }
    }

    /// The sum of two whole numbers. A large one is the builtin's: one of the two may be a float
    /// (`1.0`), and their sum would be rounded.
    fn add(&self, operands: &[u8]) -> Result<Option<Datum<'a>>, Stop> {
        let [left, right] = operands else {
            return Ok(None);
        };
        let (Value::Number(left), Value::Number(right)) = (self.value(*left)?, self.value(*right)?)
        else {
            return Ok(None);
        };
        if !left.is_integer() || !right.is_integer() {
            return Ok(None);
        }
        let (Some(size), Some(other)) = (left.as_f64(), right.as_f64()) else {
            return Ok(None);
        };
        if size.abs() + other.abs() >= LARGE {
            return Ok(None);
        }
        let sum = left.add(right).map_err(|_| Stop::GaveUp)?;
        Ok(Some(Datum::Own(sum.into())))
    }

    /// A member of an object by its name, or else the default.
    fn object_get(&self, operands: &[u8]) -> Result<Option<Datum<'a>>, Stop> {
        let [object, key, instead] = operands else {
            return Ok(None);
        };
        let object = self.register(*object)?;
        let key = self.value(*key)?;
        if !matches!(
            (object, key),
            (
                Datum::Borrowed(Value::Object(_)) | Datum::Part(_),
                Value::String(_)
            )
        ) {
            return Ok(None);
        }
        let found = self.member(object, key, None)?;
        Ok(Some(if found.is_undefined() {
            self.register(*instead)?.clone()
        } else {
            found
        }))
    }

    /// Calls any builtin as the machine does.
    fn any(&self, index: usize, operands: &[u8]) -> Result<Datum<'a>, Stop> {
        let Some((span, places)) = &*PLACE else {
            return Err(Stop::GaveUp);
        };
        let Some((builtin, _)) = self.program.resolved_builtins.get(index) else {
            return Err(Stop::GaveUp);
        };
        let mut values = [const { Value::Undefined }; MAX_OPERANDS];
        for (value, operand) in values.iter_mut().zip(operands) {
            *value = self.value(*operand)?.clone();
        }
        let values = values.get(..operands.len()).unwrap_or_default();
        let places = places.get(..operands.len()).unwrap_or_default();
        match builtin(span, places, values, false) {
            Ok(value) => Ok(Datum::Own(value)),
            // It ends the evaluation, and the machine says how.
            Err(error) if error.is::<LimitError>() => Err(Stop::GaveUp),
            Err(_) => Ok(UNDEFINED),
        }
    }
}
