//! How OPA hashes the files of a signed bundle: JSON by its content, everything else by its bytes.

use std::collections::BTreeMap;

use ring::digest;
use serde_json::value::RawValue;

use super::SignatureError;
use crate::bundle::files::Kind;

/// The hash of a file, in lower-case hex.
pub(super) fn hash(path: &str, content: &[u8], algorithm: &str) -> Result<String, SignatureError> {
    let algorithm = match algorithm {
        "SHA-256" => &digest::SHA256,
        "SHA-384" => &digest::SHA384,
        "SHA-512" => &digest::SHA512,
        _ => return Err(SignatureError::HashAlgorithm(path.to_owned())),
    };
    let structured = matches!(Kind::of(path), Some(Kind::Data | Kind::Manifest));
    let digest = if structured {
        let text = std::str::from_utf8(content).ok();
        let value = text.and_then(|text| serde_json::from_str::<&RawValue>(text).ok());
        let mut canonical = String::new();
        value
            .and_then(|value| write(value, &mut canonical))
            .ok_or_else(|| SignatureError::Content(path.to_owned()))?;
        digest::digest(algorithm, canonical.as_bytes())
    } else {
        digest::digest(algorithm, content)
    };
    let hex = digest.as_ref().iter().map(|byte| format!("{byte:02x}"));
    Ok(hex.collect())
}

/// OPA's canonical form: members in the byte order of their names, no space, numbers as written.
fn write(value: &RawValue, out: &mut String) -> Option<()> {
    let text = value.get();
    match text.as_bytes().first()? {
        b'{' => {
            let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
            out.push('{');
            for (index, (name, member)) in members.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_string(&name, out);
                out.push(':');
                write(member, out)?;
            }
            out.push('}');
        }
        b'[' => {
            let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            out.push('[');
            for (index, item) in items.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, out)?;
            }
            out.push(']');
        }
        b'"' => write_string(&serde_json::from_str::<String>(text).ok()?, out),
        _ => out.push_str(text),
    }
    Some(())
}

/// As Go's `encoding/json` writes a string when HTML is not escaped.
fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..='\u{1f}' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: &str) {
        let mut out = String::new();
        write(serde_json::from_str(json).unwrap(), &mut out).unwrap();
        assert_eq!(out, expected);
    }

    #[test]
    fn json_is_hashed_by_content() {
        check(
            "{ \"b\": [1, 2.50, \"<é>\\u000a\"], \"a\": {\"z\": null, \"Z\": true} }",
            r#"{"a":{"Z":true,"z":null},"b":[1,2.50,"<é>\n"]}"#,
        );
        let spaced = hash("data.json", b"{ \"a\" : 1 }", "SHA-256");
        assert_eq!(spaced, hash("x/data.json", b"{\"a\":1}", "SHA-256"));
        assert_ne!(spaced, hash("x.rego", b"{\"a\":1}", "SHA-512"));
    }
}
