//! Binds to a name of its own what regorus 0.14.1 evaluates differently in place.
//!
//! **What a `some … in` iterates over**, if it is a loop itself: `some fee in input.legs[_].fees`
//! goes through the fees of each leg, and does not compile on the register machine.
//! `gate_apart := input.legs[_].fees; some fee in gate_apart` does, and is what OPA makes of it.
//!
//! **An object with names in it, on one side of `=` and a name on the other**, is a value in
//! `inp = {"leg": leg}` if `leg` is bound, and a pattern in `{"leg": leg} = inp` if it is not. As a
//! pattern it matches in OPA what has no other members; in regorus what has these. With
//! `gate_apart := {"leg": leg}; inp = gate_apart` the value is right, and the pattern is refused,
//! for nothing binds `leg`.
//!
//! **A `-` before anything but a number** (`-input.order.change > 5`) is refused.
//! `(0 -input.order.change)` is what OPA makes of it. Lines stay.

use regorus::unstable::{AssignOp, Expr, Literal, LiteralStmt, Module, Ref, RuleBody};

use crate::rego::syntax::edit::{self, Edit, apply, insertion};
use crate::rego::syntax::loops;
use crate::rego::syntax::walk::{self, Visitor};

/// The module's rewritten source; `None` if nothing changes.
pub(in crate::rego) fn rewrite(module: &Module) -> Option<String> {
    let source = module.package.span.source.get_contents();
    let mut walk = Walk {
        source,
        edits: Vec::new(),
        names: 0,
    };
    for rule in &module.policy {
        walk::rule(&mut walk, rule);
    }
    let is_changed = !walk.edits.is_empty();
    is_changed.then(|| apply(source, 0, source.len(), walk.edits))
}

struct Walk<'s> {
    source: &'s str,
    edits: Vec<Edit>,
    names: usize,
}

impl Visitor for Walk<'_> {
    fn body(&mut self, body: &RuleBody) {
        let before = self.edits.len();
        walk::below_body(self, body);
        let [only] = body.query.stmts.as_slice() else {
            return;
        };
        let (start, end) = edit::range(self.source, only);
        let written = self.edits.iter().skip(before);
        let is_longer = written.into_iter().any(|edit| edit.start == start);
        // `if some …`, without braces, becomes two statements and so needs them.
        let is_braced = body.query.span.start < only.span.start;
        if is_longer && !is_braced {
            self.edits.insert(before, insertion(start, "{ "));
            self.edits.push(insertion(end, " }"));
        }
    }

    fn statement(&mut self, statement: &LiteralStmt) {
        let taken = match &statement.literal {
            Literal::SomeIn { collection, .. } if loops::in_expr(collection) => collection,
            Literal::Expr { expr, .. } => match object(expr) {
                Some(object) => object,
                None => return walk::below_statement(self, statement),
            },
            _ => return walk::below_statement(self, statement),
        };
        self.names = self.names.saturating_add(1);
        let name = format!("gate_apart_{}__", self.names);
        let before = std::mem::take(&mut self.edits);
        walk::below_expr(self, taken);
        let inner = std::mem::replace(&mut self.edits, before);
        let (from, to) = edit::extent(self.source, taken);
        let text = apply(self.source, from, to, inner);
        let (start, end) = edit::range(self.source, statement);
        let with = statement.with_mods.first().map_or("", |modifier| {
            let (from, _) = edit::quoted(self.source, modifier.span.start, modifier.span.end);
            self.source.get(from..end).unwrap_or_default()
        });
        let first = format!("{name} := {text} {with}");
        self.edits
            .push(insertion(start, &format!("{}; ", first.trim_end())));
        self.edits.push(Edit {
            start: from,
            end: to,
            text: name,
        });
    }

    fn expr(&mut self, expr: &Expr) {
        walk::below_expr(self, expr);
        if let Expr::UnaryExpr { expr: inner, .. } = expr
            && !matches!(inner.as_ref(), Expr::Number { .. })
        {
            let (start, end) = edit::extent(self.source, expr);
            let signed = self.source.get(start..end).unwrap_or_default();
            let operand = signed.strip_prefix('-').unwrap_or_default().trim_start();
            // OPA takes no `-(x)` and no `- -x`, and they are refused.
            if operand.starts_with(|first: char| first.is_alphabetic() || first == '_') {
                let (_, end) = edit::extent(self.source, leftmost(inner));
                self.edits.push(insertion(start, "(0 "));
                self.edits.push(insertion(end, ")"));
            }
        }
    }
}

/// A sign's operand in OPA: in `-x + 1 == y` regorus takes all of `x + 1 == y` for it.
fn leftmost(expr: &Expr) -> &Expr {
    match expr {
        Expr::ArithExpr { lhs, .. }
        | Expr::BinExpr { lhs, .. }
        | Expr::BoolExpr { lhs, .. }
        | Expr::Membership { key: Some(lhs), .. }
        | Expr::Membership { value: lhs, .. } => leftmost(lhs),
        expr => expr,
    }
}

/// The object on one side of `=`, with a name on the other.
fn object(expr: &Expr) -> Option<&Ref<Expr>> {
    let Expr::AssignExpr {
        op: AssignOp::Eq,
        lhs,
        rhs,
        ..
    } = expr
    else {
        return None;
    };
    match (lhs.as_ref(), rhs.as_ref()) {
        (Expr::Object { .. }, Expr::Var { .. }) if names_in_object(lhs, false) => Some(lhs),
        (Expr::Var { .. }, Expr::Object { .. }) if names_in_object(rhs, false) => Some(rhs),
        _ => None,
    }
}

/// Whether an object contains a name that `=` might bind.
pub(in crate::rego) fn names_in_object(side: &Expr, is_inside: bool) -> bool {
    match side {
        Expr::Var { .. } => is_inside,
        Expr::Array { items, .. } => items.iter().any(|item| names_in_object(item, is_inside)),
        Expr::Object { fields, .. } => {
            let mut values = fields.iter().map(|(_, _, value)| value);
            values.any(|value| names_in_object(value, true))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rule: &str, expected: &str) {
        edit::tests::check(rule, expected, rewrite);
    }

    #[test]
    fn what_is_a_loop_gets_a_name() {
        check(
            "p if some x in input.a[_].b",
            "p if { gate_apart_1__ := input.a[_].b; some x in gate_apart_1__ }",
        );
        check(
            "p := [x | true; some k, x in data.a[k]]",
            "p := [x | true; gate_apart_1__ := data.a[k]; some k, x in gate_apart_1__]",
        );
        check(
            "p if {\n\tsome x in [\n\t\tdata.a[_],\n\t]\n\tx > 1 }",
            "p if {\n\tgate_apart_1__ := [\n\t\tdata.a[_],\n\t]; some x in gate_apart_1__\n\tx > 1 }",
        );
        check(
            "p if { some x in f([y | some y in data.b[_]])[_] with input as {\"a\": 1} }",
            "p if { gate_apart_1__ := f([y | gate_apart_2__ := data.b[_]; some y in gate_apart_2__])[_] \
             with input as {\"a\": 1}; some x in gate_apart_1__ with input as {\"a\": 1} }",
        );
    }

    #[test]
    fn an_object_beside_an_equals_sign_gets_a_name() {
        check(
            "f(x) := y if y = {\"a\": x}",
            "f(x) := y if { gate_apart_1__ := {\"a\": x}; y = gate_apart_1__ }",
        );
        check(
            "p if {\n\t{\"a\": [x],\n\t\"b\": 1} = y\n}",
            "p if {\n\tgate_apart_1__ := {\"a\": [x],\n\t\"b\": 1}; gate_apart_1__ = y\n}",
        );
    }

    #[test]
    fn a_sign_before_what_is_no_number_is_a_difference_from_0() {
        check(
            "p if { x := 1 - -input.x * -y; -x[\"a\"] + 2 > -5 }",
            "p if { x := 1 - (0 -input.x) * (0 -y); (0 -x[\"a\"]) + 2 > -5 }",
        );
        check(
            "p if { -input.x == -1; not -f(-x)[1] > -y }",
            "p if { (0 -input.x) == -1; not (0 -f((0 -x))[1]) > (0 -y) }",
        );
        check("p if -(input.x) == 1", "p if -(input.x) == 1");
    }

    #[test]
    fn what_is_none_stays() {
        for rule in [
            "p if { y = {\"a\": 1}; y }",
            "p if { input.y = {\"a\": x}; x }",
            "p if { y = {\"a\": input.x}; y }",
            "p if { y := {\"a\": input.x}; z := {\"b\": y}; z }",
            "p if { some x in input.a.b; x }",
            "p if { some x in data.t[\"a\"][0]; x }",
            "p if { some x in data.t[input.order.symbol]; x }",
            "p if { some x in [y | y := data.a[_]]; x }",
            "p if every x in data.a[_] { x }",
        ] {
            check(rule, rule);
        }
    }
}
