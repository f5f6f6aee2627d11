//! Whether a body or an expression may iterate, as far as its syntax tells.

use std::collections::BTreeSet;

use regorus::unstable::{AssignOp, Expr, Literal, LiteralStmt, Query};

use crate::rego::syntax::walk::{self, Visitor};

/// Whether a body may: `some … in`, or an index that is `_` or an unbound name. `names` are bound.
pub(in crate::rego) fn in_body<'n>(
    query: &'n Query,
    names: impl IntoIterator<Item = &'n Expr>,
) -> bool {
    let mut loops = Loops {
        known: names
            .into_iter()
            .filter_map(name)
            .map(ToOwned::to_owned)
            .collect(),
        found: false,
    };
    loops.body(query);
    loops.found
}

/// Whether an expression may: `legs[_].fees`.
pub(in crate::rego) fn in_expr(expr: &Expr) -> bool {
    let mut loops = Loops {
        known: BTreeSet::new(),
        found: false,
    };
    loops.expr(expr);
    loops.found
}

fn name(pattern: &Expr) -> Option<&str> {
    match pattern {
        Expr::Var { span, .. } => Some(span.text()).filter(|name| *name != "_"),
        _ => None,
    }
}

/// The name that a statement assigns.
fn assigned(statement: &LiteralStmt) -> Option<&str> {
    let (Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. }) = &statement.literal else {
        return None;
    };
    match expr.as_ref() {
        Expr::AssignExpr {
            op: AssignOp::ColEq,
            lhs,
            ..
        } => name(lhs),
        _ => None,
    }
}

struct Loops {
    /// The names that are bound.
    known: BTreeSet<String>,
    found: bool,
}

impl Loops {
    fn body(&mut self, query: &Query) {
        let assigned = query.stmts.iter().filter_map(assigned);
        self.known.extend(assigned.map(ToOwned::to_owned));
        self.query(query);
    }
}

impl Visitor for Loops {
    fn statement(&mut self, statement: &LiteralStmt) {
        match &statement.literal {
            Literal::SomeIn { .. } => self.found = true,
            // `every` iterates by itself; loops in its domain and body count.
            Literal::Every { domain, query, .. } => {
                self.expr(domain);
                let known = self.known.clone();
                self.body(query);
                self.known = known;
            }
            _ => walk::below_statement(self, statement),
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match expr {
            // Comprehensions iterate by themselves.
            Expr::ArrayCompr { .. } | Expr::SetCompr { .. } | Expr::ObjectCompr { .. } => return,
            Expr::RefBrack { index, .. } => {
                self.found |= match index.as_ref() {
                    Expr::Var { span, .. } => !self.known.contains(span.text()),
                    Expr::Array { .. } | Expr::Object { .. } => !walk::is_constant(index),
                    _ => false,
                };
            }
            _ => {}
        }
        walk::below_expr(self, expr);
    }
}
