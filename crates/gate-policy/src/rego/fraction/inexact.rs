//! The numbers of a bundle's data that an `f64` does not hold. Whole ones are restored as they were
//! written; what follows is about fractions.
//!
//! `90071992547409.93` is 0.0075 less than the float nearest to it. So what was written is put into
//! the side table of every evaluation, as a result is, and operations use it.

use std::collections::HashMap;

use regorus::Value;
use serde_json::value::RawValue;

use super::extended::Extended;
use super::{EXACT_DIGITS, beside, exact, is_fraction, whole};
use crate::data;

/// The most of them in one bundle: each evaluation starts by copying them all.
const MAX_INEXACT: usize = 256;

/// What was written, by the bits of the float that stands for it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Inexact(HashMap<u64, Extended>);

impl Inexact {
    pub(super) fn each(&self) -> impl Iterator<Item = (u64, Extended)> {
        self.0.iter().map(|(bits, number)| (*bits, *number))
    }

    /// Finds those in `text`, from which `data` was read, and puts the float that stands for each
    /// into `data`. The error names one that cannot be kept.
    pub(in crate::rego) fn of(text: &str, data: &mut Value) -> Result<Self, String> {
        if !is_suspect(text) {
            return Ok(Self::default());
        }
        beside::begin(&Self::default());
        let mut walk = Walk::default();
        let written: &RawValue = serde_json::from_str(text).map_err(|error| error.to_string())?;
        walk.value(written, data)?;
        let kept = beside::take();
        if kept.len() > MAX_INEXACT {
            return Err(format!(
                "{} numbers have more digits than a float holds, where {MAX_INEXACT} may: write them as texts",
                kept.len()
            ));
        }
        Ok(Self(kept))
    }
}

/// Whether there may be such a number. A match inside a string only costs time.
fn is_suspect(text: &str) -> bool {
    let is_part = |c: char| matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E');
    text.split(|c| !is_part(c))
        .filter(|token| token.starts_with(|c: char| c == '-' || c.is_ascii_digit()))
        // Nearly all are shorter, and need no look.
        .filter(|token| token.len() > EXACT_DIGITS || token.contains(['e', 'E']))
        .any(|token| !exact::is_exact(token) || exact::is_beyond_a_word(token))
}

/// Walks the text and the values read from it side by side.
#[derive(Default)]
struct Walk {
    path: Vec<String>,
    /// How each float that is not an integer was written: digits and a power of ten.
    floats: HashMap<u64, Option<(String, i64)>>,
}

impl Walk {
    fn value(&mut self, written: &RawValue, value: &mut Value) -> Result<(), String> {
        let text = written.get();
        match text.bytes().next() {
            Some(b'{') => {
                for (name, inner) in data::object(written).unwrap_or_default() {
                    let key = Value::from(name.as_str());
                    let members = value.as_object_mut().ok();
                    self.path.push(name);
                    self.inner(inner, members.and_then(|members| members.get_mut(&key)))?;
                }
            }
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
                for (at, inner) in items.into_iter().enumerate() {
                    let values = value.as_array_mut().ok();
                    self.path.push(at.to_string());
                    self.inner(inner, values.and_then(|values| values.get_mut(at)))?;
                }
            }
            Some(b'-' | b'0'..=b'9') => self.number(text, value)?,
            _ => {}
        }
        Ok(())
    }

    fn inner(&mut self, written: &RawValue, value: Option<&mut Value>) -> Result<(), String> {
        match value {
            Some(value) => self.value(written, value)?,
            None => return Err(self.refusal("is not read as it is written")),
        }
        self.path.pop();
        Ok(())
    }

    fn number(&mut self, text: &str, value: &mut Value) -> Result<(), String> {
        let decimal = exact::decimal(text);
        if !exact::is_exact(text) || exact::is_beyond_a_word(text) {
            let has_fraction = decimal.as_ref().is_some_and(|(_, power)| *power < 0);
            let read = whole::written(text).ok();
            let read = read.filter(|read| is_fraction(read) == has_fraction);
            *value = read.ok_or_else(|| {
                self.refusal(&format!(
                    "{text} has more digits than are kept of a number: shorten it"
                ))
            })?;
        }
        let float = match value {
            Value::Number(number) if !number.is_integer() => number.as_f64(),
            _ => None,
        };
        let Some(float) = float else {
            return Ok(());
        };
        let known = self
            .floats
            .entry(float.to_bits())
            .or_insert_with(|| decimal.clone());
        if *known != decimal {
            return Err(self.refusal(&format!(
                "{text} and another number of the data are one float: write one as a text"
            )));
        }
        Ok(())
    }

    fn refusal(&self, problem: &str) -> String {
        format!("`{}`: {problem}", self.path.join("."))
    }
}
