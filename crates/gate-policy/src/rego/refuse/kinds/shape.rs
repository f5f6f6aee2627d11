//! What is plain of a rule's value, as it is written.

use std::collections::BTreeMap;

use regorus::unstable::{ArithOp, Expr, Rule, RuleHead};

use super::Kind;
use crate::rego::syntax::references::{Path, path};
use crate::rego::syntax::walk;

/// What is known of a rule's value.
#[derive(Clone, Copy)]
pub(super) struct Shape<'m> {
    /// `None` when its rules differ, or it is not plain.
    pub(super) kind: Option<Kind>,
    /// The kind of a set's or an array's items.
    pub(super) item: Option<Kind>,
    /// The value, if it has one rule and that is a literal.
    pub(super) literal: Option<&'m Expr>,
}

/// The rules of all modules, by their paths.
#[derive(Default)]
pub(super) struct Rules<'m>(pub(super) BTreeMap<Path, Shape<'m>>);

impl<'m> Rules<'m> {
    pub(super) fn add(&mut self, package: &Path, rule: &'m Rule) {
        let (own, is_whole) = path(walk::name(rule));
        let full = [package.clone(), own].concat();
        let shape = if is_whole { shape(rule) } else { UNKNOWN };
        let known = self.0.entry(full);
        known
            .and_modify(|known| {
                known.kind = known.kind.filter(|kind| Some(*kind) == shape.kind);
                known.item = known.item.filter(|item| Some(*item) == shape.item);
                known.literal = None;
            })
            .or_insert(shape);
    }
}

const UNKNOWN: Shape<'_> = Shape {
    kind: None,
    item: None,
    literal: None,
};

fn shape(rule: &Rule) -> Shape<'_> {
    match rule {
        Rule::Default { args, value, .. } if args.is_empty() => of_value(value),
        Rule::Spec {
            head: RuleHead::Set { key: Some(key), .. },
            ..
        } => Shape {
            kind: Some(Kind::Set),
            item: plain(key),
            literal: None,
        },
        Rule::Spec {
            head: RuleHead::Compr { assign, .. },
            bodies,
            ..
        } => {
            let mut values = bodies.iter().filter_map(|body| body.assign.as_ref());
            match assign {
                // A further value: an `else`.
                Some(_) if values.next().is_some() => UNKNOWN,
                Some(assign) => of_value(&assign.value),
                None if values.next().is_some() => UNKNOWN,
                None => Shape {
                    kind: Some(Kind::Truth),
                    ..UNKNOWN
                },
            }
        }
        _ => UNKNOWN,
    }
}

fn of_value(value: &Expr) -> Shape<'_> {
    let item = match value {
        Expr::Set { items, .. } | Expr::Array { items, .. } => {
            let mut kinds = items.iter().map(|item| plain(item));
            let first = kinds.next().flatten();
            first.filter(|first| kinds.all(|kind| kind == Some(*first)))
        }
        _ => None,
    };
    Shape {
        kind: plain(value),
        item,
        literal: Some(value),
    }
}

/// The kind of a literal, a comprehension or an operation.
pub(super) fn plain(expr: &Expr) -> Option<Kind> {
    Some(match expr {
        Expr::String { .. } | Expr::RawString { .. } => Kind::Text,
        Expr::Number { .. } | Expr::UnaryExpr { .. } => Kind::Number,
        Expr::Bool { .. } | Expr::BoolExpr { .. } | Expr::Membership { .. } => Kind::Truth,
        Expr::Null { .. } => Kind::Null,
        Expr::Array { .. } | Expr::ArrayCompr { .. } => Kind::Array,
        Expr::Set { .. } | Expr::SetCompr { .. } | Expr::BinExpr { .. } => Kind::Set,
        Expr::Object { .. } | Expr::ObjectCompr { .. } => Kind::Object,
        // `-` is of sets, too.
        Expr::ArithExpr { op, .. } if !matches!(op, ArithOp::Sub) => Kind::Number,
        _ => return None,
    })
}
