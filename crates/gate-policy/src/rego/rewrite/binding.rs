//! Binds names that have a value but that regorus 0.14.1 treats as unbound.
//!
//! **The names of an `every`** are free in its body: `every leg in input.legs { leg = 5 }` would
//! give `leg` the value 5 and hold for every item, `data.t[leg]` would hold for any, and
//! `pair := [leg, 1]` is refused. So they are renamed, and a statement binds them:
//!
//! ```text
//! every gate_every_1__ in input.legs { leg := gate_every_1__; leg = 5 }
//! ```
//!
//! **A name assigned from another**, in an array or an object too: in `key := name; data.t[key]`
//! the index could just as well bind `key`, and `key` the `name`; regorus tries that order first,
//! and refuses it. `key := [name][0]` has only one order. The same goes for a name beside `=`.
//!
//! Lines stay.

use std::collections::BTreeSet;

use regorus::unstable::{AssignOp, Expr, Literal, LiteralStmt, Module};

use crate::rego::syntax::edit::{self, Edit, apply, insertion, offset};
use crate::rego::syntax::walk::{self, Visitor};

const PREFIX: &str = "gate_every_";

/// The module's source with the names bound; `None` when there are none.
pub(in crate::rego) fn rewrite(module: &Module) -> Option<String> {
    let source = module.package.span.source.get_contents();
    let mut free = Free(BTreeSet::new());
    for rule in &module.policy {
        walk::rule(&mut free, rule);
    }
    let mut walk = Walk {
        source,
        free: free.0,
        edits: Vec::new(),
        names: 0,
    };
    for rule in &module.policy {
        walk::rule(&mut walk, rule);
    }
    let is_changed = !walk.edits.is_empty();
    is_changed.then(|| apply(source, 0, source.len(), walk.edits))
}

/// Whether it is a name that this gave to an `every`.
pub(in crate::rego) fn is_name(expr: &Expr) -> bool {
    matches!(expr, Expr::Var { span, .. } if span.text().starts_with(PREFIX))
}

/// The names used where they could be bound: as an index, beside `=`.
struct Free(BTreeSet<String>);

struct Walk<'s> {
    source: &'s str,
    free: BTreeSet<String>,
    edits: Vec<Edit>,
    names: usize,
}

impl Visitor for Free {
    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::RefBrack { index, .. } => names(index, &mut self.0),
            Expr::AssignExpr {
                op: AssignOp::Eq,
                lhs,
                rhs,
                ..
            } => {
                names(lhs, &mut self.0);
                names(rhs, &mut self.0);
            }
            _ => {}
        }
        walk::below_expr(self, expr);
    }
}

/// The names of which a pattern is made.
fn names(pattern: &Expr, found: &mut BTreeSet<String>) {
    match pattern {
        Expr::Var { span, .. } if !matches!(span.text(), "input" | "data") => {
            found.insert(span.text().to_owned());
        }
        Expr::Array { items, .. } => items.iter().for_each(|item| names(item, found)),
        Expr::Object { fields, .. } => {
            fields.iter().for_each(|(.., value)| names(value, found));
        }
        _ => {}
    }
}

impl Visitor for Walk<'_> {
    fn statement(&mut self, statement: &LiteralStmt) {
        match &statement.literal {
            Literal::Every {
                key, value, query, ..
            } => {
                let names = key.iter().chain([value]);
                for name in names.filter(|name| name.text() != "_") {
                    self.names = self.names.saturating_add(1);
                    let text = format!("{PREFIX}{}__", self.names);
                    if let [first, ..] = query.stmts.as_slice() {
                        let (body, _) = edit::range(self.source, first);
                        let bound = format!("{} := {text}; ", name.text());
                        self.edits.push(insertion(body, &bound));
                    }
                    let (start, end) = (offset(name.start), offset(name.end));
                    self.edits.push(Edit { start, end, text });
                }
            }
            Literal::Expr { expr, .. } => self.assignment(expr),
            _ => {}
        }
        walk::below_statement(self, statement);
    }
}

impl Walk<'_> {
    fn assignment(&mut self, expr: &Expr) {
        if let Expr::AssignExpr {
            op: AssignOp::ColEq,
            lhs,
            rhs,
            ..
        } = expr
            && self.free.contains(lhs.span().text())
        {
            let mut given = BTreeSet::new();
            names(rhs, &mut given);
            if given.is_empty() {
                return;
            }
            let (start, end) = edit::extent(self.source, rhs);
            self.edits.push(insertion(start, "["));
            self.edits.push(insertion(end, "][0]"));
        }
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
    fn the_names_of_an_every_are_bound_in_its_body() {
        check(
            "p if { every x in data.a { x = 5 } }",
            "p if { every gate_every_1__ in data.a { x := gate_every_1__; x = 5 } }",
        );
        check(
            "p if every _, x in data.a {\n\tevery k, y in x { y = k }\n}",
            "p if every _, gate_every_1__ in data.a {\n\tx := gate_every_1__; \
             every gate_every_2__, gate_every_3__ in x { \
             k := gate_every_2__; y := gate_every_3__; y = k }\n}",
        );
        check(
            "p if { some x in data.a; x = 5 }",
            "p if { some x in data.a; x = 5 }",
        );
    }

    #[test]
    fn a_name_that_another_gets_has_its_value_from_there() {
        check(
            "p if { x := input.x; y := x; data.t[y] }",
            "p if { x := input.x; y := [x][0]; data.t[y] }",
        );
        check(
            "p if { some x in input.x; y := [{\"a\": x}]; [y, z] = input.y }",
            "p if { some x in input.x; y := [[{\"a\": x}]][0]; [y, z] = input.y }",
        );
        for other in [
            "p if { x := input.x; y := x; data.t[x] }",
            "p if { y := input.x; data.t[y] }",
            "p if { y := input; data.t[y] }",
            "p if { y := [1]; y = input.y }",
            "p if { x := input.x; y := [x]; y == input.y }",
        ] {
            check(other, other);
        }
    }
}
