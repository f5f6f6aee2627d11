//! Register values: borrowed where possible, and not built before they are needed.

use regorus::{Rc, Value};

use super::order::Part;
use crate::rego::shorten::holds;

/// A value, borrowed where it can be.
///
/// Its tag is a word, so that what follows it is moved in whole words: behind a byte it would be
/// moved in pieces that lie across those it was written in, and the processor would wait for each.
#[derive(Clone)]
#[repr(usize)]
pub(super) enum Datum<'a> {
    /// Borrowed from the data, the literals or the input document.
    Borrowed(&'a Value),
    /// Made during the evaluation.
    Own(Value),
    /// An object of an order's input that has not been built.
    Part(Part),
}

pub(super) const UNDEFINED: Datum<'static> = Datum::Borrowed(&Value::Undefined);
const TRUE: Datum<'static> = Datum::Borrowed(&Value::Bool(true));
const FALSE: Datum<'static> = Datum::Borrowed(&Value::Bool(false));

/// An object of up to this many members is searched from the first to the last.
const FEW: usize = 8;

/// The same as `container[key]`.
///
/// In a small object, a name is most often the very literal of the program (`lean.rs`) or differs
/// in length, either of which is told without comparing text; a binary search compares the text of
/// each name it visits.
pub(super) fn member_of<'a>(container: &'a Value, key: &Value) -> &'a Value {
    if let (Value::Object(object), Value::String(name)) = (container, key)
        && object.len() <= FEW
    {
        let find = |is_it: fn(&Rc<str>, &Rc<str>) -> bool| {
            let mut members = object.iter_sorted();
            members.find_map(|(of, member)| match of {
                Value::String(of) if is_it(of, name) => Some(member),
                _ => None,
            })
        };
        let found = find(Rc::ptr_eq).or_else(|| find(Rc::eq));
        return found.unwrap_or(&Value::Undefined);
    }
    &container[key]
}

impl Datum<'_> {
    /// The value; `None` for an object that has not been built.
    pub(super) const fn value(&self) -> Option<&Value> {
        match self {
            Self::Borrowed(value) => Some(value),
            Self::Own(value) => Some(value),
            Self::Part(_) => None,
        }
    }

    pub(super) const fn is_undefined(&self) -> bool {
        matches!(self.value(), Some(Value::Undefined))
    }

    /// Whether a condition on it holds.
    pub(super) fn holds(&self) -> bool {
        self.value().is_none_or(holds)
    }

    /// The owned value; `None` for an object that has not been built.
    pub(super) fn into_value(self) -> Option<Value> {
        match self {
            Self::Borrowed(value) => Some(value.clone()),
            Self::Own(value) => Some(value),
            Self::Part(_) => None,
        }
    }
}

impl From<bool> for Datum<'_> {
    fn from(value: bool) -> Self {
        if value { TRUE } else { FALSE }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_what_an_index_gives() {
        let names = [
            "", "a", "b", "ab", "ba", "qty", "low", "high", "price", "other",
        ];
        let keys = names.map(Value::from);
        let others = [Value::Null, true.into(), 1_u64.into(), Value::Undefined];
        for count in 0..=keys.len() {
            let mut object = Value::new_object();
            let members = object.as_object_mut().unwrap();
            for (at, key) in keys.iter().take(count).enumerate() {
                // Half of them under the very key that is asked for, half under an equal one.
                let key = if at % 2 == 0 {
                    key.clone()
                } else {
                    names[at].into()
                };
                members.insert(key, at.into());
            }
            if count > 1 {
                members.insert(1_u64.into(), "a number's".into());
                members.insert("none".into(), Value::Undefined);
            }
            let set = Value::from(std::collections::BTreeSet::from_iter(keys.clone()));
            let array = Value::from(keys.to_vec());
            for container in [&object, &set, &array, &keys[1], &Value::Undefined] {
                for key in keys.iter().chain(&others).chain([&"none".into()]) {
                    assert_eq!(
                        member_of(container, key),
                        &container[key],
                        "{container}[{key}]"
                    );
                }
            }
        }
    }
}
