//! Refuses what OPA's parser and compiler refuse or read differently, and regorus 0.14.1 accepts.
//!
//! - A body whose braces are those of a set, an object or a comprehension (`allow if { a, b }`), which
//!   holds whatever is in it. OPA accepts no set there, and none of the three after an `else`.
//! - `allow if { a | b == c }`: OPA reads a comprehension, which always has a value; regorus a comparison.
//! - Two defaults of one rule; a rule and a function of one name.
//! - A rule named like an import: in OPA the name is the import's, in regorus the rule's.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{BinOp, Expr, Literal, LiteralStmt, Module, Rule, RuleBody, RuleHead};

use crate::rego::CompileError;
use crate::rego::syntax::edit;
use crate::rego::syntax::references::{Names, Path, path};
use crate::rego::syntax::walk;

/// Refuses the first such place of the modules.
pub(in crate::rego) fn check<'m>(
    modules: impl Iterator<Item = &'m Module>,
) -> Result<(), CompileError> {
    let mut known = Known::default();
    for module in modules {
        let file = &module.package.span.source;
        let names = Names::of(module);
        for rule in &module.policy {
            let problem = known
                .problem(&names, rule)
                .or_else(|| body(file.get_contents(), rule));
            if let Some((line, message)) = problem {
                return Err(CompileError::Unlike {
                    path: file.get_path().clone(),
                    line,
                    message,
                });
            }
        }
    }
    Ok(())
}

/// Rules of the modules so far.
#[derive(Default)]
struct Known {
    defaults: BTreeSet<Path>,
    /// Whether it is a function.
    functions: BTreeMap<Path, bool>,
}

impl Known {
    fn problem(&mut self, names: &Names, rule: &Rule) -> Option<(u32, String)> {
        let name = walk::name(rule);
        let (own, is_whole) = path(name);
        let shown = own.join(".");
        let found = |message: String| Some((name.span().line, message));
        if let Some(import) = own.first().filter(|own| names.imports.contains_key(*own)) {
            return found(format!(
                "`{import}` is an import and a rule: give one of them another name"
            ));
        }
        let full = [names.package.clone(), own].concat();
        if let Rule::Default { .. } = rule
            && !self.defaults.insert(full.clone())
        {
            return found(format!("`{shown}` has a default already"));
        }
        let is_function = match rule {
            Rule::Spec { head, .. } => matches!(head, RuleHead::Func { .. }),
            Rule::Default { args, .. } => !args.is_empty(),
        };
        let known = self.functions.entry(full).or_insert(is_function);
        if is_whole && *known != is_function {
            return found(format!(
                "`{shown}` is a function and a rule: give one of them another name"
            ));
        }
        None
    }
}

const COMMA: &str = "a `,` between conditions makes them a set, which holds whatever they are: write `;`, or a line for each";
const COLLECTION: &str = "an object or a comprehension as a body holds whatever is in it: write conditions, or compare it";
const UNION: &str = "a body that begins with `|` beside a term is a comprehension in OPA: put the union into parentheses";

fn body(source: &str, rule: &Rule) -> Option<(u32, String)> {
    let Rule::Spec { bodies, .. } = rule else {
        return None;
    };
    bodies.iter().find_map(|body| {
        let message = match body.query.stmts.as_slice() {
            [only] if let Some(message) = collection(source, body, only) => message,
            [first, ..] if is_after_if(source, body) && begins_with_union(source, first) => UNION,
            _ => return None,
        };
        Some((body.query.span.line, message.to_owned()))
    })
}

/// The problem where the body's braces belong to its only expression.
fn collection(source: &str, body: &RuleBody, only: &LiteralStmt) -> Option<&'static str> {
    let Literal::Expr { expr, .. } = &only.literal else {
        return None;
    };
    let message = match expr.as_ref() {
        Expr::Set { .. } => COMMA,
        Expr::Object { .. } | Expr::SetCompr { .. } | Expr::ObjectCompr { .. } => COLLECTION,
        _ => return None,
    };
    let text = source.get(edit::offset(body.query.span.start)..)?;
    let is_all = text.starts_with('{') && body.query.span.start == only.span.start;
    is_all.then_some(message)
}

/// Rego v0 has no `if`, and reads such a body as written.
fn is_after_if(source: &str, body: &RuleBody) -> bool {
    let before = source.get(..edit::offset(body.query.span.start));
    before.is_some_and(|text| text.trim_end().ends_with("if"))
}

/// `term | …`, where no parentheses enclose both the term and what follows.
fn begins_with_union(source: &str, first: &LiteralStmt) -> bool {
    let Literal::Expr { expr, .. } = &first.literal else {
        return false;
    };
    let mut expr = expr.as_ref();
    loop {
        let (lhs, rhs, is_union) = match expr {
            Expr::BinExpr { lhs, rhs, op, .. } => (lhs, rhs, matches!(op, BinOp::Union)),
            Expr::BoolExpr { lhs, rhs, .. }
            | Expr::ArithExpr { lhs, rhs, .. }
            | Expr::AssignExpr { lhs, rhs, .. } => (lhs, rhs, false),
            Expr::Membership {
                key: None,
                value,
                collection,
                ..
            } => (value, collection, false),
            _ => return false,
        };
        if is_union && !matches!(lhs.as_ref(), Expr::BinExpr { .. } | Expr::ArithExpr { .. }) {
            let (start, _) = edit::range(source, first);
            let (term, end) = edit::extent(source, lhs);
            let (next, _) = edit::extent(source, rhs);
            let around = [source.get(start..term), source.get(end..next)];
            let around = around.into_iter().flatten().flat_map(str::chars);
            return around.clone().filter(|c| *c == '(').count()
                == around.filter(|c| *c == ')').count();
        }
        expr = lhs;
    }
}
