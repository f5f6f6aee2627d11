//! Removes `print(…)`, which does not affect the decision: in OPA it holds whatever its arguments,
//! even if undefined, and writes to OPA's log. Here nothing is written.
//!
//! Evaluating an argument may be an error in OPA (two values of one rule), which blocks the order
//! there. So arguments are kept, in the form OPA gives them, unless they are constants or parts of
//! the input: `print("at", limit)` becomes `[{gate_printed__ | gate_printed__ := limit}] != []`.
//! Lines stay.

use regorus::unstable::{Expr, Literal, LiteralStmt, Module, Ref};

use crate::rego::syntax::edit::{self, Edit, apply};
use crate::rego::syntax::references::{Names, path};
use crate::rego::syntax::walk::{self, Visitor};

/// The module's source without it; `None` if it has none.
pub(in crate::rego) fn rewrite(module: &Module) -> Option<String> {
    let source = module.package.span.source.get_contents();
    let mut walk = Walk {
        source,
        edits: Vec::new(),
    };
    for rule in &module.policy {
        walk::rule(&mut walk, rule);
    }
    let is_changed = !walk.edits.is_empty();
    is_changed.then(|| apply(source, 0, source.len(), walk.edits))
}

/// Whether a rule or an import is named `print`: then calls mean that one.
pub(in crate::rego) fn is_defined<'m>(mut modules: impl Iterator<Item = &'m Module>) -> bool {
    modules.any(|module| {
        let mut rules = module.policy.iter();
        Names::of(module).imports.contains_key("print")
            || rules.any(|rule| {
                path(walk::name(rule))
                    .0
                    .first()
                    .is_some_and(|name| name == "print")
            })
    })
}

struct Walk<'s> {
    source: &'s str,
    edits: Vec<Edit>,
}

impl Visitor for Walk<'_> {
    fn statement(&mut self, statement: &LiteralStmt) {
        let Literal::Expr { expr, .. } = &statement.literal else {
            return walk::below_statement(self, statement);
        };
        match expr.as_ref() {
            Expr::Call { fcn, params, .. } if fcn.span().text() == "print" => {
                self.call(edit::extent(self.source, expr), params);
            }
            _ => walk::below_statement(self, statement),
        }
    }
}

impl Walk<'_> {
    /// Replaces a call of `print` by the arguments that are kept.
    fn call(&mut self, (start, end): (usize, usize), printed: &[Ref<Expr>]) {
        let mut kept = String::new();
        let mut lines = LinesFrom(self.source, start);
        for arg in printed.iter().filter(|arg| !is_plain(arg)) {
            let (from, to) = edit::extent(self.source, arg);
            let text = self.source.get(from..to).unwrap_or_default();
            kept.push_str(if kept.is_empty() { "[" } else { ", " });
            kept.push_str(&lines.until(from));
            kept.push_str(&format!("{{gate_printed__ | gate_printed__ := {text}}}"));
            lines.skip(to);
        }
        let holds = if kept.is_empty() { "true" } else { "] != []" };
        let text = format!("{kept}{}{holds}", lines.until(end));
        self.edits.push(Edit { start, end, text });
    }
}

/// Copies the line breaks of the source from an offset on, to keep line numbers.
struct LinesFrom<'s>(&'s str, usize);

impl LinesFrom<'_> {
    fn until(&mut self, end: usize) -> String {
        let lines = self.0.get(self.1..end).unwrap_or_default();
        self.1 = end;
        "\n".repeat(lines.matches('\n').count())
    }

    const fn skip(&mut self, end: usize) {
        self.1 = end;
    }
}

/// Whether evaluating it cannot fail: a constant, a part of the input.
fn is_plain(expr: &Expr) -> bool {
    match expr {
        Expr::Var { span, .. } => span.text() == "input",
        Expr::RefDot { refr, .. } => is_plain(refr),
        Expr::RefBrack { refr, index, .. } => is_plain(refr) && is_plain(index),
        expr => walk::is_constant(expr),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rules: &str, expected: &str) {
        edit::tests::check(rules, expected, rewrite);
    }

    #[test]
    fn what_is_printed_stays_when_it_may_have_an_error() {
        check(
            "p if { print(\"at\", input.order.x, [1]); print() }",
            "p if { true; true }",
        );
        check(
            "p if { print(\"at\", q, f(input.x)); true }",
            "p if { [{gate_printed__ | gate_printed__ := q}, \
             {gate_printed__ | gate_printed__ := f(input.x)}] != []; true }",
        );
    }

    #[test]
    fn lines_stay() {
        check(
            "p if {\n\tprint( # why\n\t\t\"at\",\n\t\tq\n\t)\n\tq\n}",
            "p if {\n\t[\n\n{gate_printed__ | gate_printed__ := q}\n] != []\n\tq\n}",
        );
    }
}
