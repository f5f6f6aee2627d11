//! Edits a module's source by byte offset: the ranges of statements and expressions, and applying
//! edits.

use regorus::unstable::{Expr, LiteralStmt};

/// Replaces the bytes from `start` to `end`; an insertion when they are equal.
pub(crate) struct Edit {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) text: String,
}

pub(in crate::rego) fn insertion(at: usize, text: &str) -> Edit {
    Edit {
        start: at,
        end: at,
        text: text.to_owned(),
    }
}

pub(in crate::rego) fn offset(at: u32) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

/// The byte range of a statement.
pub(crate) fn range(source: &str, statement: &LiteralStmt) -> (usize, usize) {
    quoted(source, statement.span.start, statement.span.end)
}

/// The byte range of an expression, without parentheses around it.
pub(crate) fn extent(source: &str, expr: &Expr) -> (usize, usize) {
    let (start, end) = quoted(source, expr.span().start, expr.span().end);
    match expr {
        // regorus' span of an object begins with its last member.
        Expr::Object { fields, .. } => {
            let first = fields.first();
            let first = first.map_or(start, |(span, ..)| quoted(source, span.start, span.end).0);
            let before = source.get(..first).unwrap_or_default();
            let opening = before.rmatch_indices('{').map(|(at, _)| at);
            let mut opening =
                opening.filter(|at| is_blank(source.get(at.saturating_add(1)..first)));
            (opening.next().unwrap_or(start).min(start), end)
        }
        // regorus' span of `set()` includes what follows it.
        Expr::Set { items, .. } if items.is_empty() => {
            let text = source.get(start..).unwrap_or_default();
            let length = text.find(')').map_or(0, |at| at.saturating_add(1));
            (start, start.saturating_add(length))
        }
        _ => (start, end),
    }
}

/// Whether there is nothing but space and comments.
fn is_blank(text: Option<&str>) -> bool {
    let code = |line: &str| line.split('#').next().unwrap_or_default().trim().is_empty();
    text.unwrap_or_default().lines().all(code)
}

/// The byte range of a span. One that begins or ends with a string leaves its quote out.
pub(crate) fn quoted(source: &str, start: u32, end: u32) -> (usize, usize) {
    let (start, end) = (offset(start), offset(end));
    let is_quote = |at: usize| matches!(source.as_bytes().get(at), Some(b'"' | b'`'));
    let before = start.checked_sub(1).filter(|at| is_quote(*at));
    let after = end.saturating_add(usize::from(is_quote(end)));
    (before.unwrap_or(start), after)
}

/// The source from `start` to `end` with the edits applied.
pub(in crate::rego) fn apply(
    source: &str,
    start: usize,
    end: usize,
    mut edits: Vec<Edit>,
) -> String {
    // Stable: of two insertions at one place, the first made comes first.
    edits.sort_by_key(|edit| edit.start);
    let mut text = String::new();
    let mut at = start;
    for edit in &edits {
        text.push_str(source.get(at..edit.start).unwrap_or_default());
        text.push_str(&edit.text);
        at = edit.end;
    }
    text.push_str(source.get(at..end).unwrap_or_default());
    text
}

#[cfg(test)]
pub(in crate::rego) mod tests {
    use regorus::unstable::Module;

    /// Asserts that `rewrite` makes `expected` of the rules (`None`: leaves them) and that it
    /// parses.
    #[track_caller]
    pub(crate) fn check(rules: &str, expected: &str, rewrite: impl Fn(&Module) -> Option<String>) {
        let source = format!("package gate\n{rules}\n");
        let mut engine = regorus::Engine::new();
        engine.add_policy("x.rego".into(), source.clone()).unwrap();
        let written = rewrite(&engine.get_modules()[0]).unwrap_or(source);
        assert_eq!(written, format!("package gate\n{expected}\n"));
        let again = regorus::Engine::new().add_policy("x.rego".into(), written);
        assert!(again.is_ok(), "{again:?}");
    }
}
