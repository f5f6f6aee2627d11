//! Makes both engines treat undefined as OPA does in `in` and in the values of heads.
//!
//! With an undefined operand, `x in xs` is undefined in OPA and false in regorus. For an expression
//! of its own that is the same, but not for a value: `(x in xs) == false` would hold. So the
//! operands of such an `in` are bound first, and the body ends where one is undefined, as in OPA:
//! `left := x; right := xs; (left in right) == false`.
//!
//! The register machine of regorus 0.14.1 ignores the key of `k, v in xs`, but not that of
//! `[v] == [member | member := xs[k]]`.
//!
//! Key and value of an object rule (`q[k] := e`), and a value that an `else` follows, are bound in
//! the same way: where `e` is undefined, regorus makes a member of it, and does not go on to the
//! `else`. So is the value of a body with a loop, where undefined would replace the value found
//! before it.
//!
//! Operands under a `not` have been extracted before (`rego/rewrite/negate.rs`). Lines stay.

use regorus::unstable::{
    Expr, Literal, LiteralStmt, Module, Query, Rule, RuleAssign, RuleBody, RuleHead,
};

use crate::rego::syntax::edit::{self, Edit, apply, insertion};
use crate::rego::syntax::loops;
use crate::rego::syntax::walk::{self, Visitor};

/// The module's rewritten source; `None` if nothing changes.
pub(in crate::rego) fn rewrite(module: &Module) -> Option<String> {
    let source = module.package.span.source.get_contents();
    let mut walk = Walk {
        source,
        if_: if module.rego_v1 { "if " } else { "" },
        edits: Vec::new(),
        with: String::new(),
        taken: String::new(),
        of_head: String::new(),
        is_last: true,
        names: 0,
    };
    for rule in &module.policy {
        walk.rule(rule);
    }
    let is_changed = !walk.edits.is_empty();
    is_changed.then(|| apply(source, 0, source.len(), walk.edits))
}

struct Walk<'s> {
    source: &'s str,
    /// The keyword before a body; none in Rego v0.
    if_: &'static str,
    edits: Vec<Edit>,
    /// The `with` modifiers of the current statement.
    with: String,
    /// The binding statements that are to be inserted where the walk is.
    taken: String,
    /// Those for the rule's head.
    of_head: String,
    /// Whether the body is the rule's last, and without a loop.
    is_last: bool,
    names: usize,
}

impl Visitor for Walk<'_> {
    fn body(&mut self, body: &RuleBody) {
        let of_value = match &body.assign {
            Some(assign) if self.is_last => self.apart(|walk| walk.expr(&assign.value)),
            Some(assign) => self.apart(|walk| walk.defined(Some(assign))),
            None if body.is_else => String::new(),
            None => self.of_head.clone(),
        };
        let before = self.edits.len();
        self.query(&body.query);
        let ([first, ..], Some(last)) = (body.query.stmts.as_slice(), body.query.stmts.last())
        else {
            let (_, end) = edit::quoted(self.source, body.span.start, body.span.end);
            return self.add_body(end, &of_value);
        };
        let (start, _) = edit::range(self.source, first);
        let (_, end) = edit::range(self.source, last);
        let taken = |edit: &Edit| edit.start == start && edit.end == start;
        let is_longer = self.edits.iter().skip(before).any(taken);
        if !of_value.is_empty() {
            self.edits.push(insertion(end, &after(&of_value)));
        }
        // `if …`, without braces, becomes several statements and so needs them.
        let is_braced = body.query.span.start < first.span.start;
        if (is_longer || !of_value.is_empty()) && !is_braced {
            self.edits.insert(before, insertion(start, "{ "));
            self.edits.push(insertion(end, " }"));
        }
    }

    fn statement(&mut self, statement: &LiteralStmt) {
        let (start, end) = edit::range(self.source, statement);
        let with = statement.with_mods.first().map(|modifier| {
            let (from, _) = edit::quoted(self.source, modifier.span.start, modifier.span.end);
            format!(" {}", self.source.get(from..end).unwrap_or_default())
        });
        let outer = std::mem::replace(&mut self.with, with.unwrap_or_default());
        let before = self.edits.len();
        let taken = self.apart(|walk| match &statement.literal {
            Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => match expr.as_ref() {
                // An expression of its own: false and undefined are the same.
                Expr::Membership { key: None, .. } => walk::below_expr(walk, expr),
                _ => walk::below_statement(walk, statement),
            },
            _ => walk::below_statement(walk, statement),
        });
        if !taken.is_empty() {
            self.edits.insert(before, insertion(start, &taken));
        }
        self.with = outer;
    }

    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
                self.comprehension(&[term], query);
            }
            Expr::ObjectCompr {
                key, value, query, ..
            } => self.comprehension(&[key, value], query),
            Expr::Membership {
                key,
                value,
                collection,
                ..
            } => self.membership(expr, key.as_deref(), value, collection),
            _ => walk::below_expr(self, expr),
        }
    }
}

impl Walk<'_> {
    fn rule(&mut self, rule: &Rule) {
        let Rule::Spec {
            span, head, bodies, ..
        } = rule
        else {
            return;
        };
        let args = match head {
            RuleHead::Func { args, .. } => args.as_slice(),
            RuleHead::Compr { .. } | RuleHead::Set { .. } => &[],
        };
        let may_loop =
            |body: &RuleBody| loops::in_body(&body.query, args.iter().map(AsRef::as_ref));
        let is_asked = bodies.len() > 1 || bodies.iter().any(may_loop);
        self.of_head = self.apart(|walk| match head {
            RuleHead::Compr { refr, assign, .. } if walk::has_key(refr) || is_asked => {
                walk.keys(refr);
                walk.defined(assign.as_ref());
            }
            RuleHead::Func { args, assign, .. } if is_asked => {
                args.iter().for_each(|arg| walk.pattern(arg));
                walk.defined(assign.as_ref());
            }
            _ => walk::head(walk, rule),
        });
        if bodies.is_empty() {
            let (_, end) = edit::quoted(self.source, span.start, span.end);
            let of_head = std::mem::take(&mut self.of_head);
            self.add_body(end, &of_head);
        }
        for (body, left) in bodies.iter().zip((0..bodies.len()).rev()) {
            self.is_last = left == 0 && !may_loop(body);
            self.body(body);
        }
    }

    /// Binds the keys of a rule's name.
    fn keys(&mut self, name: &Expr) {
        match name {
            Expr::RefDot { refr, .. } => self.keys(refr),
            Expr::RefBrack { refr, index, .. } => {
                self.keys(refr);
                if walk::is_constant(index) && !walk::is_text(index) {
                    // The register machine accepts no constant but a string in a name.
                    let (start, end) = edit::extent(self.source, index);
                    let text = self.source.get(start..end).unwrap_or_default().to_owned();
                    self.take((start, end), &text);
                } else if !walk::is_text(index) {
                    self.named(index);
                }
            }
            _ => {}
        }
    }

    /// Binds the value of a head or of an `else`: the body holds only if it is defined.
    fn defined(&mut self, value: Option<&RuleAssign>) {
        if let Some(assign) = value {
            self.named(&assign.value);
        }
    }

    /// Adds a body where there was none.
    fn add_body(&mut self, at: usize, taken: &str) {
        if !taken.is_empty() {
            let body = format!(" {}{{ {} }}", self.if_, taken.trim_end_matches("; "));
            self.edits.push(insertion(at, &body));
        }
    }

    fn comprehension(&mut self, terms: &[&Expr], query: &Query) {
        let outer = std::mem::take(&mut self.with);
        let taken = self.apart(|walk| terms.iter().for_each(|term| walk.expr(term)));
        walk::below_query(self, query);
        if let (Some(last), false) = (query.stmts.last(), taken.is_empty()) {
            let (_, end) = edit::range(self.source, last);
            self.edits.push(insertion(end, &after(&taken)));
        }
        self.with = outer;
    }

    fn membership(&mut self, whole: &Expr, key: Option<&Expr>, value: &Expr, collection: &Expr) {
        let before = self.edits.len();
        let key = key.map(|key| self.named(key));
        let (value, collection) = (self.named(value), self.named(collection));
        if let Some(key) = key {
            self.edits.truncate(before);
            self.names = self.names.saturating_add(1);
            let member = format!("gate_member_{}__", self.names);
            let (start, end) = edit::extent(self.source, whole);
            let text = format!("([{value}] == [{member} | {member} := {collection}[{key}]])");
            self.edits.push(Edit { start, end, text });
        }
    }

    /// Binds the expression; returns its name, or its own text if it is a constant.
    fn named(&mut self, expr: &Expr) -> String {
        let (start, end) = edit::extent(self.source, expr);
        let outer = std::mem::take(&mut self.edits);
        self.expr(expr);
        let inner = std::mem::replace(&mut self.edits, outer);
        let text = apply(self.source, start, end, inner);
        if walk::is_constant(expr) {
            return text;
        }
        // Not `b := a`: regorus might then bind `a` from `b` (see `binding.rs`).
        let text = match expr {
            Expr::Var { .. } => format!("[{text}][0]"),
            _ => text,
        };
        self.take((start, end), &text)
    }

    /// Binds the text to a new name, which replaces it.
    fn take(&mut self, (start, end): (usize, usize), text: &str) -> String {
        self.names = self.names.saturating_add(1);
        let name = format!("gate_beside_{}__", self.names);
        let with = &self.with;
        self.taken.push_str(&format!("{name} := {text}{with}; "));
        self.edits.push(Edit {
            start,
            end,
            text: name.clone(),
        });
        name
    }

    /// Runs a part of the walk; returns the statements it adds.
    fn apart(&mut self, walk: impl FnOnce(&mut Self)) -> String {
        let outer = std::mem::take(&mut self.taken);
        walk(self);
        std::mem::replace(&mut self.taken, outer)
    }
}

/// The statements at the end of a body.
fn after(taken: &str) -> String {
    format!("; {}", taken.trim_end_matches("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rule: &str, expected: &str) {
        edit::tests::check(rule, expected, rewrite);
    }

    #[test]
    fn what_stands_beside_an_in_is_asked_for_where_its_value_is_used() {
        check(
            "p if { y := 1 in data.a; not y }",
            "p if { gate_beside_1__ := data.a; y := 1 in gate_beside_1__; not y }",
        );
        check(
            "p if (input.x in (data.a | {1})) == false # why",
            "p if { gate_beside_1__ := input.x; gate_beside_2__ := data.a | {1}; \
             (gate_beside_1__ in (gate_beside_2__)) == false } # why",
        );
        check(
            "p := [(input.x in [\"a\"]) | true]",
            "p := [(gate_beside_1__ in [\"a\"]) | true; gate_beside_1__ := input.x]",
        );
        check(
            "p if { f([y | y := 1 in data.a]) }",
            "p if { f([y | gate_beside_1__ := data.a; y := 1 in gate_beside_1__]) }",
        );
        check(
            "p if { (1 in data.a) in data.b }",
            "p if { gate_beside_1__ := data.a; (1 in gate_beside_1__) in data.b }",
        );
        check(
            "p if { y := 1 in data.a with input as {\"a\": 1} }",
            "p if { gate_beside_1__ := data.a with input as {\"a\": 1}; \
             y := 1 in gate_beside_1__ with input as {\"a\": 1} }",
        );
    }

    #[test]
    fn a_head_is_asked_for_in_its_body() {
        check(
            "p := 1 in data.a",
            "p := 1 in gate_beside_1__ if { gate_beside_1__ := data.a }",
        );
        check(
            "p := x in data.a if some x in [1]",
            "p := gate_beside_3__ if { some x in [1]; gate_beside_1__ := [x][0]; \
             gate_beside_2__ := data.a; gate_beside_3__ := gate_beside_1__ in gate_beside_2__ }",
        );
        check(
            "f(x) := x in data.a if {\n\tx\n} else := 1 in data.b",
            "f(x) := gate_beside_3__ if {\n\tx; gate_beside_1__ := [x][0]; \
             gate_beside_2__ := data.a; gate_beside_3__ := gate_beside_1__ in gate_beside_2__\n} \
             else := 1 in gate_beside_4__ if { gate_beside_4__ := data.b }",
        );
    }

    #[test]
    fn a_member_and_a_value_before_an_else_are_asked_for() {
        check(
            "q[input.k] := data.a if true",
            "q[gate_beside_1__] := gate_beside_2__ if { true; gate_beside_1__ := input.k; \
             gate_beside_2__ := data.a }",
        );
        check(
            "p := data.a if { true } else := data.b if { true } else := data.c",
            "p := gate_beside_1__ if { true; gate_beside_1__ := data.a } else := gate_beside_2__ if \
             { true; gate_beside_2__ := data.b } else := data.c",
        );
        for rule in [
            "q[\"a\"] := data.a if true",
            "p := 1 if { true } else := data.c",
        ] {
            check(rule, rule);
        }
        check(
            "q[k] := v if some k, v in data.a",
            "q[gate_beside_1__] := gate_beside_2__ if { some k, v in data.a; \
             gate_beside_1__ := [k][0]; gate_beside_2__ := [v][0] }",
        );
    }

    #[test]
    fn a_key_is_looked_at() {
        check(
            "p if input.k, 1 in data.a",
            "p if { gate_beside_1__ := input.k; gate_beside_2__ := data.a; \
             ([1] == [gate_member_3__ | gate_member_3__ := gate_beside_2__[gate_beside_1__]]) }",
        );
    }

    #[test]
    fn an_in_by_itself_stays() {
        for rule in [
            "p if input.x in data.a",
            "p if not input.x in data.a",
            "p if { some x in data.a; every y in x { y in data.b } }",
            "p := \"a\" in [\"b\"]",
        ] {
            check(rule, rule);
        }
    }
}
