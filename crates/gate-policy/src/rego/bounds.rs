//! What regorus does not bound itself: rules that need themselves, or one another without end. They
//! would hang or overflow the stack while a bundle is loaded.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use regorus::Engine;
use regorus::unstable::{Expr, Module, Rule, RuleBody, RuleHead};

use super::CompileError;
use super::text::MAX_REGO_CHAIN;
use super::walk::{self, Visitor};

/// The parts of a reference or of a rule's name: `data`, `gate`, `p`.
pub(super) type Path = Vec<String>;

/// Refuses rules that need themselves, and chains of rules that are too long.
///
/// A reference needs every rule that it may lead to: what stands above its path, at it and below
/// it. It is followed up to its first part that is not a constant (`data.gate[x]`). What a local
/// name stands for has been counted where that name got it.
pub(crate) fn recursion(engine: &mut Engine) -> Result<(), CompileError> {
    acyclic(needs(engine, |_| true))
}

/// The same among functions alone: for tests. Rules that need themselves are found by the
/// interpreter there.
pub(crate) fn function_recursion(engine: &mut Engine) -> Result<(), CompileError> {
    acyclic(needs(engine, |head| matches!(head, RuleHead::Func { .. })))
}

/// Every rule that counts, with those that it needs.
fn needs(engine: &mut Engine, counts: fn(&RuleHead) -> bool) -> BTreeMap<Path, BTreeSet<Path>> {
    let mut references: BTreeMap<Path, BTreeSet<Path>> = BTreeMap::new();
    for module in engine.get_modules().iter() {
        let names = Names::of(module);
        for rule in &module.policy {
            let Rule::Spec { head, .. } = rule.as_ref() else {
                continue;
            };
            if counts(head) {
                let own = [names.package.clone(), path(walk::name(rule)).0].concat();
                let used = References::of(rule);
                let used = used.into_iter().filter_map(|used| names.full(used.path));
                references.entry(own).or_default().extend(used);
            }
        }
    }
    references
        .iter()
        .map(|(rule, used)| {
            let needed = used.iter().flat_map(|used| meant(used, &references));
            (rule.clone(), needed.cloned().collect())
        })
        .collect()
}

/// The rules that a reference may lead to.
fn meant<'r, T>(
    reference: &'r Path,
    rules: &'r BTreeMap<Path, T>,
) -> impl Iterator<Item = &'r Path> {
    let above = (1..reference.len()).filter_map(|parts| {
        let (rule, _) = rules.get_key_value(reference.get(..parts)?)?;
        Some(rule)
    });
    let below = rules.range(reference.clone()..).map(|(rule, _)| rule);
    above.chain(below.take_while(|rule| rule.starts_with(reference)))
}

/// What the names in a module stand for.
pub(super) struct Names {
    pub(super) package: Path,
    pub(super) imports: BTreeMap<String, Path>,
}

impl Names {
    pub(super) fn of(module: &Module) -> Self {
        let package = [vec!["data".to_owned()], path(&module.package.refr).0].concat();
        let imports = module.imports.iter().filter_map(|import| {
            let to = path(&import.refr).0;
            let name = match &import.r#as {
                Some(name) => name.text().to_owned(),
                None => to.last()?.clone(),
            };
            Some((name, to))
        });
        Self {
            package,
            imports: imports.collect(),
        }
    }

    /// The path from `data` on; `None` of what is no rule's.
    pub(super) fn full(&self, reference: Path) -> Option<Path> {
        let (root, rest) = reference.split_first()?;
        let path = match (root.as_str(), self.imports.get(root)) {
            ("data" | "input", _) => reference,
            (_, Some(to)) => [to, rest].concat(),
            (_, None) => [self.package.as_slice(), &reference].concat(),
        };
        (path.first()? == "data").then_some(path)
    }
}

/// The constant parts that a reference begins with, and whether that is all of it. None of what is
/// no reference.
pub(super) fn path(reference: &Expr) -> (Path, bool) {
    let (refr, next) = match reference {
        Expr::Var { span, .. } => return (vec![span.text().to_owned()], true),
        Expr::RefDot { refr, field, .. } => (refr, Some(field.0.text())),
        Expr::RefBrack { refr, index, .. } => {
            let text = match index.as_ref() {
                Expr::String { value, .. } | Expr::RawString { value, .. } => value.as_string(),
                _ => return (path(refr).0, false),
            };
            (refr, text.ok().map(AsRef::as_ref))
        }
        _ => return (Path::new(), false),
    };
    match (path(refr), next) {
        ((mut parts, true), Some(next)) => {
            parts.push(next.to_owned());
            (parts, true)
        }
        ((parts, _), _) => (parts, false),
    }
}

/// A reference to something that is not bound where it stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Used {
    /// Up to its first part that is not a constant.
    pub(super) path: Path,
    pub(super) line: u32,
}

/// What a rule refers to, apart from names that are bound where they stand.
#[derive(Default)]
pub(super) struct References {
    /// Of the scope that the walk is in: first the rule's head.
    scope: Scope,
    outer: Vec<Scope>,
    /// Of the bodies. Each is a scope of its own, and the head sees the names of them all.
    bodies: Scope,
}

#[derive(Default)]
struct Scope {
    used: BTreeSet<Used>,
    bound: BTreeSet<String>,
}

impl Scope {
    /// What is used here and not bound here.
    fn free(self) -> (impl Iterator<Item = Used>, BTreeSet<String>) {
        let Self { used, bound } = self;
        let (hidden, free): (Vec<_>, Vec<_>) = used
            .into_iter()
            .partition(|used| used.path.first().is_some_and(|root| bound.contains(root)));
        drop(hidden);
        (free.into_iter(), bound)
    }
}

impl References {
    pub(super) fn of(rule: &Rule) -> BTreeSet<Used> {
        let mut found = Self::default();
        walk::rule(&mut found, rule);
        let Self {
            scope: mut head,
            bodies,
            ..
        } = found;
        // A function's arguments are seen by every body; what a body binds, by the head.
        let arguments = head.bound.clone();
        head.bound.extend(bodies.bound);
        let of_bodies = Scope {
            used: bodies.used,
            bound: arguments,
        };
        head.free().0.chain(of_bodies.free().0).collect()
    }
}

impl Visitor for References {
    fn body(&mut self, body: &RuleBody) {
        let head = mem::take(&mut self.scope);
        walk::below_body(self, body);
        let (free, bound) = mem::replace(&mut self.scope, head).free();
        self.bodies.used.extend(free);
        self.bodies.bound.extend(bound);
    }

    fn enter(&mut self) {
        self.outer.push(mem::take(&mut self.scope));
    }

    fn leave(&mut self) {
        let outer = self.outer.pop().unwrap_or_default();
        let (free, _) = mem::replace(&mut self.scope, outer).free();
        self.scope.used.extend(free);
    }

    fn declared(&mut self, name: &str) {
        self.scope.bound.insert(name.to_owned());
    }

    fn pattern(&mut self, pattern: &Expr) {
        match pattern {
            Expr::Var { span, .. } => self.declared(span.text()),
            Expr::Array { items, .. } => items.iter().for_each(|item| self.pattern(item)),
            Expr::Object { fields, .. } => {
                for (_, key, value) in fields {
                    self.expr(key);
                    self.pattern(value);
                }
            }
            other => self.expr(other),
        }
    }

    fn expr(&mut self, expr: &Expr) {
        let (parts, _) = path(expr);
        if parts.is_empty() {
            return walk::below_expr(self, expr);
        }
        self.scope.used.insert(Used {
            path: parts,
            line: expr.span().line,
        });
        // The indexes alone: the rest has just been taken.
        let mut expr = expr;
        while let Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } = expr {
            if let Expr::RefBrack { index, .. } = expr {
                self.expr(index);
            }
            expr = refr;
        }
    }
}

fn acyclic(mut needs: BTreeMap<Path, BTreeSet<Path>>) -> Result<(), CompileError> {
    // Takes away rules that need nothing that is left; what cannot be taken away is a circle.
    for _ in 0..MAX_REGO_CHAIN {
        let known: BTreeSet<Path> = needs.keys().cloned().collect();
        let free: Vec<Path> = needs
            .iter()
            .filter(|(_, needed)| needed.is_disjoint(&known))
            .map(|(name, _)| name.clone())
            .collect();
        // Nor is a rule in a circle that nothing left needs: it only leads to one.
        let needed: BTreeSet<Path> = needs.values().flatten().cloned().collect();
        let leading = known.difference(&needed).cloned();
        let free: Vec<Path> = free.into_iter().chain(leading).collect();
        if free.is_empty() {
            return match needs.into_keys().next() {
                Some(rule) => Err(CompileError::Recursion(rule.join("."))),
                None => Ok(()),
            };
        }
        free.iter().for_each(|name| drop(needs.remove(name)));
    }
    match needs.into_keys().next() {
        Some(rule) => Err(CompileError::Chain(rule.join("."))),
        None => Ok(()),
    }
}
