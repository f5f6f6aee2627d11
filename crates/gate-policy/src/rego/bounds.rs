//! What regorus does not bound itself: rules that need themselves, or one another without end. They
//! would hang or overflow the stack while a bundle is loaded.

use std::collections::{BTreeMap, BTreeSet};

use regorus::Engine;
use regorus::unstable::{Expr, Module, Rule, RuleHead};

use super::CompileError;
use super::text::MAX_REGO_CHAIN;
use super::walk::{self, Visitor};

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
    acyclic(needs)
}

/// Refuses functions that call themselves, by their full names: for tests, whose helpers may well be
/// named as what they test. Rules that need themselves are found by the interpreter.
pub(crate) fn function_recursion(engine: &mut Engine) -> Result<(), CompileError> {
    let mut needs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let modules = engine.get_modules();
    let none = BTreeSet::new();
    for module in modules.iter() {
        let package = format!("data.{}", path(&module.package.refr).unwrap_or_default());
        let mut aliases = BTreeMap::new();
        for import in &module.imports {
            let to = path(&import.refr).unwrap_or_default();
            let last = to.rsplit('.').next().unwrap_or_default();
            let name = import.r#as.as_ref().map_or(last, |name| name.text());
            aliases.insert(name.to_owned(), to);
        }
        for rule in &module.policy {
            let found = names(rule, &none);
            if let (
                Rule::Spec {
                    head: RuleHead::Func { refr, .. },
                    ..
                },
                Some(found),
            ) = (rule.as_ref(), found)
            {
                let full = |name: String| {
                    let (root, rest) = name.split_once('.').unwrap_or((&name, ""));
                    match aliases.get(root) {
                        _ if root == "data" => name,
                        Some(to) => format!("{to}.{rest}"),
                        None => format!("{package}.{name}"),
                    }
                };
                let calls = found.calls.into_iter().map(full);
                let own = full(path(refr).unwrap_or_default());
                needs.entry(own).or_default().extend(calls);
            }
        }
    }
    acyclic(needs)
}

/// `a.b.c` of `a.b["c"]`; nothing of what is no such path.
fn path(reference: &Expr) -> Option<String> {
    match reference {
        Expr::Var { span, .. } => Some(span.text().to_owned()),
        Expr::RefDot { refr, field, .. } => Some(format!("{}.{}", path(refr)?, field.0.text())),
        Expr::RefBrack { refr, index, .. } => match index.as_ref() {
            Expr::String { span, .. } | Expr::RawString { span, .. } => {
                Some(format!("{}.{}", path(refr)?, span.text()))
            }
            _ => None,
        },
        _ => None,
    }
}

fn acyclic(mut needs: BTreeMap<String, BTreeSet<String>>) -> Result<(), CompileError> {
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
        let (Rule::Spec { head, .. }, Some(found)) = (rule.as_ref(), names(rule, packages)) else {
            continue;
        };
        let (RuleHead::Compr { refr, .. }
        | RuleHead::Set { refr, .. }
        | RuleHead::Func { refr, .. }) = head;
        let used = found.used.difference(&found.bound).cloned();
        // `a` of `a`, `a.b` and `a[x]`.
        needs.entry(first_name(refr)).or_default().extend(used);
    }
}

/// The names in a rule; none in a default.
fn names<'p>(rule: &Rule, packages: &'p BTreeSet<String>) -> Option<Names<'p>> {
    if !matches!(rule, Rule::Spec { .. }) {
        return None;
    }
    let mut found = Names {
        packages,
        used: BTreeSet::new(),
        bound: BTreeSet::new(),
        calls: BTreeSet::new(),
    };
    walk::rule(&mut found, rule);
    Some(found)
}

struct Names<'p> {
    /// The first names of all packages.
    packages: &'p BTreeSet<String>,
    used: BTreeSet<String>,
    bound: BTreeSet<String>,
    /// What is called, as it is written.
    calls: BTreeSet<String>,
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
}

impl Visitor for Names<'_> {
    fn declared(&mut self, name: &str) {
        self.bound.insert(name.to_owned());
    }

    fn pattern(&mut self, pattern: &Expr) {
        match pattern {
            Expr::Var { span, .. } => self.declared(span.text()),
            Expr::Array { items, .. } => items.iter().for_each(|item| self.pattern(item)),
            Expr::Object { fields, .. } => {
                fields.iter().for_each(|(_, _, value)| self.pattern(value));
            }
            other => self.expr(other),
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match expr {
            // `data.gate["a"]` names the rule `a`.
            Expr::Var { span, .. } | Expr::String { span, .. } | Expr::RawString { span, .. } => {
                self.used.insert(span.text().to_owned());
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
            Expr::RefDot { refr, field, .. } => {
                if self.may_be_rule(expr) {
                    self.used.insert(field.0.text().to_owned());
                }
                self.expr(refr);
            }
            Expr::RefBrack { refr, index, .. } => {
                if !walk::is_text(index) || self.may_be_rule(expr) {
                    self.expr(index);
                }
                self.expr(refr);
            }
            Expr::Call { fcn, .. } => {
                self.calls.extend(path(fcn));
                walk::below_expr(self, expr);
            }
            _ => walk::below_expr(self, expr),
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
