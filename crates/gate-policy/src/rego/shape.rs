//! Reads a policy's answer as a verdict. Only an object with `allow: true` is an allow.

use std::borrow::Cow;

use gate_types::{Decimal, Notional};
use regorus::Value;

use crate::verdict::{Verdict, reason};

/// The most reasons an answer may give.
pub const MAX_REASONS: usize = 32;
/// The longest reason, in bytes.
pub const MAX_REASON_BYTES: usize = 128;

/// The verdict, or a block with `policy_undefined` or `policy_shape`.
pub(super) fn verdict(answer: &Value) -> Verdict {
    if *answer == Value::Undefined {
        return Verdict::blocked(reason::POLICY_UNDEFINED);
    }
    read(answer).unwrap_or_else(|| Verdict::blocked(reason::POLICY_SHAPE))
}

/// What is wrong with the answer, when something is.
pub(super) fn fault(answer: &Value) -> Option<String> {
    if *answer == Value::Undefined {
        return Some("is undefined".to_owned());
    }
    read(answer).is_none().then(|| {
        format!(
            "is not of the documented shape: an object of `allow` (a boolean), `reasons` (up to \
             {MAX_REASONS} strings of 1 to {MAX_REASON_BYTES} bytes without control characters), \
             perhaps `limits` with `max_exposure` (a number from 0), and nothing else"
        )
    })
}

fn read(answer: &Value) -> Option<Verdict> {
    let Value::Object(answer) = answer else {
        return None;
    };
    let (mut allow, mut reasons, mut max_exposure) = (None, None, None);
    for (name, value) in answer.iter() {
        match (text(name)?, value) {
            ("allow", Value::Bool(value)) => allow = Some(*value),
            ("reasons", Value::Array(items)) => reasons = Some(texts(items.iter())?),
            // A set is an array in JSON.
            ("reasons", Value::Set(items)) => reasons = Some(texts(items.iter())?),
            ("limits", Value::Object(limits)) => {
                for (name, value) in limits.iter() {
                    match text(name)? {
                        "max_exposure" => max_exposure = Some(limit(value)?),
                        _ => return None,
                    }
                }
            }
            _ => return None,
        }
    }
    Some(Verdict::new(allow?, reasons?, max_exposure))
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

fn texts<'a>(values: impl Iterator<Item = &'a Value>) -> Option<Vec<Cow<'static, str>>> {
    let mut reasons = Vec::new();
    for value in values {
        let reason = text(value)?;
        let bad = reason.is_empty()
            || reason.len() > MAX_REASON_BYTES
            || reason.chars().any(char::is_control);
        if bad || reasons.len() >= MAX_REASONS {
            return None;
        }
        reasons.push(match reason::BUILTIN.binary_search(&reason) {
            Ok(at) => Cow::Borrowed(*reason::BUILTIN.get(at)?),
            Err(_) => Cow::Owned(reason.to_owned()),
        });
    }
    Some(reasons)
}

/// A limit in the account's currency, truncated to a micro, which is the tighter side.
fn limit(value: &Value) -> Option<Notional> {
    let Value::Number(number) = value else {
        return None;
    };
    if let Some(whole) = number.as_u128() {
        return Notional::from_micros(whole.checked_mul(1_000_000)?).ok();
    }
    let number = number.as_f64().filter(|number| number.is_finite())?;
    let text = format!("{number}");
    let text = match text.split_once('.') {
        Some((whole, fraction)) => format!("{whole}.{}", fraction.get(..6).unwrap_or(fraction)),
        None => text,
    };
    let nanos = Decimal::parse(&text).ok()?.nanos();
    Notional::from_micros(nanos.wrapping_div(1_000)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(answer: &str, expected: &str) {
        let verdict = verdict(&Value::from_json_str(answer).unwrap());
        let limit = verdict.max_exposure.map(|limit| format!(" ≤ {limit}"));
        let shown = format!(
            "{} {:?}{}",
            verdict.allow,
            verdict.reasons,
            limit.unwrap_or_default()
        );
        assert_eq!(shown, expected, "{answer}");
    }

    #[test]
    fn takes_the_documented_shape() {
        check(r#"{"allow":true,"reasons":[]}"#, "true []");
        check(
            r#"{"allow":false,"reasons":["b","a"]}"#,
            r#"false ["a", "b"]"#,
        );
        check(
            r#"{"allow":false,"reasons":[]}"#,
            r#"false ["policy_denied"]"#,
        );
        check(
            r#"{"allow":true,"reasons":["noted"],"limits":{"max_exposure":5000.25}}"#,
            r#"true ["noted"] ≤ 5000.25"#,
        );
        check(
            r#"{"allow":true,"reasons":[],"limits":{"max_exposure":0.12345678}}"#,
            "true [] ≤ 0.123456",
        );
        check(r#"{"allow":true,"reasons":[],"limits":{}}"#, "true []");
    }

    #[test]
    fn anything_else_is_policy_shape() {
        for answer in [
            "true",
            "null",
            "1",
            r#""allow""#,
            "[]",
            "{}",
            r#"{"allow":true}"#,
            r#"{"reasons":[]}"#,
            r#"{"allow":1,"reasons":[]}"#,
            r#"{"allow":"true","reasons":[]}"#,
            r#"{"allow":true,"reasons":"x"}"#,
            r#"{"allow":true,"reasons":[1]}"#,
            r#"{"allow":true,"reasons":[""]}"#,
            r#"{"allow":true,"reasons":["a\nb"]}"#,
            r#"{"allow":true,"reasons":{}}"#,
            r#"{"allow":true,"reasons":[],"more":1}"#,
            r#"{"allow":true,"reasons":[],"limits":5}"#,
            r#"{"allow":true,"reasons":[],"limits":{"max_exposure":"5"}}"#,
            r#"{"allow":true,"reasons":[],"limits":{"max_exposure":-1}}"#,
            r#"{"allow":true,"reasons":[],"limits":{"max_exposure":1e40}}"#,
            r#"{"allow":true,"reasons":[],"limits":{"max_exposre":5}}"#,
        ] {
            check(answer, r#"false ["policy_shape"]"#);
        }
        let many = vec!["\"r\""; MAX_REASONS + 1].join(",");
        check(
            &format!(r#"{{"allow":false,"reasons":[{many}]}}"#),
            r#"false ["policy_shape"]"#,
        );
    }

    #[test]
    fn no_answer_is_policy_undefined() {
        assert_eq!(
            verdict(&Value::Undefined).reasons,
            [reason::POLICY_UNDEFINED]
        );
    }
}
