//! Which names are bound where a `not` stands, and which are documents.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{Expr, Literal, LiteralStmt, Module, Query};

use crate::rego::syntax::references::{Names, Path, path};
use crate::rego::syntax::walk::{self, Visitor};

/// The names of the rules in each package of a bundle.
pub(super) struct Rules(BTreeMap<Path, BTreeSet<String>>);

impl Rules {
    pub(super) fn of<'m>(modules: impl Iterator<Item = &'m Module>) -> Self {
        let mut found = Self(BTreeMap::new());
        for module in modules {
            let names = found.0.entry(Names::of(module).package).or_default();
            for rule in &module.policy {
                names.extend(path(walk::name(rule)).0.first().cloned());
            }
        }
        found
    }
}

/// The names that are bound where the walk is, innermost last.
pub(super) struct Scopes<'r> {
    rules: &'r Rules,
    names: Names,
    levels: Vec<Level>,
}

/// The names of one query, or of what surrounds it.
#[derive(Default)]
pub(super) struct Level {
    /// Those in an expression that is not negated: it binds them, or another must, or the engines
    /// refuse the rule.
    bound: BTreeSet<String>,
    /// Those of them that `:=` or `some … in` gives a value.
    given: BTreeSet<String>,
    /// Those that `some` declares.
    declared: BTreeSet<String>,
}

impl<'r> Scopes<'r> {
    pub(super) fn new(rules: &'r Rules, module: &Module) -> Self {
        Self {
            rules,
            names: Names::of(module),
            levels: Vec::new(),
        }
    }

    pub(super) fn enter(&mut self, level: Level) {
        self.levels.push(level);
    }

    pub(super) fn leave(&mut self) {
        self.levels.pop();
    }

    /// Starts another rule.
    pub(super) fn clear(&mut self) {
        self.levels = vec![Level::default()];
    }

    pub(super) fn bind(&mut self, name: &str) {
        if let Some(level) = self.levels.last_mut() {
            level.bound.insert(name.to_owned());
        }
    }

    /// Whether the name, unless it is local, is a document, which may be undefined.
    pub(super) fn is_document(&self, name: &str) -> bool {
        let rules = self.rules.0.get(&self.names.package);
        matches!(name, "input" | "data")
            || self.names.imports.contains_key(name)
            || rules.is_some_and(|rules| rules.contains(name))
    }

    /// Whether something else than the negated expression binds the name.
    fn has_value(&self, name: &str) -> bool {
        for level in self.levels.iter().rev() {
            if level.bound.contains(name) {
                return name != "_";
            }
            if level.declared.contains(name) {
                return false;
            }
        }
        self.is_document(name)
    }

    /// What to write before and behind the domain of an `every` with this body, so that it waits
    /// for the names that the body has from around it.
    pub(super) fn waiting(&self, body: &Query) -> Option<(String, String)> {
        let mut names = Mentioned::default();
        names.query(body);
        // The first level has the arguments of a function, which wait for nothing.
        let around = self.levels.iter().skip(1);
        let names = names.0.into_iter().filter(|name| {
            let is_here = |level: &Level| level.bound.contains(name);
            let is_own =
                |level: &Level| level.given.contains(name) || level.declared.contains(name);
            let is_local = around.clone().any(is_own) || !self.is_document(name);
            name != "_" && is_local && around.clone().any(is_here)
        });
        let names: Vec<String> = names.collect();
        let close = || format!("), {}][0]", names.join(", "));
        (!names.is_empty()).then(|| ("[(".to_owned(), close()))
    }

    /// What OPA would not accept in a negated expression.
    pub(super) fn problem(&self, negated: &Expr) -> Option<String> {
        let mut found = Problem {
            scopes: self,
            problem: None,
        };
        found.expr(negated);
        found.problem
    }
}

impl Level {
    pub(super) fn of(query: &Query) -> Self {
        let mut level = Self::default();
        walk::below_query(&mut level, query);
        level
    }

    /// The names of an `every`.
    pub(super) fn every<'n>(names: impl Iterator<Item = &'n str>) -> Self {
        Self {
            bound: names.map(ToOwned::to_owned).collect(),
            ..Self::default()
        }
    }
}

impl Visitor for Level {
    fn statement(&mut self, statement: &LiteralStmt) {
        match &statement.literal {
            Literal::NotExpr { .. } => {}
            // Its body is a query of its own.
            Literal::Every { domain, .. } => self.expr(domain),
            _ => walk::below_statement(self, statement),
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::ArrayCompr { .. } | Expr::SetCompr { .. } | Expr::ObjectCompr { .. } => {}
            Expr::Call { params, .. } => params.iter().for_each(|param| self.expr(param)),
            Expr::Var { span, .. } => {
                self.bound.insert(span.text().to_owned());
            }
            _ => walk::below_expr(self, expr),
        }
    }

    fn pattern(&mut self, pattern: &Expr) {
        let mut names = Mentioned::default();
        names.expr(pattern);
        self.given.extend(names.0);
        self.expr(pattern);
    }

    fn declared(&mut self, name: &str) {
        self.declared.insert(name.to_owned());
    }
}

/// All names in it.
#[derive(Default)]
struct Mentioned(BTreeSet<String>);

impl Visitor for Mentioned {
    fn expr(&mut self, expr: &Expr) {
        if let Expr::Var { span, .. } = expr {
            self.0.insert(span.text().to_owned());
        }
        walk::below_expr(self, expr);
    }
}

struct Problem<'s, 'r> {
    scopes: &'s Scopes<'r>,
    problem: Option<String>,
}

impl Visitor for Problem<'_, '_> {
    fn expr(&mut self, expr: &Expr) {
        match expr {
            // A query of its own.
            Expr::ArrayCompr { .. } | Expr::SetCompr { .. } | Expr::ObjectCompr { .. } => {}
            Expr::Call { params, .. } => params.iter().for_each(|param| self.expr(param)),
            Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => {
                self.reference(expr);
            }
            _ => walk::below_expr(self, expr),
        }
    }
}

impl Problem<'_, '_> {
    fn reference(&mut self, reference: &Expr) {
        // The indexes and the root: the rest is the path.
        let mut expr = reference;
        while let Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } = expr {
            if let Expr::RefBrack { index, .. } = expr {
                self.expr(index);
            }
            expr = refr;
        }
        match expr {
            Expr::Var { span, .. } if !self.scopes.has_value(span.text()) => {
                let name = span.text();
                self.problem = Some(format!("`{name}` has no value before the `not`"));
            }
            Expr::Var { .. } => {}
            root => self.expr(root),
        }
    }
}
