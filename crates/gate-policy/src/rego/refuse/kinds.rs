//! Refuses what OPA's type checker refuses, where the kinds of the values are plain: a set given to
//! `contains`, a number that should equal a text, a member that a constant does not have. regorus
//! evaluates each to nothing or to false, and a denial with one never denies.
//!
//! What comes with the order, from `data.json` or out of a local variable has no kind here.

mod shape;
mod signatures;

use std::collections::BTreeSet;

use regorus::unstable::{AssignOp, BoolOp, Expr, Literal, LiteralStmt, Module, Rule};

use super::refuse;
use crate::rego::CompileError;
use crate::rego::syntax::references::{Names, Path, path};
use crate::rego::syntax::walk::{self, Visitor};
use shape::{Rules, Shape, plain};
use signatures::signature;

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Truth,
    Null,
    Array,
    Set,
    Object,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Number => "a number",
            Self::Truth => "true or false",
            Self::Null => "null",
            Self::Array => "an array",
            Self::Set => "a set",
            Self::Object => "an object",
        }
    }
}

/// The first such place of the modules.
pub(in crate::rego) fn check<'m>(
    modules: impl Iterator<Item = &'m Module> + Clone,
) -> Result<(), CompileError> {
    let mut rules = Rules::default();
    for module in modules.clone() {
        let package = Names::of(module).package;
        for rule in &module.policy {
            rules.add(&package, rule);
        }
    }
    for module in modules {
        for rule in &module.policy {
            let mut places = Places {
                names: Names::of(module),
                rules: &rules,
                local: declared(rule),
                problem: None,
            };
            walk::rule(&mut places, rule);
            refuse(module, places.problem)?;
        }
    }
    Ok(())
}

/// Every name that the rule declares anywhere: there it may hide another rule.
fn declared(rule: &Rule) -> BTreeSet<String> {
    #[derive(Default)]
    struct Declared(BTreeSet<String>);
    impl Visitor for Declared {
        fn declared(&mut self, name: &str) {
            self.0.insert(name.to_owned());
        }

        fn pattern(&mut self, pattern: &Expr) {
            walk::bound(pattern, &mut |name| self.declared(name.span().text()));
        }
    }
    let mut names = Declared::default();
    walk::rule(&mut names, rule);
    names.0
}

struct Places<'r> {
    names: Names,
    rules: &'r Rules<'r>,
    local: BTreeSet<String>,
    /// The first problem, with its line.
    problem: Option<(u32, String)>,
}

impl Places<'_> {
    fn found(&mut self, at: &Expr, problem: String) {
        self.problem.get_or_insert((at.span().line, problem));
    }

    /// The rule that a reference begins with, and the constant parts behind it.
    fn rule(&self, reference: &Expr) -> Option<(&Shape<'_>, Path)> {
        let (parts, _) = path(reference);
        if self.local.contains(parts.first()?) {
            return None;
        }
        let full = self.names.full(parts)?;
        (1..=full.len()).find_map(|end| {
            let (rule, rest) = full.split_at(end);
            Some((self.rules.0.get(rule)?, rest.to_vec()))
        })
    }

    /// The value's shape, if it is a whole rule's.
    fn whole(&self, expr: &Expr) -> Option<&Shape<'_>> {
        let (shape, rest) = self.rule(expr)?;
        (path(expr).1 && rest.is_empty()).then_some(shape)
    }

    fn kind(&self, expr: &Expr) -> Option<Kind> {
        if let Some(kind) = plain(expr) {
            return Some(kind);
        }
        match expr {
            Expr::Call { fcn, .. } => signature(&self.builtin(fcn)?)?.1,
            Expr::RefBrack { refr, .. } => self.whole(refr)?.item,
            Expr::RefDot { refr, .. } if self.whole(refr).is_some() => self.whole(refr)?.item,
            expr => self.whole(expr)?.kind,
        }
    }

    /// The name of a builtin that is called.
    fn builtin(&self, function: &Expr) -> Option<String> {
        let (name, true) = path(function) else {
            return None;
        };
        let is_ours =
            self.rule(function).is_some() || self.names.imports.contains_key(name.first()?);
        (!is_ours).then(|| name.join("."))
    }

    fn call(&mut self, function: &Expr, given: &[regorus::unstable::Ref<Expr>]) {
        let Some(name) = self.builtin(function) else {
            return;
        };
        let Some((takes, _)) = signature(&name) else {
            return;
        };
        for (given, takes) in given.iter().zip(takes) {
            if let Some(kind) = self.kind(given)
                && !takes.is_empty()
                && !takes.contains(&kind)
            {
                let wanted: Vec<_> = takes.iter().map(|kind| kind.name()).collect();
                let wanted = wanted.join(" or ");
                let kind = kind.name();
                self.found(
                    given,
                    format!("`{name}` takes {wanted} here, and is given {kind}"),
                );
            }
        }
    }

    fn equals(&mut self, lhs: &Expr, rhs: &Expr) {
        if let Some((one, other)) = self.kind(lhs).zip(self.kind(rhs))
            && one != other
        {
            let (one, other) = (one.name(), other.name());
            self.found(
                lhs,
                format!("{one} is compared with {other}, which is never equal"),
            );
        }
    }

    /// The parts that a reference names within a literal.
    fn member(&mut self, reference: &Expr) {
        let Some((shape, rest)) = self.rule(reference) else {
            return;
        };
        let Some(mut value) = shape.literal else {
            return;
        };
        for part in rest {
            let Expr::Object { fields, .. } = value else {
                if walk::is_constant(value)
                    && !matches!(value, Expr::Array { .. } | Expr::Set { .. })
                {
                    let whole = reference.span().text();
                    self.found(
                        reference,
                        format!("`{whole}`: `{part}` is asked for of what has no members"),
                    );
                }
                return;
            };
            let named = |key: &Expr| match key {
                Expr::String { value, .. } | Expr::RawString { value, .. } => {
                    value.as_string().ok().map(|text| **text == *part)
                }
                _ => None,
            };
            let named: Vec<_> = fields.iter().map(|(_, key, _)| named(key)).collect();
            if named.contains(&None) {
                return;
            }
            match fields
                .iter()
                .zip(named)
                .find(|(_, named)| *named == Some(true))
            {
                Some(((_, _, member), _)) => value = member,
                None => {
                    let whole = reference.span().text();
                    return self
                        .found(reference, format!("`{whole}`: there is no member `{part}`"));
                }
            }
        }
    }
}

impl Visitor for Places<'_> {
    fn statement(&mut self, statement: &LiteralStmt) {
        // A condition. (Within a term an equality is a call that takes anything, and is false.)
        if let Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } = &statement.literal
            && let Expr::BoolExpr {
                op: BoolOp::Eq,
                lhs,
                rhs,
                ..
            }
            | Expr::AssignExpr {
                op: AssignOp::Eq,
                lhs,
                rhs,
                ..
            } = expr.as_ref()
        {
            self.equals(lhs, rhs);
        }
        walk::below_statement(self, statement);
    }

    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Call { fcn, params, .. } => {
                self.call(fcn, params);
                return params.iter().for_each(|param| self.expr(param));
            }
            Expr::RefBrack { refr, index, .. } => {
                if let Some(shape) = self.whole(refr)
                    && let Some(index_kind) = self.kind(index)
                {
                    let wanted = match shape.kind {
                        Some(Kind::Array) => Some(Kind::Number),
                        Some(Kind::Set) => shape.item,
                        _ => None,
                    };
                    if let Some(wanted) = wanted.filter(|wanted| *wanted != index_kind) {
                        let (wanted, given) = (wanted.name(), index_kind.name());
                        self.found(expr, format!("the index is {given}, and not {wanted}"));
                    }
                }
                self.member(expr);
            }
            Expr::RefDot { .. } => self.member(expr),
            _ => {}
        }
        walk::below_expr(self, expr);
    }
}
