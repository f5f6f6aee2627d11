//! Refuses what OPA's parser and compiler refuse or read differently, and regorus 0.14.1 accepts.
//!
//! - A body whose braces are those of a set, an object or a comprehension (`allow if { a, b }`), which
//!   holds whatever is in it. OPA accepts no set there, and none of the three after an `else`.
//! - `allow if { a | b == c }`: OPA reads a comprehension, which always has a value; regorus a comparison.
//! - A default that is not made of constants; two of one rule; one of a rule that collects (`deny contains …`).
//! - A rule where data has a value, too; a set and an object of one name (`deny contains …` and `deny[m] if …`).
//! - A rule and a function of one name; a rule below another (`limits := …` and `limits.max := …`).
//! - `import future.keywords.not` and imports that OPA does not know; two imports of one name.
//! - A rule named like an import: in OPA the name is the import's, in regorus the rule's.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use regorus::Value;
use regorus::unstable::{BinOp, Expr, Literal, LiteralStmt, Module, Rule, RuleBody, RuleHead};

use super::refuse;
use crate::rego::CompileError;
use crate::rego::syntax::edit;
use crate::rego::syntax::references::{Names, Path, path};
use crate::rego::syntax::walk;

/// Refuses the first such place of the modules.
pub(in crate::rego) fn check<'m>(
    modules: impl Iterator<Item = &'m Module>,
    data: &Value,
) -> Result<(), CompileError> {
    let mut known = Known::default();
    for module in modules {
        let file = &module.package.span.source;
        let names = Names::of(module);
        let mut problem = import(module);
        for rule in &module.policy {
            problem = problem
                .or_else(|| known.problem(&names, rule, file.get_path()))
                .or_else(|| body(file.get_contents(), rule));
        }
        refuse(module, problem)?;
    }
    known.below_another().map_or(Ok(()), Err)?;
    known.beside_data(data).map_or(Ok(()), Err)
}

/// The first import that OPA takes otherwise.
fn import(module: &Module) -> Option<(u32, String)> {
    let mut named = BTreeMap::new();
    module.imports.iter().find_map(|import| {
        let (to, _) = path(&import.refr);
        let shown = to.join(".");
        let problem = match to.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["future", "keywords"] | ["rego", "v1"] => None,
            ["future", "keywords", "contains" | "every" | "if" | "in"] => None,
            ["future" | "rego", ..] => Some(format!("`import {shown}` is not known here")),
            [.., last] => {
                let name = import.r#as.as_ref().map_or(*last, |name| name.text());
                let earlier = named.insert(name.to_owned(), to.clone());
                let differs = earlier.is_some_and(|earlier| earlier != to);
                differs.then(|| format!("two imports have the name `{name}`"))
            }
            [] => None,
        };
        Some((import.span.line, problem?))
    })
}

/// Rules of the modules so far.
#[derive(Default)]
struct Known {
    defaults: BTreeSet<Path>,
    /// Those that collect members.
    partial: BTreeSet<Path>,
    /// Of those, whether it is a set, and not an object.
    sets: BTreeMap<Path, bool>,
    /// All, each with its file and line; whether it is the whole name, without a key.
    named: BTreeMap<Path, (bool, String, u32)>,
    /// Whether it is a function.
    functions: BTreeMap<Path, bool>,
}

impl Known {
    fn problem(&mut self, names: &Names, rule: &Rule, file: &str) -> Option<(u32, String)> {
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
        if let Rule::Default { value, .. } = rule {
            if !self.defaults.insert(full.clone()) {
                return found(format!("`{shown}` has a default already"));
            }
            // (A comprehension is fit for one in OPA, and has no value on the register machine.)
            if !walk::is_constant(value) {
                return found(format!(
                    "the default of `{shown}` is not made of constants alone"
                ));
            }
        }
        let place = (is_whole, file.to_owned(), name.span().line);
        let known = self.named.entry(full.clone()).or_insert(place);
        known.0 |= is_whole;
        let collects = match rule {
            Rule::Spec { head, .. } => matches!(head, RuleHead::Set { .. }) || !is_whole,
            Rule::Default { .. } => false,
        };
        if collects {
            self.partial.insert(full.clone());
        }
        if self.partial.contains(&full) && self.defaults.contains(&full) {
            return found(format!(
                "`{shown}` collects members, and has a default: without members it is empty"
            ));
        }
        if collects {
            let is_set = matches!(
                rule,
                Rule::Spec {
                    head: RuleHead::Set { .. },
                    ..
                }
            );
            if *self.sets.entry(full.clone()).or_insert(is_set) != is_set {
                return found(format!(
                    "`{shown}` is a set in one rule and an object in another: write `{shown} contains …`"
                ));
            }
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

    /// A rule where data has a value, too.
    fn beside_data(&self, data: &Value) -> Option<CompileError> {
        let mut named = self.named.iter();
        let (name, (_, file, line)) = named.find(|(name, _)| has_value(data, name))?;
        Some(CompileError::Unlike {
            path: file.clone(),
            line: *line,
            message: format!("data has a value at `{}`, too", name.join(".")),
        })
    }

    /// A rule whose name goes on where another's ends.
    fn below_another(&self) -> Option<CompileError> {
        let mut wholes = self.named.iter().filter(|(_, (is_whole, ..))| *is_whole);
        wholes.find_map(|(whole, _)| {
            let mut after = self
                .named
                .range::<Path, _>((Bound::Excluded(whole), Bound::Unbounded));
            let (below, (_, file, line)) =
                after.next().filter(|(name, _)| name.starts_with(whole))?;
            Some(CompileError::Unlike {
                path: file.clone(),
                line: *line,
                message: format!(
                    "`{}` is below `{}`, which is a rule of its own",
                    below.join("."),
                    whole.join(".")
                ),
            })
        })
    }
}

/// Whether data has a value at this path, which begins at `data`, or above it one without members.
fn has_value(data: &Value, path: &[String]) -> bool {
    let mut value = data;
    for part in path.iter().skip(1) {
        let Ok(members) = value.as_object() else {
            return true;
        };
        match members.get(&Value::from(part.as_str())) {
            Some(member) => value = member,
            None => return false,
        }
    }
    true
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
