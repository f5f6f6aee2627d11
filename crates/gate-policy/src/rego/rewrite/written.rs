//! Rewrites source that regorus 0.14.1 does not parse as OPA does. Lines stay.

use std::borrow::Cow;

use crate::rego::refuse::text::outside;

/// The source as regorus is to read it.
pub(in crate::rego) fn written(source: &str) -> String {
    heads(&apart(source))
}

/// Inserts a `;` before a parenthesis that begins a line, after a line that ends with a name or an
/// index: regorus 0.14.1 takes the two for a call. In OPA a call has its parenthesis beside its
/// name.
fn apart(source: &str) -> Cow<'_, str> {
    const KEYWORDS: [&str; 10] = [
        "as", "contains", "default", "else", "every", "if", "in", "not", "some", "with",
    ];
    let mut apart = String::new();
    let (mut from, mut line, mut word) = (0, 0, 0..0);
    for (at, c) in outside(source) {
        match c {
            '\n' => line = at,
            c if c.is_whitespace() => {}
            '(' if line >= word.end => {
                let before = source.get(word.clone()).unwrap_or_default();
                let is_member = source
                    .get(..word.start)
                    .is_some_and(|text| text.ends_with('.'));
                if !before.is_empty() && (is_member || !KEYWORDS.contains(&before)) {
                    apart.push_str(source.get(from..at).unwrap_or_default());
                    apart.push(';');
                    from = at;
                }
                word = at..at;
            }
            c => {
                let end = at.saturating_add(c.len_utf8());
                let is_part = c.is_alphanumeric() || c == '_';
                // A name grows; a closing bracket counts as one.
                word = match (is_part, word.end == at) {
                    (true, true) => word.start..end,
                    (true, false) => at..end,
                    (false, _) if c == ']' => at..end,
                    (false, _) => end..end,
                };
            }
        }
    }
    if from == 0 {
        return Cow::Borrowed(source);
    }
    apart.push_str(source.get(from..).unwrap_or_default());
    Cow::Owned(apart)
}

/// Repeats the head of a set rule before each further body (`deny contains x if { … } { … }`),
/// which regorus refuses. (It accepts those of other rules, which `rego/rewrite/bodies.rs`
/// rewrites.)
fn heads(source: &str) -> String {
    let mut written = String::new();
    let (mut from, mut depth) = (0, 0_usize);
    let mut start = 0;
    let mut head = None;
    let (mut last, mut is_new_line) = (' ', false);
    for (at, c) in outside(source) {
        if c.is_whitespace() {
            is_new_line |= c == '\n';
            continue;
        }
        if depth == 0 && is_new_line && c != '{' {
            start = at;
        }
        match c {
            '{' if depth == 0 => {
                if let (Some(head), '}') = (head, last) {
                    written.push_str(source.get(from..at).unwrap_or_default());
                    written.push_str(head);
                    from = at;
                } else {
                    head = source.get(start..at).filter(|text| is_head_of_set(text));
                }
                depth = 1;
            }
            '{' | '[' | '(' => depth = depth.saturating_add(1),
            '}' | ']' | ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        (last, is_new_line) = (c, false);
    }
    written.push_str(source.get(from..).unwrap_or_default());
    written
}

/// Whether the text is `name contains term if` or `name[term]`, and complete.
fn is_head_of_set(text: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let text = text.trim_end();
    let name = text.trim_start_matches(|c: char| is_word(c) || c == '.');
    let rest = name.trim_start();
    let is_set = name.starts_with('[')
        || rest
            .strip_prefix("contains")
            .is_some_and(|term| !term.starts_with(is_word));
    let ends_with_value = text.ends_with(|c: char| is_word(c) || "]})\"`".contains(c));
    let last_word = text.rsplit(|c| !is_word(c)).next().unwrap_or_default();
    let mut words = text.split(|c| !is_word(c));
    is_set
        && name.len() < text.len()
        && ends_with_value
        && !["contains", "in", "not"].contains(&last_word)
        && !text.contains('\n')
        && !words.any(|word| word == "else")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parenthesis_that_begins_a_line_is_no_call() {
        let check = |source: &str, expected: &str| assert_eq!(apart(source), expected);
        check(
            "p if {\n\tx\n\t(1 + 1) == 2\n}",
            "p if {\n\tx\n\t;(1 + 1) == 2\n}",
        );
        check("x.in\n(y)", "x.in\n;(y)");
        check("x[0] # (a\n(y)", "x[0] # (a\n;(y)");
        check("é\n\n(y)\nz\n(1)", "é\n\n;(y)\nz\n;(1)");
        for other in [
            "f(x)",
            "f (x)",
            "x := 1 +\n(y)",
            "x :=\n(y)",
            "not\n(y)",
            "x in\n(y)",
            "p if\n(y)",
            "x,\n(y)",
            "f(x)\n(y)",
            "{\n(y)",
            "\n(y)",
            "x\n\"(\"",
            "x := `a\n(b`",
            "x == \"a\"\n(y)",
        ] {
            check(other, other);
        }
    }

    #[test]
    fn a_further_body_of_a_set_gets_its_head() {
        let check = |source: &str, expected: &str| assert_eq!(heads(source), expected);
        check(
            "a if { x }\ndeny contains x if { y } { z }\n# {\n{ w }\nb { c }",
            "a if { x }\ndeny contains x if { y } deny contains x if { z }\n# {\ndeny contains x if { w }\nb { c }",
        );
        check(
            "deny[{\"m\": \"}\"}] {\n\tx\n} {\n\ty[{1}]\n}\n",
            "deny[{\"m\": \"}\"}] {\n\tx\n} deny[{\"m\": \"}\"}] {\n\ty[{1}]\n}\n",
        );
        check(
            "p contains {\"a\"} if { y } { z }",
            "p contains {\"a\"} if { y } p contains {\"a\"} if { z }",
        );
        for other in [
            "p if { y } { z }",
            "p := 1 if { y } { z }",
            "p contains {1} { y }",
            "p contains 1 in {1} { y }",
            "p contains x if { y }\nq := {1}\nr if { z }",
            "p contains x if {\n\ty\n}\nq { y } { z }",
            "p[x] = 1 { y } else = 2 { z } { w }",
            "p contains\n\tx if { y } { z }",
            "p[\n\tx] { y } { z }",
            "else[x] { y } else[x] { z }",
            "contains { y } { z }",
        ] {
            check(other, other);
        }
    }
}
