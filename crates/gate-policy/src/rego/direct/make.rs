//! The instructions that build a set, an array or an object.

use std::collections::BTreeSet;

use regorus::Value;

use super::run::{Run, Stop};
use super::value::{Datum, UNDEFINED};

impl Run<'_> {
    pub(super) fn set_add(&mut self, set: u8, value: u8) -> Result<(), Stop> {
        let value = self.value(value)?.clone();
        let Datum::Own(set) = self.slot(set)? else {
            return Err(Stop::GaveUp);
        };
        let set = set.as_set_mut().map_err(|_| Stop::GaveUp)?;
        if value != Value::Undefined {
            set.insert(value);
        }
        Ok(())
    }

    pub(super) fn set_create(&mut self, params_index: u16) -> Result<(), Stop> {
        let data = &self.program.instruction_data;
        let params = data.get_set_create_params(params_index);
        let params = params.ok_or(Stop::GaveUp)?;
        let elements = self.defined::<BTreeSet<Value>>(params.element_registers())?;
        let set = elements.map_or(UNDEFINED, |elements| Datum::Own(elements.into()));
        self.set(params.dest, set)
    }

    /// The values of these registers; `None` when one is undefined.
    fn defined<C: FromIterator<Value>>(&self, registers: &[u8]) -> Result<Option<C>, Stop> {
        let value = |register: &u8| {
            let value = self.value(*register)?;
            Ok((*value != Value::Undefined).then(|| value.clone()))
        };
        registers.iter().map(value).collect()
    }

    /// Sets a member of the object that a rule gathers.
    pub(super) fn object_set(&mut self, object: u8, key: u8, value: u8) -> Result<(), Stop> {
        let (key, value) = (self.value(key)?.clone(), self.value(value)?.clone());
        // The machine would make such a member.
        if [&key, &value].contains(&&Value::Undefined) {
            return Err(Stop::GaveUp);
        }
        let Datum::Own(object) = self.slot(object)? else {
            return Err(Stop::GaveUp);
        };
        let members = object.as_object_mut().map_err(|_| Stop::GaveUp)?;
        members.insert(key, value);
        Ok(())
    }

    pub(super) fn array_create(&mut self, params_index: u16) -> Result<(), Stop> {
        let data = &self.program.instruction_data;
        let params = data.get_array_create_params(params_index);
        let params = params.ok_or(Stop::GaveUp)?;
        let elements = self.defined::<Vec<Value>>(params.element_registers())?;
        let array = elements.map_or(UNDEFINED, |elements| Datum::Own(elements.into()));
        self.set(params.dest, array)
    }

    pub(super) fn object_create(&mut self, params_index: u16) -> Result<(), Stop> {
        let data = &self.program.instruction_data;
        let params = data.get_object_create_params(params_index);
        let params = params.ok_or(Stop::GaveUp)?;
        let mut members = Vec::with_capacity(params.field_count());
        for (key, value) in params.literal_key_field_pairs() {
            members.push((self.literal(*key)?, self.value(*value)?));
        }
        for (key, value) in params.field_pairs() {
            members.push((self.value(*key)?, self.value(*value)?));
        }
        let is_undefined =
            |(key, value): &(&Value, &Value)| [*key, *value].contains(&&Value::Undefined);
        let object = if members.iter().any(is_undefined) {
            UNDEFINED
        } else {
            let mut object = self.literal(params.template_literal_idx)?.clone();
            let into = object.as_object_mut().map_err(|_| Stop::GaveUp)?;
            for (key, value) in members {
                into.insert(key.clone(), value.clone());
            }
            Datum::Own(object)
        };
        self.set(params.dest, object)
    }
}
