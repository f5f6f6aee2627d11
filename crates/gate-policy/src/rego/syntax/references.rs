//! Resolves a module's references to the paths of rules and data.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use regorus::unstable::{Expr, Module, Rule, RuleBody};

use super::walk::{self, Visitor};

/// The parts of a reference or of a rule's name: `data`, `gate`, `p`.
pub(in crate::rego) type Path = Vec<String>;

/// What the names in a module stand for.
pub(in crate::rego) struct Names {
    pub(in crate::rego) package: Path,
    pub(in crate::rego) imports: BTreeMap<String, Path>,
}

impl Names {
    pub(in crate::rego) fn of(module: &Module) -> Self {
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

    /// The path from `data` on; `None` for any other.
    pub(in crate::rego) fn full(&self, reference: Path) -> Option<Path> {
        let (root, rest) = reference.split_first()?;
        let path = match (root.as_str(), self.imports.get(root)) {
            ("data" | "input", _) => reference,
            (_, Some(to)) => [to, rest].concat(),
            (_, None) => [self.package.as_slice(), &reference].concat(),
        };
        (path.first()? == "data").then_some(path)
    }
}

/// The constant parts that a reference begins with, and whether that is all of it. No parts if it
/// is not a reference.
pub(in crate::rego) fn path(reference: &Expr) -> (Path, bool) {
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

/// A reference that is not to a local variable.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::rego) struct Used {
    /// Up to its first part that is not a constant.
    pub(in crate::rego) path: Path,
    pub(in crate::rego) line: u32,
}

/// Collects what a rule refers to, without local variables.
#[derive(Default)]
pub(in crate::rego) struct References {
    /// The scope that the walk is in: first the rule's head.
    scope: Scope,
    outer: Vec<Scope>,
    /// Those of the bodies. Each is a scope of its own, and the head sees the names of them all.
    bodies: Scope,
}

#[derive(Default)]
struct Scope {
    used: BTreeSet<Used>,
    bound: BTreeSet<String>,
}

impl Scope {
    /// What is used and not bound here, and what is bound here.
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
    pub(in crate::rego) fn of(rule: &Rule) -> BTreeSet<Used> {
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
        // Only the indexes: the rest has just been taken.
        let mut expr = expr;
        while let Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } = expr {
            if let Expr::RefBrack { index, .. } = expr {
                self.expr(index);
            }
            expr = refr;
        }
    }
}
