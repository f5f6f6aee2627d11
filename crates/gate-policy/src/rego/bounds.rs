//! What regorus does not bound itself: rules that need themselves, or one another without end. They
//! would hang or overflow the stack while a bundle is loaded.

use std::collections::{BTreeMap, BTreeSet};

use regorus::Engine;
use regorus::unstable::{Expr, Literal, Module, Query, Rule, RuleHead};

use super::CompileError;
use super::text::MAX_REGO_CHAIN;

/// Refuses rules that need themselves. Names are compared by their last part, so that no spelling
/// of a reference is missed; a name that a rule binds itself is its own.
pub(crate) fn recursion(engine: &mut Engine) -> Result<(), CompileError> {
    let mut needs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let modules = engine.get_modules();
    let packages = modules
        .iter()
        .map(|module| first_name(&module.package.refr))
        .collect();
    for module in modules.iter() {
        collect(module, &packages, &mut needs);
    }
    // Takes away rules that need nothing that is left; what cannot be taken away is a circle.
    for _ in 0..MAX_REGO_CHAIN {
        let known: BTreeSet<String> = needs.keys().cloned().collect();
        let free: Vec<String> = needs
            .iter()
            .filter(|(_, needed)| needed.is_disjoint(&known))
            .map(|(name, _)| name.clone())
            .collect();
        // Nor is a rule in a circle that nothing left needs: it only leads to one.
        let needed: BTreeSet<String> = needs.values().flatten().cloned().collect();
        let leading = known.difference(&needed).cloned();
        let free: Vec<String> = free.into_iter().chain(leading).collect();
        if free.is_empty() {
            return match needs.into_keys().next() {
                Some(name) => Err(CompileError::Recursion(name)),
                None => Ok(()),
            };
        }
        free.iter().for_each(|name| drop(needs.remove(name)));
    }
    match needs.into_keys().next() {
        Some(name) => Err(CompileError::Chain(name)),
        None => Ok(()),
    }
}

fn collect(
    module: &Module,
    packages: &BTreeSet<String>,
    needs: &mut BTreeMap<String, BTreeSet<String>>,
) {
    for rule in &module.policy {
        let Rule::Spec { head, bodies, .. } = rule.as_ref() else {
            continue;
        };
        let mut found = Names {
            packages,
            used: BTreeSet::new(),
            bound: BTreeSet::new(),
        };
        let refr = match head {
            RuleHead::Compr { refr, assign, .. } => {
                assign.iter().for_each(|assign| found.expr(&assign.value));
                refr
            }
            RuleHead::Set { refr, key, .. } => {
                key.iter().for_each(|key| found.expr(key));
                refr
            }
            RuleHead::Func {
                refr, args, assign, ..
            } => {
                args.iter().for_each(|arg| found.bind(arg));
                assign.iter().for_each(|assign| found.expr(&assign.value));
                refr
            }
        };
        for body in bodies {
            body.assign
                .iter()
                .for_each(|assign| found.expr(&assign.value));
            found.query(&body.query);
        }
        let used = found.used.difference(&found.bound).cloned();
        // `a` of `a`, `a.b` and `a[x]`.
        needs.entry(first_name(refr)).or_default().extend(used);
    }
}

struct Names<'p> {
    /// The first names of all packages.
    packages: &'p BTreeSet<String>,
    used: BTreeSet<String>,
    bound: BTreeSet<String>,
}

impl Names<'_> {
    /// Not `input.…`, and not `data.…` outside every package.
    fn may_be_rule(&self, reference: &Expr) -> bool {
        let (mut refr, mut first) = (reference, None);
        loop {
            refr = match refr {
                Expr::RefDot { refr, field, .. } => {
                    first = Some(field.0.text());
                    refr
                }
                Expr::RefBrack { refr, index, .. } => {
                    first = match index.as_ref() {
                        Expr::String { span, .. } | Expr::RawString { span, .. } => {
                            Some(span.text())
                        }
                        _ => None,
                    };
                    refr
                }
                other => {
                    return match other.span().text() {
                        "input" => false,
                        "data" => first.is_none_or(|first| self.packages.contains(first)),
                        _ => true,
                    };
                }
            };
        }
    }

    fn bind(&mut self, pattern: &Expr) {
        match pattern {
            Expr::Var { span, .. } => drop(self.bound.insert(span.text().to_owned())),
            Expr::Array { items, .. } => items.iter().for_each(|item| self.bind(item)),
            Expr::Object { fields, .. } => {
                fields.iter().for_each(|(_, _, value)| self.bind(value));
            }
            other => self.expr(other),
        }
    }

    fn query(&mut self, query: &Query) {
        for statement in &query.stmts {
            for modifier in &statement.with_mods {
                self.expr(&modifier.r#as);
            }
            match &statement.literal {
                Literal::SomeVars { vars, .. } => {
                    self.bound
                        .extend(vars.iter().map(|var| var.text().to_owned()));
                }
                Literal::SomeIn {
                    key,
                    value,
                    collection,
                    ..
                } => {
                    key.iter().for_each(|key| self.bind(key));
                    self.bind(value);
                    self.expr(collection);
                }
                Literal::Every {
                    key,
                    value,
                    domain,
                    query,
                    ..
                } => {
                    self.bound
                        .extend(key.iter().map(|key| key.text().to_owned()));
                    self.bound.insert(value.text().to_owned());
                    self.expr(domain);
                    self.query(query);
                }
                Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => match expr.as_ref() {
                    Expr::AssignExpr {
                        op: regorus::unstable::AssignOp::ColEq,
                        lhs,
                        rhs,
                        ..
                    } => {
                        self.bind(lhs);
                        self.expr(rhs);
                    }
                    expr => self.expr(expr),
                },
            }
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Var { span, .. } => drop(self.used.insert(span.text().to_owned())),
            Expr::String { span, .. } | Expr::RawString { span, .. } => {
                // `data.gate["a"]` names the rule `a`.
                self.used.insert(span.text().to_owned());
            }
            Expr::Number { .. } | Expr::Bool { .. } | Expr::Null { .. } => {}
            Expr::Array { items, .. } | Expr::Set { items, .. } => {
                items.iter().for_each(|item| self.expr(item));
            }
            Expr::Object { fields, .. } => {
                for (_, key, value) in fields {
                    // A key that is a plain string names no rule.
                    if !matches!(key.as_ref(), Expr::String { .. }) {
                        self.expr(key);
                    }
                    self.expr(value);
                }
            }
            Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
                self.expr(term);
                self.query(query);
            }
            Expr::ObjectCompr {
                key, value, query, ..
            } => {
                self.expr(key);
                self.expr(value);
                self.query(query);
            }
            Expr::Call { fcn, params, .. } => {
                self.expr(fcn);
                params.iter().for_each(|param| self.expr(param));
            }
            Expr::UnaryExpr { expr, .. } => self.expr(expr),
            Expr::RefDot { refr, field, .. } => {
                if self.may_be_rule(expr) {
                    self.used.insert(field.0.text().to_owned());
                }
                self.expr(refr);
            }
            Expr::RefBrack { refr, index, .. } => {
                let is_name =
                    matches!(index.as_ref(), Expr::String { .. } | Expr::RawString { .. });
                if !is_name || self.may_be_rule(expr) {
                    self.expr(index);
                }
                self.expr(refr);
            }
            Expr::BinExpr { lhs, rhs, .. }
            | Expr::BoolExpr { lhs, rhs, .. }
            | Expr::ArithExpr { lhs, rhs, .. }
            | Expr::AssignExpr { lhs, rhs, .. } => {
                self.expr(lhs);
                self.expr(rhs);
            }
            Expr::Membership {
                key,
                value,
                collection,
                ..
            } => {
                key.iter().for_each(|key| self.expr(key));
                self.expr(value);
                self.expr(collection);
            }
        }
    }
}

/// `gate` of `package gate.pre`.
fn first_name(package: &Expr) -> String {
    match package {
        Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } => first_name(refr),
        other => other.span().text().to_owned(),
    }
}
