//! Runs loops: `some … in …`, a reference with a variable in it, `every`.

use regorus::Value;
use regorus::rvm::Instruction;
use regorus::rvm::instructions::{LoopMode, LoopStartParams};

use super::run::{End, MAX_DEPTH, Run, Stop};
use super::value::{Datum, UNDEFINED};

/// What one turn of a loop came to.
enum Turn<'a> {
    /// Its conditions hold.
    Passed,
    /// One of them does not.
    Failed,
    /// It ended the body that the loop is in.
    Ended(End<'a>),
}

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
        if self.depth >= MAX_DEPTH {
            return Err(Stop::GaveUp);
        }
        self.depth = self.depth.wrapping_add(1);
        let outcome = match self.turns(params, &place) {
            Ok(None) => self.instructions_from(place.next.wrapping_add(1), until),
            ended => ended,
        };
        self.depth = self.depth.wrapping_sub(1);
        outcome
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

    fn turns(&mut self, params: &LoopStartParams, place: &Place) -> Result<Option<End<'a>>, Stop> {
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
    ) -> Result<Option<End<'a>>, Stop> {
        let is_every = match params.mode {
            LoopMode::ForEach => false,
            LoopMode::Every => true,
            LoopMode::Any => return Err(Stop::GaveUp),
        };
        self.set(params.result_reg, false.into())?;
        let mut passed = is_every;
        let mut turn = |run: &mut Self, key: Datum<'a>, member: &'c Value| {
            match run.turn(key, datum(member), params, place)? {
                Turn::Ended(end) => return Ok(Some(Some(end))),
                Turn::Failed if is_every => {
                    passed = false;
                    return Ok(Some(None));
                }
                Turn::Failed => {}
                Turn::Passed => passed = true,
            }
            run.count()?;
            Ok(None)
        };
        let ended = match collection {
            Value::Array(items) => {
                let mut items = items.iter().enumerate();
                items.find_map(|(at, item)| {
                    turn(self, Datum::Own(Value::from(at)), item).transpose()
                })
            }
            Value::Object(members) => {
                let mut cursor = members.cursor();
                std::iter::from_fn(|| members.next(&mut cursor))
                    .find_map(|(key, member)| turn(self, datum(key), member).transpose())
            }
            Value::Set(items) => {
                let mut cursor = items.cursor();
                std::iter::from_fn(|| items.next(&mut cursor))
                    .find_map(|item| turn(self, datum(item), item).transpose())
            }
            // `every` of what has no members does not hold.
            _ if is_every => {
                self.set(params.result_reg, UNDEFINED)?;
                return Ok(None);
            }
            _ => None,
        };
        match ended.transpose()? {
            Some(Some(end)) => Ok(Some(end)),
            Some(None) | None => {
                self.set(params.result_reg, passed.into())?;
                Ok(None)
            }
        }
    }

    fn turn(
        &mut self,
        key: Datum<'a>,
        member: Datum<'a>,
        params: &LoopStartParams,
        place: &Place,
    ) -> Result<Turn<'a>, Stop> {
        if params.key_reg != params.value_reg {
            self.set(params.key_reg, key)?;
        }
        self.set(params.value_reg, member)?;
        match self.instructions_from(place.first, place.next) {
            Ok(None) => Ok(Turn::Passed),
            Ok(Some(end)) => Ok(Turn::Ended(end)),
            Err(Stop::Failed) => Ok(Turn::Failed),
            Err(stop) => Err(stop),
        }
    }
}
