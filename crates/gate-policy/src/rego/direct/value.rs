//! What a register holds.

use regorus::Value;

use super::order::Part;
use crate::rego::shorten::holds;

/// A value, borrowed where it can be.
#[derive(Clone)]
pub(super) enum Held<'a> {
    /// Of the data, the literals or the input document.
    Borrowed(&'a Value),
    /// Made on the way.
    Own(Value),
    /// An object of an order's input that nobody has made.
    Part(Part),
}

pub(super) const UNDEFINED: Held<'static> = Held::Borrowed(&Value::Undefined);

impl Held<'_> {
    /// The value; `None` of an object that nobody has made.
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

    /// What a condition takes it for.
    pub(super) fn holds(&self) -> bool {
        self.value().is_none_or(holds)
    }

    /// The value itself; `None` of an object that nobody has made.
    pub(super) fn into_value(self) -> Option<Value> {
        match self {
            Self::Borrowed(value) => Some(value.clone()),
            Self::Own(value) => Some(value),
            Self::Part(_) => None,
        }
    }
}

impl From<bool> for Held<'_> {
    fn from(value: bool) -> Self {
        Self::Own(Value::Bool(value))
    }
}
