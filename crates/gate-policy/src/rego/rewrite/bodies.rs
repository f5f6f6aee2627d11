//! Rewrites bodies to a form that both engines evaluate as OPA does.
//!
//! **A further body** (`p := 5 if { … } { … }`) repeats the head, and is written so: where the head
//! has a value, regorus 0.14.1 gives the further body the value `true`.
//!
//! **A function without body and value**, as Rego v0 allows (`exempt("C1")`), is undefined on the
//! register machine. It gets the value `true`.
//!
//! **An `else` after a loop** is not tried on the register machine when nothing passes the loop:
//! such a body ends without an answer, which is not a failure there. A comprehension is no such
//! body, and an object comprehension has at most one value for a key, as a rule has:
//!
//! ```text
//! limit := leg.max if { some leg in input.legs; leg.max > 5 } else := 5
//! limit := gate_value_1__ if { gate_body_1__ := {1: leg.max | some leg in input.legs; leg.max > 5};
//!     gate_value_1__ := gate_body_1__[1] } else := 5
//! ```
//!
//! Lines stay. What cannot be rewritten (a comment in a head) is left, and refused by
//! `rego/refuse/unlike.rs`.

use regorus::unstable::{Expr, Module, Rule, RuleAssign, RuleBody, RuleHead};

use crate::rego::syntax::edit::{self, Edit, apply, insertion, offset};
use crate::rego::syntax::loops;

/// The module's rewritten source; `None` if nothing changes.
pub(in crate::rego) fn rewrite(module: &Module) -> Option<String> {
    let source = module.package.span.source.get_contents();
    let mut written = Written {
        source,
        edits: Vec::new(),
        names: 0,
    };
    for rule in &module.policy {
        written.rule(rule, if module.rego_v1 { "if " } else { "" });
    }
    let is_changed = !written.edits.is_empty();
    is_changed.then(|| apply(source, 0, source.len(), written.edits))
}

struct Written<'s> {
    source: &'s str,
    edits: Vec<Edit>,
    names: usize,
}

impl Written<'_> {
    fn rule(&mut self, rule: &Rule, if_: &str) {
        let Rule::Spec { span, head, bodies } = rule else {
            return;
        };
        let Some(first) = bodies.first() else {
            if let RuleHead::Func { assign: None, .. } = head {
                let (_, end) = edit::quoted(self.source, span.start, span.end);
                self.edits.push(insertion(end, " = true"));
            }
            return;
        };
        let head_text = self
            .source
            .get(offset(span.start)..offset(first.span.start));
        for body in bodies.iter().skip(1).filter(|body| !body.is_else) {
            if let Some(head) = head_text.and_then(in_one_line) {
                let start = offset(body.span.start);
                let again = format!("{} {if_}", head.trim());
                self.edits.push(insertion(start, &again));
            }
        }
        let (args, of_head) = match head {
            RuleHead::Func { args, assign, .. } => (args.as_slice(), assign.as_ref()),
            RuleHead::Compr { assign, .. } => ([].as_slice(), assign.as_ref()),
            RuleHead::Set { .. } => return,
        };
        for (body, next) in bodies.iter().zip(bodies.iter().skip(1)) {
            let assign = if body.is_else {
                body.assign.as_ref()
            } else {
                of_head
            };
            let args = args.iter().map(AsRef::as_ref);
            if next.is_else && loops::in_body(&body.query, args) {
                self.collect(body, assign);
            }
        }
    }

    /// Rewrites the body as a comprehension.
    fn collect(&mut self, body: &RuleBody, assign: Option<&RuleAssign>) {
        let ([first, ..], Some(last)) = (body.query.stmts.as_slice(), body.query.stmts.last())
        else {
            return;
        };
        let (value, extent) = match assign {
            None => ("true".to_owned(), None),
            Some(assign) => {
                let (start, end) = edit::extent(self.source, &assign.value);
                let text = self.source.get(start..end).and_then(in_one_line);
                let Some(text) = text else {
                    return;
                };
                let is_term = !matches!(
                    assign.value.as_ref(),
                    Expr::BinExpr { .. }
                        | Expr::BoolExpr { .. }
                        | Expr::ArithExpr { .. }
                        | Expr::Membership { .. }
                );
                let text = if is_term { text } else { format!("({text})") };
                (text, Some((start, end)))
            }
        };
        self.names = self.names.saturating_add(1);
        let found = format!("gate_body_{}__", self.names);
        let name = format!("gate_value_{}__", self.names);
        if let Some((start, end)) = extent {
            let lines = self.source.get(start..end).unwrap_or_default();
            let text = format!("{name}{}", "\n".repeat(lines.matches('\n').count()));
            self.edits.push(Edit { start, end, text });
        }
        let is_braced = body.query.span.start < first.span.start;
        let (open, close) = if is_braced { ("", "") } else { ("{ ", " }") };
        let (start, _) = edit::range(self.source, first);
        let (_, end) = edit::range(self.source, last);
        let before = format!("{open}{found} := {{1: {value} | ");
        let after = format!("}}; {name} := {found}[1]{close}");
        self.edits.push(insertion(start, &before));
        self.edits.push(insertion(end, &after));
    }
}

/// The text in one line; `None` when it has a comment or statements of its own, or may have.
fn in_one_line(text: &str) -> Option<String> {
    let is_whole = !text.contains('\n');
    (is_whole || !text.contains(['#', '`', '|'])).then(|| text.replace(['\n', '\r'], " "))
}
