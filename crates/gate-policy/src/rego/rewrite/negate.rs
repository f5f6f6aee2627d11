//! Makes both engines treat `not` as OPA does, by rewriting modules as OPA's compiler does.
//!
//! OPA extracts the operands of a negated expression and evaluates them first:
//! `not input.order.x > 5` is `operand := input.order.x; not operand > 5`, which is undefined for
//! an order without an `x`. regorus evaluates all of it under the `not`, where undefined does not
//! hold, so that the negation does: `allow if not input.order.x > 5` would allow. So the operands
//! are extracted here, before either engine sees the module. References stay under a `not`
//! (`not input.order.x`, and the sides of `==` and `=`), as in OPA; their indexes do not.
//!
//! A negation and an `every` bind nothing, and OPA evaluates them behind what binds their names,
//! wherever they stand. regorus may come to them before, and go through all that a name could be:
//! `not known[s]` would hold where any other member is known. So they get a form in which they wait
//! for their names: `not known[[s][0]]`, `every x in [(xs), limit][0] { x < limit }`.
//!
//! What OPA refuses is refused: a name that only the negated expression could bind
//! (`not xs[_] > 5`), and `:=` under `not`.
//!
//! Lines stay: a statement that was written over several keeps their number.

mod print;
mod scope;

use regorus::unstable::{AssignOp, Expr, Literal, LiteralStmt, Module, Query, RuleBody};

use crate::rego::compile::CompileError;
use crate::rego::syntax::edit::{Edit, apply, extent, insertion, range};
use crate::rego::syntax::walk::{self, Visitor};
use scope::{Level, Rules, Scopes};

/// The modules' rewritten sources; `None` for one that does not change. A bare name may be a rule
/// of any of these modules in the same package.
pub(in crate::rego) fn rewrite<'m>(
    modules: impl Iterator<Item = &'m Module> + Clone,
) -> Result<Vec<Option<String>>, CompileError> {
    let rules = Rules::of(modules.clone());
    modules.map(|module| rewrite_one(&rules, module)).collect()
}

fn rewrite_one(rules: &Rules, module: &Module) -> Result<Option<String>, CompileError> {
    let file = &module.package.span.source;
    let source = file.get_contents();
    let mut walk = Walk {
        source,
        scopes: Scopes::new(rules, module),
        edits: Vec::new(),
        taken: Vec::new(),
        operands: 0,
        waits: false,
        problem: None,
    };
    for rule in &module.policy {
        walk.scopes.clear();
        walk::rule(&mut walk, rule);
    }
    if let Some((line, message)) = walk.problem {
        return Err(CompileError::Unlike {
            path: file.get_path().clone(),
            line,
            message,
        });
    }
    let is_changed = !walk.edits.is_empty();
    Ok(is_changed.then(|| apply(source, 0, source.len(), walk.edits)))
}

struct Walk<'r, 's> {
    source: &'s str,
    scopes: Scopes<'r>,
    edits: Vec<Edit>,
    /// The operands extracted from the current negation, in order: name and text.
    taken: Vec<(String, String)>,
    operands: usize,
    /// Whether a negation was written so that it waits for a name.
    waits: bool,
    /// The first problem, with its line.
    problem: Option<(u32, String)>,
}

impl Visitor for Walk<'_, '_> {
    fn body(&mut self, body: &RuleBody) {
        let before = self.edits.len();
        walk::below_body(self, body);
        // `if not …`, without braces, becomes several statements and so needs them.
        let [only] = body.query.stmts.as_slice() else {
            return;
        };
        let braced = body.query.span.start < only.span.start;
        let (start, end) = range(self.source, only);
        let written = self.edits.get_mut(before..).unwrap_or_default();
        if !braced
            && let Some(edit) = written
                .iter_mut()
                .find(|edit| (edit.start, edit.end) == (start, end))
        {
            edit.text = format!("{{ {} }}", edit.text);
        }
    }

    fn query(&mut self, query: &Query) {
        self.scopes.enter(Level::of(query));
        walk::below_query(self, query);
        self.scopes.leave();
    }

    fn statement(&mut self, statement: &LiteralStmt) {
        let expr = match &statement.literal {
            Literal::NotExpr { expr, .. } => expr,
            // It binds nothing by itself.
            Literal::SomeVars { .. } => return,
            Literal::Every {
                key,
                value,
                domain,
                query,
                ..
            } => {
                let waiting = self.scopes.waiting(query);
                let (start, end) = extent(self.source, domain);
                if let Some((open, _)) = &waiting {
                    self.edits.push(insertion(start, open));
                }
                self.expr(domain);
                if let Some((_, close)) = &waiting {
                    self.edits.push(insertion(end, close));
                }
                let names = key.iter().chain([value]).map(regorus::unstable::Span::text);
                self.scopes.enter(Level::every(names));
                self.query(query);
                return self.scopes.leave();
            }
            _ => return walk::below_statement(self, statement),
        };
        self.waits = false;
        let (operands, negated) = self.negation(statement, expr);
        if operands.is_empty() && !self.waits {
            return;
        }
        let (start, end) = range(self.source, statement);
        let before = self.source.get(start..end).unwrap_or_default();
        let lines = "\n".repeat(before.matches('\n').count());
        self.edits.push(Edit {
            start,
            end,
            text: format!("{operands}{lines}{negated}"),
        });
    }

    fn pattern(&mut self, pattern: &Expr) {
        match pattern {
            Expr::Var { span, .. } => self.declared(span.text()),
            Expr::Array { items, .. } => items.iter().for_each(|item| self.pattern(item)),
            _ => walk::below_expr(self, pattern),
        }
    }

    fn declared(&mut self, name: &str) {
        self.scopes.bind(name);
    }

    fn enter(&mut self) {
        self.scopes.enter(Level::default());
    }

    fn leave(&mut self) {
        self.scopes.leave();
    }
}

impl Walk<'_, '_> {
    /// The statements that bind the operands, and the negation of what is left.
    fn negation(&mut self, statement: &LiteralStmt, expr: &Expr) -> (String, String) {
        let assigns = matches!(
            expr,
            Expr::AssignExpr {
                op: AssignOp::ColEq,
                ..
            }
        );
        let problem = if assigns {
            Some("`:=` stands under a `not`".to_owned())
        } else {
            self.scopes.problem(expr)
        };
        if let (Some(problem), None) = (problem, &self.problem) {
            self.problem = Some((statement.span.line, problem));
        }
        let outer = std::mem::take(&mut self.taken);
        let negated = self.negated(expr);
        let taken = std::mem::replace(&mut self.taken, outer);
        let with = self.modifiers(statement);
        let operands = taken
            .into_iter()
            .map(|(name, text)| format!("{name} := {text}{with}; "));
        (operands.collect(), format!("not {negated}{with}"))
    }
}
