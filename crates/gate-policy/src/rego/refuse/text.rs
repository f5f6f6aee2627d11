//! Checks a module's text before regorus parses it: nesting depth, chains of operators, length of
//! numbers, keywords of another version. The parser recurses for each bracket and operator, and
//! would hang or overflow the stack.

use crate::rego::CompileError;

/// The deepest nesting of brackets in a module; the parser's time doubles with each level.
pub const MAX_REGO_NESTING: usize = 16;

/// The longest chain of operators in an expression, and of rules that depend on one another.
/// Parser, compiler and interpreter recurse for each link.
pub const MAX_REGO_CHAIN: usize = 128;

/// Refuses a module that is nested too deep or chains too many operators, before it is parsed.
pub(in crate::rego) fn nesting(path: &str, source: &str) -> Result<(), CompileError> {
    // The operators so far in the expression at each depth.
    let mut chains = vec![0_usize];
    let mut last = Token::End;
    let mut is_new_line = false;
    let code = code(source);
    if has_long_number(&code) {
        return Err(CompileError::Parse {
            path: path.to_owned(),
            message: "a number with an exponent of more than three digits".to_owned(),
        });
    }
    for token in Tokens(code.trim()) {
        if token == Token::NewLine {
            is_new_line = true;
            continue;
        }
        // A line break ends an expression unless an operator or an opening bracket continues it.
        let goes_on = last == Token::Operator || matches!(token, Token::Operator | Token::Open);
        if token == Token::End || (is_new_line && !goes_on) {
            chains.last_mut().map(std::mem::take);
        }
        match token {
            Token::Operator | Token::Open => {
                let chain = chains.last_mut().map(|chain| {
                    *chain = chain.saturating_add(1);
                    *chain
                });
                if chain.is_some_and(|chain| chain > MAX_REGO_CHAIN) {
                    return Err(CompileError::Chain(path.to_owned()));
                }
            }
            _ => {}
        }
        match token {
            Token::Open if chains.len() > MAX_REGO_NESTING => {
                return Err(CompileError::TooDeep(path.to_owned()));
            }
            Token::Open => chains.push(0),
            Token::Close if chains.len() > 1 => drop(chains.pop()),
            _ => {}
        }
        (last, is_new_line) = (token, false);
    }
    Ok(())
}

/// Whether there is a number such as `1e1000000000`: the parser would write it out.
fn has_long_number(code: &str) -> bool {
    code.match_indices(['e', 'E']).any(|(at, _)| {
        let (before, after) = code.split_at(at);
        let word = before.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        let is_number =
            word.len() < at && !word.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let exponent = after.get(1..).unwrap_or_default();
        let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
        let digits = exponent.bytes().take_while(u8::is_ascii_digit).count();
        is_number && digits > 3
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    /// Of one character, or `in`.
    Operator,
    /// `,` and `;`.
    End,
    NewLine,
    Other,
}

/// A rough tokenizer, enough to tell where an expression continues.
struct Tokens<'s>(&'s str);

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let rest = self.0.trim_start_matches([' ', '\t', '\r']);
        let first = rest.chars().next()?;
        let end = if is_word(first) {
            rest.find(|c| !is_word(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (token, rest) = rest.split_at(end);
        self.0 = rest;
        Some(match token {
            "(" | "[" | "{" => Token::Open,
            ")" | "]" | "}" => Token::Close,
            "," | ";" => Token::End,
            "\n" => Token::NewLine,
            "in" => Token::Operator,
            _ if is_word(first) => Token::Other,
            _ => Token::Operator,
        })
    }
}

/// Refuses a v0 module that uses a keyword of later versions without importing it. OPA does too;
/// regorus would read `allow if { … }` as a rule `allow` without a condition, and go on.
pub(in crate::rego) fn keywords(path: &str, source: &str) -> Result<(), CompileError> {
    let code = code(source);
    if code.contains("import rego.v1") {
        return Ok(());
    }
    // What stands between the imports, and the keywords that they name.
    let mut parts = code.split("import future.keywords");
    let mut between = parts.next().unwrap_or_default().to_owned();
    let mut imported = Vec::new();
    for part in parts {
        let Some(name) = part.strip_prefix('.') else {
            if part.starts_with(is_word) {
                between.push_str(part);
                continue;
            }
            // All of them.
            return Ok(());
        };
        let end = name.find(|c: char| !is_word(c)).unwrap_or(name.len());
        let (name, after) = name.split_at(end);
        imported.push(name);
        between.push_str(after);
    }
    let is_imported =
        |word: &str| imported.contains(&word) || (word == "in" && imported.contains(&"every"));
    let mut rest = between.as_str();
    while let Some(start) = rest.find(is_word) {
        let (_, from) = rest.split_at(start);
        let end = from.find(|c: char| !is_word(c));
        let (word, after) = from.split_at(end.unwrap_or(from.len()));
        // `contains(…)` is a builtin.
        let is_call = after.trim_start().starts_with('(');
        let is_keyword = matches!(word, "if" | "every" | "in") || (word == "contains" && !is_call);
        if is_keyword && !is_imported(word) {
            return Err(CompileError::Parse {
                path: path.to_owned(),
                message: format!("`{word}` is no keyword of Rego v0 without an import"),
            });
        }
        rest = after;
    }
    Ok(())
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The source without its comments, each string replaced by a word: like a name, a string does not
/// continue an expression.
fn code(source: &str) -> String {
    let mut code = String::new();
    let mut end = 0;
    for (at, c) in outside(source) {
        if source
            .get(end..at)
            .is_some_and(|skipped| skipped.starts_with(['"', '`']))
        {
            code.push_str(" s ");
        }
        code.push(c);
        end = at.saturating_add(c.len_utf8());
    }
    code
}

/// The characters outside comments and strings, with their offsets.
pub(in crate::rego) fn outside(source: &str) -> impl Iterator<Item = (usize, char)> {
    let mut rest = source.char_indices();
    std::iter::from_fn(move || {
        loop {
            let (at, c) = rest.next()?;
            match c {
                '#' => return rest.find(|(_, c)| *c == '\n'),
                '`' => while rest.next().is_some_and(|(_, c)| c != '`') {},
                '"' => {
                    while let Some((_, c)) = rest.next() {
                        match c {
                            '\\' => drop(rest.next()),
                            '"' | '\n' => break,
                            _ => {}
                        }
                    }
                }
                c => return Some((at, c)),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_keywords_of_a_v0_module_each_is_imported() {
        let refused = |source: &str| match keywords("x", source) {
            Err(CompileError::Parse { message, .. }) => Some(message),
            checked => checked.map(|()| None).unwrap(),
        };
        for (imports, body, word) in [
            ("", "p if { q }", Some("if")),
            ("", "p contains 1", Some("contains")),
            ("", "p { contains(input.x, \"if\") } # if", None),
            ("import future.keywords.in", "p = 1 if { q }", Some("if")),
            ("import future.keywords.in", "p { 1 in q }", None),
            ("import future.keywords.if", "p if { 1 in q }", Some("in")),
            (
                "import future.keywords.if\nimport future.keywords.in",
                "p if { 1 in q }",
                None,
            ),
            (
                "import future.keywords.every",
                "p { every x in q { x } }",
                None,
            ),
            (
                "import future.keywords.every",
                "p contains 1",
                Some("contains"),
            ),
            (
                "import future.keywords",
                "p contains 1 if { every x in q { x } }",
                None,
            ),
            ("import future.keywordss", "p if { q }", Some("if")),
            ("import rego.v1", "p if { q }", None),
            ("# import rego.v1", "p if { q }", Some("if")),
        ] {
            let message = refused(&format!("package gate\n{imports}\n{body}\n"));
            let expected =
                word.map(|word| format!("`{word}` is no keyword of Rego v0 without an import"));
            assert_eq!(message, expected, "{imports}: {body}");
        }
    }

    #[track_caller]
    fn check(link: &str, end: &str, is_chain: bool) {
        let source = format!(
            "package gate\nx := 1 if {{\n{}{end}\n}}\n",
            link.repeat(200)
        );
        let refused = nesting("x", &source) == Err(CompileError::Chain("x".to_owned()));
        assert_eq!(refused, is_chain, "{link}");
    }

    #[test]
    fn a_chain_is_one_whatever_stands_between_its_links() {
        check("-\n", "1", true);
        check("1 +\n", "1", true);
        check("1\n+ ", "1", true);
        check("1 == # a comment; and more\n", "1", true);
        check("[1] in\n", "[1]", true);
        check("{\"a\", \"b\"} |\n", "{1}", true);
        check("(1) +\n", "1", true);
        check("f(1)\n* ", "1", true);
        check("[\n0]", "", true);
        check("a.b", "", true);
        check("\"a\" +\n", "1", true);
        check("\"a\"\n+ ", "1", true);
    }

    #[test]
    fn a_number_is_not_longer_than_it_looks() {
        let check = |number: &str| nesting("x", &format!("package gate\nx := {number}\n"));
        for number in ["1e99999999", "1.5E+99999999", "[0e0000]"] {
            assert!(
                matches!(check(number), Err(CompileError::Parse { .. })),
                "{number}"
            );
        }
        for number in [
            "1e308",
            "1.5E-99999999",
            "a1e99999",
            "\"1e99999\"",
            "b.e9999",
        ] {
            assert_eq!(check(number), Ok(()), "{number}");
        }
    }

    #[test]
    fn many_short_expressions_are_no_chain() {
        check("y > 1\n", "", false);
        check("y[0]; z[1];", "", false);
        check("input.order.qty <= 5 # x\n", "", false);
        check("f(a, b + c)\n", "", false);
        check("y := {\"a\": 1, \"b\": [2, 3]}\n", "", false);
        check("y == \"a\"\n", "", false);
        check("y == `a`\n", "", false);
        check("\"a\" == y\n", "", false);
        check("y == \"a\" # \"b\"\n", "", false);
        let items = format!("package gate\nx := [{}]\n", "\n1 + 2,".repeat(500));
        assert_eq!(nesting("x", &items), Ok(()));
        let rules = format!(
            "package gate\n{}",
            "deny contains \"a.b\" if x.y\n".repeat(500)
        );
        assert_eq!(nesting("x", &rules), Ok(()));
    }
}
