//! Gives what a `some … in` goes through a name, where it is a loop itself.
//!
//! `some fee in input.legs[_].fees` goes through the fees of each leg. The register machine of regorus 0.14.1
//! does not compile it; `gate_domain := input.legs[_].fees; some fee in gate_domain` is the same, and what OPA
//! makes of it. Lines stay.

use regorus::unstable::{Literal, LiteralStmt, Module, RuleBody};

use super::edit::{self, Edit, apply, insertion};
use super::loops;
use super::walk::{self, Visitor};

/// The module's source with the names; `None` when it needs none.
pub(super) fn rewrite(module: &Module) -> Option<String> {
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
        let Literal::SomeIn {
            collection, value, ..
        } = &statement.literal
        else {
            return walk::below_statement(self, statement);
        };
        if !loops::in_expr(collection) {
            return walk::below_statement(self, statement);
        }
        self.pattern(value);
        self.names = self.names.saturating_add(1);
        let name = format!("gate_domain_{}__", self.names);
        let before = std::mem::take(&mut self.edits);
        self.expr(collection);
        let inner = std::mem::replace(&mut self.edits, before);
        let (from, to) = edit::extent(self.source, collection);
        let text = apply(self.source, from, to, inner);
        let (start, end) = edit::range(self.source, statement);
        let with = statement.with_mods.first().map_or("", |modifier| {
            let (from, _) = edit::quoted(self.source, modifier.span.start, modifier.span.end);
            self.source.get(from..end).unwrap_or_default()
        });
        let taken = format!("{name} := {text} {with}");
        self.edits
            .push(insertion(start, &format!("{}; ", taken.trim_end())));
        self.edits.push(Edit {
            start: from,
            end: to,
            text: name,
        });
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
            "p if { gate_domain_1__ := input.a[_].b; some x in gate_domain_1__ }",
        );
        check(
            "p := [x | true; some k, x in data.a[k]]",
            "p := [x | true; gate_domain_1__ := data.a[k]; some k, x in gate_domain_1__]",
        );
        check(
            "p if {\n\tsome x in [\n\t\tdata.a[_],\n\t]\n\tx > 1 }",
            "p if {\n\tgate_domain_1__ := [\n\t\tdata.a[_],\n\t]; some x in gate_domain_1__\n\tx > 1 }",
        );
        check(
            "p if { some x in f([y | some y in data.b[_]])[_] with input as {\"a\": 1} }",
            "p if { gate_domain_1__ := f([y | gate_domain_2__ := data.b[_]; some y in gate_domain_2__])[_] \
             with input as {\"a\": 1}; some x in gate_domain_1__ with input as {\"a\": 1} }",
        );
    }

    #[test]
    fn what_is_none_stays() {
        for rule in [
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
