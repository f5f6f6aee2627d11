//! Visits a module's syntax in the order of the text. A visitor overrides what it looks for, and
//! decides itself whether to descend further.

use regorus::unstable::{AssignOp, Expr, Literal, LiteralStmt, Query, Rule, RuleBody, RuleHead};

/// By default every method descends.
pub(crate) trait Visitor {
    fn body(&mut self, body: &RuleBody) {
        below_body(self, body);
    }

    /// The query of a rule, an `every` or a comprehension.
    fn query(&mut self, query: &Query) {
        below_query(self, query);
    }

    fn statement(&mut self, statement: &LiteralStmt) {
        below_statement(self, statement);
    }

    fn expr(&mut self, expr: &Expr) {
        below_expr(self, expr);
    }

    /// What binds names: a function's arguments, `some … in`, the left of `:=`.
    fn pattern(&mut self, pattern: &Expr) {
        self.expr(pattern);
    }

    /// A name that `some` or `every` declares.
    fn declared(&mut self, _name: &str) {}

    /// A scope begins, up to `leave`: a comprehension, an `every`.
    fn enter(&mut self) {}

    fn leave(&mut self) {}
}

/// Visits a rule's head and bodies; nothing of a default, whose value is a constant.
pub(crate) fn rule<V: Visitor + ?Sized>(visitor: &mut V, rule: &Rule) {
    head(visitor, rule);
    if let Rule::Spec { bodies, .. } = rule {
        bodies.iter().for_each(|body| visitor.body(body));
    }
}

pub(crate) fn head<V: Visitor + ?Sized>(visitor: &mut V, rule: &Rule) {
    let Rule::Spec { head, .. } = rule else {
        return;
    };
    let (refr, args, key, assign) = match head {
        RuleHead::Compr { refr, assign, .. } => (refr, None, None, assign.as_ref()),
        RuleHead::Set { refr, key, .. } => (refr, None, key.as_ref(), None),
        RuleHead::Func {
            refr, args, assign, ..
        } => (refr, Some(args), None, assign.as_ref()),
    };
    head_keys(visitor, refr);
    args.into_iter()
        .flatten()
        .for_each(|arg| visitor.pattern(arg));
    key.into_iter().for_each(|key| visitor.expr(key));
    assign
        .into_iter()
        .for_each(|assign| visitor.expr(&assign.value));
}

/// The name of a rule, with its keys.
pub(crate) fn name(rule: &Rule) -> &Expr {
    let (Rule::Default { refr, .. }
    | Rule::Spec {
        head:
            RuleHead::Compr { refr, .. } | RuleHead::Set { refr, .. } | RuleHead::Func { refr, .. },
        ..
    }) = rule;
    refr
}

/// Whether a part of a rule's name is a key other than a string literal.
pub(crate) fn has_key(name: &Expr) -> bool {
    match name {
        Expr::RefDot { refr, .. } => has_key(refr),
        Expr::RefBrack { refr, index, .. } => !is_text(index) || has_key(refr),
        _ => false,
    }
}

/// Visits `k` of the head `p[k]`. A string literal is part of the rule's name.
fn head_keys<V: Visitor + ?Sized>(visitor: &mut V, head: &Expr) {
    match head {
        Expr::RefDot { refr, .. } => head_keys(visitor, refr),
        Expr::RefBrack { refr, index, .. } => {
            head_keys(visitor, refr);
            if !is_text(index) {
                visitor.expr(index);
            }
        }
        _ => {}
    }
}

pub(crate) fn below_body<V: Visitor + ?Sized>(visitor: &mut V, body: &RuleBody) {
    if let Some(assign) = &body.assign {
        visitor.expr(&assign.value);
    }
    visitor.query(&body.query);
}

pub(crate) fn below_query<V: Visitor + ?Sized>(visitor: &mut V, query: &Query) {
    query.stmts.iter().for_each(|each| visitor.statement(each));
}

pub(crate) fn below_statement<V: Visitor + ?Sized>(visitor: &mut V, statement: &LiteralStmt) {
    for modifier in &statement.with_mods {
        visitor.expr(&modifier.r#as);
    }
    match &statement.literal {
        Literal::SomeVars { vars, .. } => vars.iter().for_each(|var| visitor.declared(var.text())),
        Literal::SomeIn {
            key,
            value,
            collection,
            ..
        } => {
            key.iter().for_each(|key| visitor.pattern(key));
            visitor.pattern(value);
            visitor.expr(collection);
        }
        Literal::Every {
            key,
            value,
            domain,
            query: each,
            ..
        } => {
            visitor.expr(domain);
            visitor.enter();
            key.iter().for_each(|key| visitor.declared(key.text()));
            visitor.declared(value.text());
            visitor.query(each);
            visitor.leave();
        }
        Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => match expr.as_ref() {
            Expr::AssignExpr {
                op: AssignOp::ColEq,
                lhs,
                rhs,
                ..
            } => {
                visitor.pattern(lhs);
                visitor.expr(rhs);
            }
            expr => visitor.expr(expr),
        },
    }
}

pub(crate) fn below_expr<V: Visitor + ?Sized>(visitor: &mut V, expr: &Expr) {
    match expr {
        Expr::Array { items, .. } | Expr::Set { items, .. } => {
            items.iter().for_each(|item| visitor.expr(item));
        }
        Expr::Object { fields, .. } => {
            for (_, key, value) in fields {
                visitor.expr(key);
                visitor.expr(value);
            }
        }
        Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
            visitor.enter();
            visitor.expr(term);
            visitor.query(query);
            visitor.leave();
        }
        Expr::ObjectCompr {
            key, value, query, ..
        } => {
            visitor.enter();
            visitor.expr(key);
            visitor.expr(value);
            visitor.query(query);
            visitor.leave();
        }
        Expr::Call { fcn, params, .. } => {
            visitor.expr(fcn);
            params.iter().for_each(|param| visitor.expr(param));
        }
        Expr::UnaryExpr { expr, .. } => visitor.expr(expr),
        Expr::RefDot { refr, .. } => visitor.expr(refr),
        Expr::RefBrack { refr, index, .. } => {
            visitor.expr(refr);
            visitor.expr(index);
        }
        Expr::BinExpr { lhs, rhs, .. }
        | Expr::BoolExpr { lhs, rhs, .. }
        | Expr::ArithExpr { lhs, rhs, .. }
        | Expr::AssignExpr { lhs, rhs, .. } => {
            visitor.expr(lhs);
            visitor.expr(rhs);
        }
        Expr::Membership {
            key,
            value,
            collection,
            ..
        } => {
            key.iter().for_each(|key| visitor.expr(key));
            visitor.expr(value);
            visitor.expr(collection);
        }
        Expr::String { .. }
        | Expr::RawString { .. }
        | Expr::Number { .. }
        | Expr::Bool { .. }
        | Expr::Null { .. }
        | Expr::Var { .. } => {}
    }
}

/// Every variable that a pattern binds.
pub(crate) fn bound<'p>(pattern: &'p Expr, see: &mut dyn FnMut(&'p Expr)) {
    match pattern {
        Expr::Var { .. } => see(pattern),
        Expr::Array { items, .. } => items.iter().for_each(|item| bound(item, see)),
        Expr::Object { fields, .. } => fields.iter().for_each(|(_, _, value)| bound(value, see)),
        _ => {}
    }
}

/// A literal string, of either kind.
pub(crate) const fn is_text(expr: &Expr) -> bool {
    matches!(expr, Expr::String { .. } | Expr::RawString { .. })
}

/// Whether it is made of literals alone.
pub(crate) fn is_constant(expr: &Expr) -> bool {
    is_made_of(expr, &|_| false)
}

/// Whether it is made of literals, and of names for which `is_known`.
pub(crate) fn is_made_of(expr: &Expr, is_known: &impl Fn(&str) -> bool) -> bool {
    match expr {
        Expr::Var { span, .. } => is_known(span.text()),
        Expr::String { .. }
        | Expr::RawString { .. }
        | Expr::Number { .. }
        | Expr::Bool { .. }
        | Expr::Null { .. } => true,
        Expr::Array { items, .. } | Expr::Set { items, .. } => {
            items.iter().all(|item| is_made_of(item, is_known))
        }
        Expr::Object { fields, .. } => fields
            .iter()
            .all(|(_, key, value)| is_made_of(key, is_known) && is_made_of(value, is_known)),
        // A number below 0.
        Expr::UnaryExpr { expr, .. } => matches!(expr.as_ref(), Expr::Number { .. }),
        _ => false,
    }
}
