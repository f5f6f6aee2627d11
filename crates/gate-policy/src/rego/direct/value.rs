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
const TRUE: Held<'static> = Held::Borrowed(&Value::Bool(true));
const FALSE: Held<'static> = Held::Borrowed(&Value::Bool(false));

/// An object of so few members is searched from the first to the last.
const FEW: usize = 8;

/// What `container[key]` is.
///
/// In a small object most names differ in their length already, which is told without a look at
/// them; a search by halves looks at the text of each name that it comes to.
pub(super) fn member_of<'a>(container: &'a Value, key: &Value) -> &'a Value {
    if let (Value::Object(object), Value::String(name)) = (container, key)
        && object.len() <= FEW
    {
        let is_named = |of: &Value| matches!(of, Value::String(of) if of == name);
        let mut members = object.iter_sorted();
        let found = members.find_map(|(of, member)| is_named(of).then_some(member));
        return found.unwrap_or(&Value::Undefined);
    }
    &container[key]
}

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
        if value { TRUE } else { FALSE }
    }
}
