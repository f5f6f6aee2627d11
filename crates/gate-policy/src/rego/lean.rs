//! Copies of a program and its data for the decision path, one per thread: stripped of what only
//! messages need, with compact objects.
//!
//! On every call of a rule the register machine clones the rule's description, and with nearly
//! every instruction it touches a reference count of the program, its literals or the data. Counts
//! shared between cores would cost more than the instructions themselves.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use regorus::rvm::program::{Program, RuleInfo};
use regorus::{Rc, Value};

use super::fraction::Inexact;
use super::shorten;

/// Data of more values than this is shared by all threads: copies are not worth their memory.
const MAX_COPIED_VALUES: usize = 100_000;
const MAX_COPIES: usize = 64;

/// A program and its data.
#[derive(Clone)]
pub(super) struct Lean {
    pub(super) program: Arc<Program>,
    pub(super) data: Value,
    pub(super) inexact: Arc<Inexact>,
}

/// One copy per core, made off the decision path. Later threads share the last one.
pub(super) struct Copies {
    last: Lean,
    rest: Mutex<Vec<Lean>>,
}

impl Copies {
    pub(super) fn new(program: &Program, data: &Value, inexact: &Arc<Inexact>) -> Self {
        let mut shorter = program.clone();
        shorten::shorten(&mut shorter, data);
        let copy = || {
            let mut made = Made::default();
            let data = value(data, &mut made);
            let program = Arc::new(copy(&shorter, &mut made));
            Lean {
                program,
                data,
                inexact: Arc::clone(inexact),
            }
        };
        let count = if values(data) > MAX_COPIED_VALUES {
            0
        } else {
            let cores = std::thread::available_parallelism();
            cores.map_or(1, NonZeroUsize::get).min(MAX_COPIES)
        };
        Self {
            last: copy(),
            rest: Mutex::new((0..count).map(|_| copy()).collect()),
        }
    }

    /// A copy for a machine that judges orders for as long as the bundle is in force.
    pub(super) fn take(&self) -> Lean {
        // A poisoned lock counts as no copies left.
        let taken = self.rest.lock().ok().and_then(|mut rest| rest.pop());
        taken.unwrap_or_else(|| self.shared())
    }

    /// The shared copy, for a machine that runs once.
    pub(super) fn shared(&self) -> Lean {
        self.last.clone()
    }
}

/// What has been copied so far.
#[derive(Default)]
struct Made {
    /// Collections, by the address of the original: a literal that is part of the data is part of
    /// the data's copy, too.
    collections: HashMap<usize, Value>,
    /// Member names and literals: a lookup usually has the very same string as its key.
    names: HashMap<Rc<str>, Value>,
}

impl Made {
    fn name(&mut self, original: &Value) -> Value {
        let Value::String(text) = original else {
            return value(original, self);
        };
        if let Some(name) = self.names.get(text) {
            return name.clone();
        }
        let name = value(original, self);
        self.names.insert(Rc::clone(text), name.clone());
        name
    }
}

/// A copy that shares nothing with the original.
fn copy(original: &Program, made: &mut Made) -> Program {
    let mut program = original.clone();
    // For messages and listings; the machine reads neither.
    program.sources = Vec::new();
    program.instruction_spans = Vec::new();
    let literals = program.literals.iter();
    program.literals = literals.map(|literal| made.name(literal)).collect();
    program.rule_tree = value(&program.rule_tree, made);
    program.rule_infos.iter_mut().for_each(describe);
    program
}

/// Drops from a rule's description what every call would allocate for nothing.
fn describe(rule: &mut RuleInfo) {
    rule.definitions = Rc::new(rule.definitions.as_ref().clone());
    rule.name = String::new();
    // In both tables a missing entry means the same.
    if rule.destructuring_blocks.iter().all(Option::is_none) {
        rule.destructuring_blocks = Vec::new();
    }
    if !rule.else_bodies.iter().flatten().any(|is_else| *is_else) {
        rule.else_bodies = Vec::new();
    }
}

/// A copy that shares nothing with the original; its objects are sorted slices.
fn value(original: &Value, made: &mut Made) -> Value {
    let place = match original {
        Value::Array(items) => Rc::as_ptr(items).addr(),
        Value::Set(items) => Rc::as_ptr(items).addr(),
        Value::Object(members) => Rc::as_ptr(members).addr(),
        Value::String(text) => return text.as_ref().into(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Undefined => {
            return original.clone();
        }
    };
    if let Some(copy) = made.collections.get(&place) {
        return copy.clone();
    }
    let copy: Value = match original {
        Value::Array(items) => {
            let items = items.iter().map(|item| value(item, made));
            items.collect::<Vec<_>>().into()
        }
        Value::Set(items) => {
            let items = items.iter().map(|item| value(item, made));
            items.collect::<BTreeSet<_>>().into()
        }
        Value::Object(members) => {
            let members = members.iter();
            let members = members.map(|(name, member)| (made.name(name), value(member, made)));
            members.collect::<BTreeMap<_, _>>().into()
        }
        other => other.clone(),
    };
    made.collections.insert(place, copy.clone());
    copy
}

fn values(value: &Value) -> usize {
    let inner: usize = match value {
        Value::Array(items) => items.iter().map(values).sum(),
        Value::Set(items) => items.iter().map(values).sum(),
        Value::Object(members) => members.iter().map(|(_, member)| values(member)).sum(),
        _ => 0,
    };
    inner.saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The addresses of all reference-counted parts of a value.
    fn places(value: &Value, found: &mut Vec<usize>) {
        match value {
            Value::String(text) => found.push(text.as_ptr().addr()),
            Value::Array(items) => {
                found.push(Rc::as_ptr(items).addr());
                items.iter().for_each(|item| places(item, found));
            }
            Value::Set(items) => {
                found.push(Rc::as_ptr(items).addr());
                items.iter().for_each(|item| places(item, found));
            }
            Value::Object(members) => {
                found.push(Rc::as_ptr(members).addr());
                for (name, member) in members.iter() {
                    places(name, found);
                    places(member, found);
                }
            }
            _ => {}
        }
    }

    #[test]
    fn a_copy_is_equal_and_shares_nothing() {
        let mut original =
            Value::from_json_str(r#"{"a":[1,"x",{"b":null}],"c":{"d":true,"e":{}},"f":1.5}"#)
                .unwrap();
        let set = Value::from(BTreeSet::from(["y".into(), original.clone()]));
        original.as_object_mut().unwrap().insert("set".into(), set);
        let mut copies = Made::default();
        let made = value(&original, &mut copies);
        assert_eq!(made, original);
        // A part of it is copied once.
        let (part, again) = (&made["c"], value(&original["c"], &mut copies));
        let (Value::Object(part), Value::Object(again)) = (part, &again) else {
            panic!("two objects");
        };
        assert!(Rc::ptr_eq(part, again));
        let (mut before, mut after) = (Vec::new(), Vec::new());
        places(&original, &mut before);
        places(&made, &mut after);
        assert_eq!(before.len(), after.len());
        assert!(!before.is_empty() && before.iter().all(|place| !after.contains(place)));
    }

    #[test]
    fn a_name_in_the_data_is_the_literal_of_the_same_copy() {
        let data = Value::from_json_str(r#"{"limits":{"qty":1},"qty":"qty"}"#).unwrap();
        let mut program = Program::new();
        program.literals = vec!["qty".into(), "limits".into()];
        let copies = Copies::new(&program, &data, &Arc::default());
        let (one, other) = (copies.take(), copies.shared());
        let place = |text: &Value| match text {
            Value::String(text) => text.as_ptr().addr(),
            other => panic!("{other} is no text"),
        };
        let names = |lean: &Lean| {
            let (inner, outer) = (lean.data["limits"].clone(), lean.data.clone());
            let last = |object: &Value| place(object.as_object().unwrap().keys().last().unwrap());
            [last(&inner), last(&outer), place(&lean.program.literals[0])]
        };
        let [inner, outer, literal] = names(&one);
        assert_eq!((inner, outer), (literal, literal));
        assert!(!names(&other).contains(&literal), "two threads count it");
        // A string that is not a member name is not shared.
        assert_ne!(place(&one.data["qty"]), literal);
    }

    #[test]
    fn each_core_gets_its_own_copy_and_large_data_is_shared() {
        let distinct = |data: &Value| {
            let copies = Copies::new(&Program::new(), data, &Arc::default());
            let taken = [copies.take(), copies.take(), copies.take()];
            let mut programs = taken
                .each_ref()
                .map(|lean| Arc::as_ptr(&lean.program))
                .to_vec();
            programs.sort_unstable();
            programs.dedup();
            assert!(taken.iter().all(|lean| lean.data == *data));
            programs.len()
        };
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        assert_eq!(distinct(&Value::from("small")), 3.min(cores + 1));
        let large = Value::from(vec![Value::Null; MAX_COPIED_VALUES]);
        assert_eq!(distinct(&large), 1);
    }
}
