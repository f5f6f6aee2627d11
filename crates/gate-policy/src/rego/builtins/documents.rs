//! `json.is_valid` and `json.unmarshal` as OPA has them: Go reads numbers of any size, and a half of a character for `�`.

use regorus::unstable::BuiltinFcn;
use regorus::{LimitError, Value};
use serde::de::IgnoredAny;

use super::beyond;
use crate::rego::growth::{MAX_MADE_BYTES, hides_number};

/// Both, by name.
pub(super) const BUILTINS: [(&str, BuiltinFcn); 2] = [
    (
        "json.is_valid",
        (|_, _, args, _| Ok(is_valid(args)?.into()), 1),
    ),
    ("json.unmarshal", (|_, _, args, _| Ok(unmarshal(args)?), 1)),
];

/// Go refuses more levels.
const MAX_LEVELS: usize = 10_000;

fn is_valid(args: &[Value]) -> Result<bool, LimitError> {
    match args {
        [Value::String(text)] => is_json(text),
        _ => Ok(false),
    }
}

fn unmarshal(args: &[Value]) -> Result<Value, LimitError> {
    let [Value::String(text)] = args else {
        return Ok(Value::Undefined);
    };
    if text.len() > MAX_MADE_BYTES || hides_number(text) {
        return Err(beyond());
    }
    if !is_json(text)? {
        return Ok(Value::Undefined);
    }
    Value::from_json_str(text).map_err(|_| beyond())
}

/// What is skipped is read for its form only.
fn is_json(text: &str) -> Result<bool, LimitError> {
    let levels = text.bytes().filter(|byte| matches!(byte, b'[' | b'{'));
    if levels.count() > MAX_LEVELS {
        return Err(beyond());
    }
    Ok(serde_json::from_str::<IgnoredAny>(text).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What OPA 1.20.2 answers.
    #[test]
    fn a_text_is_json_when_go_says_so() {
        for valid in [
            "1E400",
            r#""\ud800""#,
            r#"{"a": 1, "a": 2}"#,
            " 1\n",
            "-0",
            "0.1e-2",
            r#""\/""#,
        ] {
            assert!(is_valid(&[valid.into()]).unwrap(), "{valid}");
        }
        for invalid in [
            "", "nul", "[1,]", "01", "-", "1 2", "NaN", "\"a\nb\"", "\u{a0}1", r#""\x""#, ".5",
            "1.", "+1",
        ] {
            assert!(!is_valid(&[invalid.into()]).unwrap(), "{invalid}");
            let read = unmarshal(&[invalid.into()]);
            assert_eq!(read.unwrap(), Value::Undefined, "{invalid}");
        }
        assert!(!is_valid(&[1.into()]).unwrap());
    }

    #[test]
    fn what_go_alone_reads_ends_the_evaluation() {
        for text in [r#""\ud800""#, "1E400"] {
            assert!(unmarshal(&[text.into()]).is_err(), "{text}");
        }
        assert!(is_valid(&["[".repeat(10_001).into()]).is_err());
        assert_eq!(
            unmarshal(&[" [1e2]".into()]).unwrap(),
            vec![Value::from(100)].into()
        );
    }
}
