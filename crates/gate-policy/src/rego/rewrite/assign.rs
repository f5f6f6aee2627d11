//! Makes the register machine treat `:=` as Rego does, by rewriting modules to an equivalent form.
//!
//! regorus 0.14.1 compiles `x := e` without checking that `e` is defined: where in Rego the body
//! does not hold, its register machine goes on. A policy such as
//! `allow if { limit := data.limit; not input.qty > limit }` would then allow when there is no
//! limit. `=` is compiled with the check, so `x := e` becomes `some x; x = e`, which is what `:=`
//! stands for. The head of a comprehension has the same flaw and is bound that way first.
//!
//! The statements that bind the names of an `every` ([`binding`]) stay: those are always defined.
//!
//! `_` as a function's argument, and in `_ := e`, accepts undefined; a name does not, and replaces
//! it.
//!
//! A comprehension without a loop has another flaw: when its body does not hold, the machine comes
//! back to it later, without end (its instruction limit stops it). So each gets a loop of one
//! iteration. Line numbers stay.

use regorus::unstable::{
    AssignOp, Expr, Import, Literal, LiteralStmt, Module, Query, Rule, RuleBody, RuleHead,
};

use crate::rego::rewrite::binding;
use crate::rego::syntax::edit::{self, Edit, apply, insertion, offset};
use crate::rego::syntax::walk::{self, Visitor};

/// The module's source, written in the equivalent form.
pub(in crate::rego) fn rewrite(module: &Module) -> String {
    let source = module.package.span.source.get_contents();
    let mut walk = Walk {
        source,
        edits: Vec::new(),
        has_in: module.rego_v1 || module.imports.iter().any(gives_in),
        terms: 0,
    };
    for rule in &module.policy {
        walk.arguments(rule);
        walk::rule(&mut walk, rule);
    }
    apply(source, 0, source.len(), walk.edits)
}

struct Walk<'s> {
    source: &'s str,
    edits: Vec<Edit>,
    /// Whether `in` is a keyword; in v0 only an import makes it one.
    has_in: bool,
    terms: usize,
}

/// Whether the import is `future.keywords`, its `in`, or its `every`, which includes `in`.
fn gives_in(import: &Import) -> bool {
    let path: String = import.refr.span().text().split_whitespace().collect();
    [
        "future.keywords",
        "future.keywords.in",
        "future.keywords.every",
    ]
    .contains(&path.as_str())
}

impl Visitor for Walk<'_> {
    fn body(&mut self, body: &RuleBody) {
        let before = self.edits.len();
        walk::below_body(self, body);
        let changed = self.edits.len() > before;
        // `if x := e`, without braces, becomes two statements and so needs them.
        if let (true, [only]) = (changed, body.query.stmts.as_slice())
            && body.query.span.start == only.span.start
        {
            let (start, end) = self.range(only);
            self.edits.insert(before, insertion(start, "{ "));
            self.edits.push(insertion(end, " }"));
        }
    }

    fn statement(&mut self, statement: &LiteralStmt) {
        if let Literal::Expr { expr, .. } = &statement.literal
            && let Expr::AssignExpr {
                op: AssignOp::ColEq,
                lhs,
                rhs,
                ..
            } = expr.as_ref()
        {
            self.assignment(statement, lhs, rhs);
        }
        walk::below_statement(self, statement);
    }

    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
                self.comprehension(&[term], query);
            }
            Expr::ObjectCompr {
                key, value, query, ..
            } => {
                self.comprehension(&[key, value], query);
            }
            _ => walk::below_expr(self, expr),
        }
    }
}

impl Walk<'_> {
    /// The machine checks that an argument is defined only if it has a name.
    fn arguments(&mut self, rule: &Rule) {
        let Rule::Spec {
            head: RuleHead::Func { args, .. },
            ..
        } = rule
        else {
            return;
        };
        for (arg, at) in args.iter().zip(1..) {
            if arg.span().text() == "_" {
                let (start, end) = edit::extent(self.source, arg);
                let text = format!("gate_any_{at}__");
                self.edits.push(Edit { start, end, text });
            }
        }
    }

    fn assignment(&mut self, statement: &LiteralStmt, lhs: &Expr, rhs: &Expr) {
        // The machine checks the parts of a pattern already, but not a plain name.
        let Expr::Var { span, .. } = lhs else {
            return;
        };
        if binding::is_name(rhs) {
            return;
        }
        let name = span.text();
        let (from, to) = (offset(span.end), offset(rhs.span().end));
        let operator = self.source.get(from..to).and_then(|text| text.find(":="));
        if let Some(at) = operator {
            let (start, _) = self.range(statement);
            let at = from.saturating_add(at);
            if name == "_" {
                self.terms = self.terms.saturating_add(1);
                let name = format!("gate_any_of_{}__", self.terms);
                self.edits.push(insertion(start, &format!("some {name}; ")));
                self.edits.push(Edit {
                    start: offset(span.start),
                    end: offset(span.end),
                    text: name,
                });
            } else {
                self.edits.push(insertion(start, &format!("some {name}; ")));
            }
            self.edits.push(Edit {
                start: at,
                end: at.saturating_add(2),
                text: "=".to_owned(),
            });
        }
    }

    fn comprehension(&mut self, terms: &[&regorus::unstable::Ref<Expr>], query: &Query) {
        let mut bound = String::new();
        for term in terms {
            let outer = std::mem::take(&mut self.edits);
            self.expr(term);
            let inner = std::mem::replace(&mut self.edits, outer);
            let constant = matches!(
                term.as_ref(),
                Expr::String { .. }
                    | Expr::RawString { .. }
                    | Expr::Number { .. }
                    | Expr::Bool { .. }
                    | Expr::Null { .. }
            );
            if constant {
                continue;
            }
            self.terms = self.terms.saturating_add(1);
            let name = format!("gate_term_{}__", self.terms);
            let (start, end) = self.extent(term);
            let text = apply(self.source, start, end, inner);
            bound.push_str(&format!("; some {name}; {name} = {text}"));
            self.edits.push(Edit {
                start,
                end,
                text: name,
            });
        }
        if let [first, ..] = query.stmts.as_slice() {
            self.terms = self.terms.saturating_add(1);
            let (start, _) = self.range(first);
            let once = if self.has_in {
                format!("some gate_once_{}__ in [1]; ", self.terms)
            } else {
                "[1][_] == 1; ".to_owned()
            };
            self.edits.push(insertion(start, &once));
        }
        walk::below_query(self, query);
        if let Some(last) = query.stmts.last() {
            let (_, end) = self.range(last);
            self.edits.push(insertion(end, &bound));
        }
    }

    fn range(&self, statement: &LiteralStmt) -> (usize, usize) {
        edit::range(self.source, statement)
    }

    fn extent(&self, expr: &Expr) -> (usize, usize) {
        edit::extent(self.source, expr)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rule: &str, expected: &str) {
        edit::tests::check(rule, expected, |module| Some(rewrite(module)));
    }

    #[test]
    fn an_assignment_becomes_a_declaration_and_a_unification() {
        check(
            "p if { x := data.a; x > 1 }",
            "p if { some x; x = data.a; x > 1 }",
        );
        check("p if x := data.a", "p if { some x; x = data.a }");
        check(
            "p if { _ := data.a }\nq if _ := 1",
            "p if { some gate_any_of_1__; gate_any_of_1__ = data.a }\n\
             q if { some gate_any_of_2__; gate_any_of_2__ = 1 }",
        );
        check(
            "p if {  # x := 1\n x := 1 }",
            "p if {  # x := 1\n some x; x = 1 }",
        );
        check("p if { [a, _] := data.a }", "p if { [a, _] := data.a }");
        check(
            "p := x if { x := \":=\" }",
            "p := x if { some x; x = \":=\" }",
        );
        check(
            "p if { every gate_every_1__ in data.a { x := gate_every_1__; y := x } }",
            "p if { every gate_every_1__ in data.a { x := gate_every_1__; some y; y = x } }",
        );
        check(
            "p := 1 if { true } else := 2 if x := data.a",
            "p := 1 if { true } else := 2 if { some x; x = data.a }",
        );
    }

    #[test]
    fn the_head_of_a_comprehension_is_bound_first_and_its_body_has_a_loop() {
        check(
            "p := {k: v | some k, v in data.a}",
            "p := {gate_term_1__: gate_term_2__ | some gate_once_3__ in [1]; some k, v in data.a; \
             some gate_term_1__; gate_term_1__ = k; some gate_term_2__; gate_term_2__ = v}",
        );
        check(
            "p := [data.a | true]",
            "p := [gate_term_1__ | some gate_once_2__ in [1]; true; some gate_term_1__; \
             gate_term_1__ = data.a]",
        );
        check(
            "p := {1 | data.a}",
            "p := {1 | some gate_once_1__ in [1]; data.a}",
        );
        check(
            "p := [[y | y := x] | x := data.a]",
            "p := [gate_term_3__ | some gate_once_4__ in [1]; some x; x = data.a; \
             some gate_term_3__; gate_term_3__ = [gate_term_1__ | some gate_once_2__ in [1]; \
             some y; y = x; some gate_term_1__; gate_term_1__ = y]]",
        );
    }

    #[test]
    fn an_object_is_taken_whole() {
        check(
            "p := [{ # both\n\t\"a\": x, \"b\": {\"c\": 1, \"d\": 2}} | x := data.a]",
            "p := [gate_term_1__ | some gate_once_2__ in [1]; some x; x = data.a; \
             some gate_term_1__; gate_term_1__ = { # both\n\t\"a\": x, \"b\": {\"c\": 1, \"d\": 2}}]",
        );
        check(
            "p := [set() | data.a]",
            "p := [gate_term_1__ | some gate_once_2__ in [1]; data.a; \
             some gate_term_1__; gate_term_1__ = set()]",
        );
    }

    #[test]
    fn a_string_keeps_its_quotes() {
        check("p if x := \"a\"", "p if { some x; x = \"a\" }");
        check(
            "p := [x | x := `a`]",
            "p := [gate_term_1__ | some gate_once_2__ in [1]; some x; x = `a`; \
             some gate_term_1__; gate_term_1__ = x]",
        );
    }
}
