//! `semver.compare` and `semver.is_valid` as in OPA: a `v` may precede the version, numbers may
//! begin with zeros and must fit in 64 bits.

use std::cmp::Ordering;

use regorus::unstable::BuiltinFcn;
use regorus::{LimitError, Value};

use super::beyond;

pub(super) const BUILTINS: [(&str, BuiltinFcn); 2] = [
    ("semver.compare", (|_, _, args, _| Ok(compare(args)?), 2)),
    ("semver.is_valid", (|_, _, args, _| Ok(is_valid(args)), 1)),
];

fn compare(args: &[Value]) -> Result<Value, LimitError> {
    let [Value::String(left), Value::String(right)] = args else {
        return Ok(Value::Undefined);
    };
    let (Some(left), Some(right)) = (Version::read(left), Version::read(right)) else {
        return Ok(Value::Undefined);
    };
    Ok(Value::from(match left.compare(&right)? {
        Ordering::Less => -1,
        Ordering::Equal => 0,
        Ordering::Greater => 1,
    }))
}

fn is_valid(args: &[Value]) -> Value {
    match args {
        [Value::String(text)] => Version::read(text).is_some().into(),
        _ => false.into(),
    }
}

#[derive(Debug)]
struct Version<'a> {
    numbers: [i64; 3],
    /// The pre-release; empty if there is none.
    early: &'a str,
}

impl<'a> Version<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let (text, built) = text.split_once('+').unwrap_or((text, ""));
        let (text, early) = text.split_once('-').unwrap_or((text, ""));
        let mut numbers = text.split('.').map(number);
        let read = [numbers.next()??, numbers.next()??, numbers.next()??];
        let is_one = numbers.next().is_none() && is_named(built) && is_named(early);
        is_one.then_some(Self {
            numbers: read,
            early,
        })
    }

    /// OPA loops forever on two pre-releases that differ only in zeros before a number.
    fn compare(&self, other: &Self) -> Result<Ordering, LimitError> {
        let by_number = self.numbers.cmp(&other.numbers);
        if by_number != Ordering::Equal || self.early == other.early {
            return Ok(by_number);
        }
        match (self.early, other.early) {
            ("", _) => return Ok(Ordering::Greater),
            (_, "") => return Ok(Ordering::Less),
            _ => {}
        }
        let (mut left, mut right) = (self.early.split('.'), other.early.split('.'));
        loop {
            let order = match (left.next(), right.next()) {
                (Some(left), Some(right)) => of_parts(left, right),
                (None, Some(_)) => Ordering::Less,
                (Some(_), None) => Ordering::Greater,
                (None, None) => return Err(beyond()),
            };
            if order != Ordering::Equal {
                return Ok(order);
            }
        }
    }
}

/// Compares pre-release parts. A number comes before a name; one beyond 64 bits is the largest.
fn of_parts(left: &str, right: &str) -> Ordering {
    let value = |part: &str| part.parse().unwrap_or(i64::MAX);
    match (is_number(left), is_number(right)) {
        (true, true) => value(left).cmp(&value(right)),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => left.cmp(right),
    }
}

fn number(text: &str) -> Option<i64> {
    is_number(text).then(|| text.parse().ok()).flatten()
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit())
}

/// Whether it is empty, or names separated by points.
fn is_named(text: &str) -> bool {
    let is_name = |name: &str| {
        let mut letters = name.bytes();
        !name.is_empty() && letters.all(|letter| letter == b'-' || letter.is_ascii_alphanumeric())
    };
    text.is_empty() || text.split('.').all(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What OPA 1.20.2 answers.
    #[test]
    fn versions_are_compared_as_in_opa() {
        for (left, right, order) in [
            ("v1.2.3", "1.2.3", Some(0)),
            ("01.2.3", "1.2.3", Some(0)),
            ("1.2.3+b2", "1.2.3-beta+b1", Some(1)),
            ("1.2.3-9", "1.2.3-10", Some(-1)),
            ("1.2.3-9", "1.2.3-1a", Some(-1)),
            ("1.2.3-alpha", "1.2.3-alpha.1", Some(-1)),
            ("1.2.3-", "1.2.3", Some(0)),
            ("1.2", "1.2.3", None),
            (" 1.2.3", "1.2.3", None),
            ("99999999999999999999.0.0", "1.2.3", None),
            ("1.2.3-a..b", "1.2.3", None),
        ] {
            let expected = order.map_or(Value::Undefined, |order: i32| Value::from(order));
            let compared = compare(&[left.into(), right.into()]);
            assert_eq!(compared.unwrap(), expected, "{left} {right}");
        }
    }

    #[test]
    fn where_opa_never_ends_the_evaluation_does() {
        assert!(compare(&["1.2.3-1".into(), "1.2.3-01".into()]).is_err());
    }

    #[test]
    fn what_is_no_text_is_no_version() {
        assert_eq!(is_valid(&[1.into()]), false.into());
        assert_eq!(is_valid(&["1.2.3+".into()]), true.into());
        assert_eq!(is_valid(&["1.2.3.4".into()]), false.into());
    }
}
