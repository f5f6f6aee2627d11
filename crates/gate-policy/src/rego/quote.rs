//! Errors of regorus quote the line that they were found in: of a source that has been rewritten
//! since its author saw it. Here the quoted line becomes the author's.

use super::compile::Source;

/// The message with the author's own lines. A mark stays under what it marked, or goes.
pub(super) fn as_written(message: &str, sources: &[Source<'_>]) -> String {
    let lines: Vec<&str> = message.lines().collect();
    let mut written: Vec<String> = Vec::with_capacity(lines.len());
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        at = at.saturating_add(1);
        written.push((*line).to_owned());
        // The place, a rule, the line with its number, the mark, and what is wrong.
        let Some((author, number)) = place(line, sources) else {
            continue;
        };
        let Some([rule, quoted, mark]) = lines.get(at..at.saturating_add(3)) else {
            continue;
        };
        let start = format!("{number} | ");
        let Some(quoted) = quoted.strip_prefix(&start) else {
            continue;
        };
        at = at.saturating_add(3);
        written.push((*rule).to_owned());
        written.push(format!("{start}{author}"));
        if quoted == author {
            written.push((*mark).to_owned());
        } else if let Some(column) = lines.get(at).and_then(|what| marked(what, author)) {
            let width = start.len().saturating_add(column);
            let rule = rule.trim_end();
            written.push(format!(
                "{rule}{}^",
                " ".repeat(width.saturating_sub(rule.len()))
            ));
        }
    }
    written.join("\n")
}

/// The author's line at `--> path:line:column`, and its number.
fn place<'s>(line: &str, sources: &[Source<'s>]) -> Option<(&'s str, usize)> {
    let mut parts = line.strip_prefix("--> ")?.rsplitn(3, ':');
    let (_column, number, path) = (parts.next()?, parts.next()?, parts.next()?);
    let number: usize = number.parse().ok()?;
    let (_, source) = sources.iter().find(|(name, _)| *name == path)?;
    Some((source.lines().nth(number.checked_sub(1)?)?, number))
}

/// Where the name that the error quotes stands in the line.
fn marked(what: &str, line: &str) -> Option<usize> {
    let (_, rest) = what.split_once(['`', '\''])?;
    let (name, _) = rest.split_once(['`', '\''])?;
    let column = line.find(name)?;
    Some(line.get(..column)?.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "package gate\n\nallow if not f(input.x, nmae)\n";

    fn check(quoted: &str, mark: &str, what: &str, expected: &str) {
        let message =
            format!("--> gate.rego:3:20\n  |\n3 | {quoted}\n  | {mark}\nerror: {what}\nmore");
        let written = as_written(&message, &[("gate.rego", SOURCE)]);
        assert_eq!(
            written,
            format!("--> gate.rego:3:20\n  |\n{expected}\nerror: {what}\nmore")
        );
    }

    #[test]
    fn a_rewritten_line_is_the_authors_with_the_mark_under_the_name() {
        check(
            "allow if some gate_1; gate_1 = input.x; not f(gate_1, nmae)",
            "                                                      ^",
            "use of undefined variable `nmae` is unsafe",
            "3 | allow if not f(input.x, nmae)\n  |                         ^",
        );
    }

    #[test]
    fn a_mark_goes_where_nobody_knows_what_it_marked() {
        check(
            "allow if some gate_1; gate_1 = input.x",
            "              ^",
            "var `gate_1` used before definition",
            "3 | allow if not f(input.x, nmae)",
        );
    }

    #[test]
    fn a_line_that_is_the_authors_stays_as_it_is() {
        check(
            "allow if not f(input.x, nmae)",
            "    ^",
            "expecting expression",
            "3 | allow if not f(input.x, nmae)\n  |     ^",
        );
        let other = "no place here\n3 | x\n";
        assert_eq!(as_written(other, &[]), "no place here\n3 | x");
    }
}
