//! Runs loops: `some … in …`, a reference with a variable in it, `every`.

use regorus::Value;
use regorus::rvm::Instruction;
use regorus::rvm::instructions::{LoopMode, LoopStartParams};

use super::run::{End, Run, Stop};
use super::value::{Datum, UNDEFINED};

/// A loop's instructions: `LoopNext` is at `next`, and the body goes on behind it.
struct Place {
    first: usize,
    next: usize,
}

impl<'a> Run<'a> {
    /// Runs a loop, and then what follows it up to `until`.
    pub(super) fn repeat(&mut self, params: u16, until: usize) -> Result<Option<End<'a>>, Stop> {
        let params = self.program.instruction_data.get_loop_params(params);
        let params = params.ok_or(Stop::GaveUp)?;
        let place = self.place(params, until)?;
        self.deeper(|run| {
            run.turns(params, &place)?;
            run.instructions_from(place.next.wrapping_add(1), until)
        })
    }

    fn place(&self, params: &LoopStartParams, until: usize) -> Result<Place, Stop> {
        let place = Place {
            first: usize::from(params.body_start),
            next: usize::from(params.loop_end)
                .checked_sub(1)
                .ok_or(Stop::GaveUp)?,
        };
        match self.program.instructions.get(place.next) {
            Some(Instruction::LoopNext { .. })
                if place.first <= place.next && place.next < until =>
            {
                Ok(place)
            }
            _ => Err(Stop::GaveUp),
        }
    }

    fn turns(&mut self, params: &LoopStartParams, place: &Place) -> Result<(), Stop> {
        // A copy shares the members, so the loop goes over what was there when it began.
        match self.register(params.collection)?.clone() {
            Datum::Borrowed(collection) => self.over(collection, Datum::Borrowed, params, place),
            Datum::Own(collection) => self.over(
                &collection,
                |member| Datum::Own(member.clone()),
                params,
                place,
            ),
            Datum::Part(_) => Err(Stop::GaveUp),
        }
    }

    /// Runs a loop over the members of `collection`, in the machine's order.
    fn over<'c>(
        &mut self,
        collection: &'c Value,
        datum: impl Fn(&'c Value) -> Datum<'a>,
        params: &LoopStartParams,
        place: &Place,
    ) -> Result<(), Stop> {
        let is_every = match params.mode {
            LoopMode::ForEach => false,
            LoopMode::Every => true,
            LoopMode::Any => return Err(Stop::GaveUp),
        };
        self.set(params.result_reg, false.into())?;
        let mut passed = is_every;
        // Runs one turn; false when the loop ends with it.
        let mut turn = |key: Datum<'a>, member: &'c Value| {
            let holds = self.turn(key, datum(member), params, place)?;
            if is_every && !holds {
                passed = false;
                return Ok(false);
            }
            passed |= holds;
            self.count()?;
            Ok(true)
        };
        match collection {
            Value::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    if !turn(Datum::Own(Value::from(at)), item)? {
                        break;
                    }
                }
            }
            Value::Object(members) => {
                let mut cursor = members.cursor();
                while let Some((key, member)) = members.next(&mut cursor) {
                    if !turn(datum(key), member)? {
                        break;
                    }
                }
            }
            Value::Set(items) => {
                let mut cursor = items.cursor();
                while let Some(item) = items.next(&mut cursor) {
                    if !turn(datum(item), item)? {
                        break;
                    }
                }
            }
            // `every` of what has no members does not hold.
            _ if is_every => return self.set(params.result_reg, UNDEFINED),
            _ => {}
        }
        self.set(params.result_reg, passed.into())
    }

    /// Runs one turn; whether its conditions hold.
    fn turn(
        &mut self,
        key: Datum<'a>,
        member: Datum<'a>,
        params: &LoopStartParams,
        place: &Place,
    ) -> Result<bool, Stop> {
        if params.key_reg != params.value_reg {
            self.set(params.key_reg, key)?;
        }
        self.set(params.value_reg, member)?;
        match self.instructions_from(place.first, place.next) {
            Ok(None) => Ok(true),
            // No compiler ends a body within a loop, where the machine would keep the loop.
            Ok(Some(_)) => Err(Stop::GaveUp),
            Err(Stop::Failed) => Ok(false),
            Err(stop) => Err(stop),
        }
    }
}
