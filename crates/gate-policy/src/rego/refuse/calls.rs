//! Refuses calls that OPA's compiler refuses: of what is no function, and with too few or too many
//! arguments. regorus finds them when it evaluates them, if ever; then they are undefined, and a
//! denial with one does not deny.

use std::collections::BTreeMap;

use regorus::unstable::{BUILTINS, Expr, Literal, LiteralStmt, Module, Rule, RuleHead};

use super::refuse;
use crate::rego::CompileError;
use crate::rego::syntax::references::{Names, Path, path};
use crate::rego::syntax::walk::{self, Visitor};

/// A function of the selftest, which notes the input a test is about to use, and returns it.
pub(crate) const NOTE: &str = "gate_selftest_note";

/// Refuses the first such call of the modules.
pub(in crate::rego) fn check<'m>(
    modules: impl Iterator<Item = &'m Module> + Clone,
) -> Result<(), CompileError> {
    let mut known = Known::default();
    for module in modules.clone() {
        let names = Names::of(module);
        let mut rules = module.policy.iter();
        refuse(module, rules.find_map(|rule| known.add(&names, rule)))?;
    }
    for module in modules {
        let mut calls = Calls {
            names: Names::of(module),
            known: &known,
            problem: None,
        };
        for rule in &module.policy {
            walk::rule(&mut calls, rule);
        }
        refuse(module, calls.problem)?;
    }
    Ok(())
}

/// The rules of all modules: how many arguments each takes, if it is a function.
#[derive(Default)]
struct Known(BTreeMap<Path, Option<usize>>);

impl Known {
    /// Returns the problem when the rules of a function differ in their number of arguments. (A rule
    /// and a function of one name are refused elsewhere.)
    fn add(&mut self, names: &Names, rule: &Rule) -> Option<(u32, String)> {
        let takes = match rule {
            Rule::Spec {
                head: RuleHead::Func { args, .. },
                ..
            } => Some(args.len()),
            Rule::Default { args, .. } if !args.is_empty() => Some(args.len()),
            _ => None,
        };
        let name = walk::name(rule);
        let (own, _) = path(name);
        let shown = own.join(".");
        let full = [names.package.clone(), own].concat();
        let known = *self.0.entry(full).or_insert(takes);
        let (first, this) = known.zip(takes)?;
        (first != this).then(|| {
            let message = format!("`{shown}` takes {first} arguments in one rule and {this} here");
            (name.span().line, message)
        })
    }

    /// What is called, by its path from `data` on: a function, with the number of its arguments, or
    /// a rule that is none.
    fn called(&self, full: &Path) -> Option<Option<usize>> {
        if let Some(takes) = self.0.get(full) {
            return Some(*takes);
        }
        let mut above = (1..full.len()).filter_map(|parts| self.0.get(full.get(..parts)?));
        above.next().map(|_| None)
    }
}

struct Calls<'k> {
    names: Names,
    known: &'k Known,
    /// The first problem, with its line.
    problem: Option<(u32, String)>,
}

impl Calls<'_> {
    /// `is_whole`: it is a whole condition, whose last argument may be what it must return.
    fn call(&mut self, function: &Expr, given: usize, is_whole: bool) {
        let (called, true) = path(function) else {
            return;
        };
        let shown = called.join(".");
        let is_imported = called
            .first()
            .is_some_and(|root| root == "data" || self.names.imports.contains_key(root));
        let full = self.names.full(called);
        let takes = match full.and_then(|full| self.known.called(&full)) {
            Some(Some(takes)) => takes,
            Some(None) => {
                return self.found(function, format!("`{shown}` is a rule, and no function"));
            }
            // It takes any number.
            None if shown == "print" => return,
            None if shown == NOTE => 1,
            None => match BUILTINS.get(shown.as_str()) {
                Some((_, takes)) if !is_imported => usize::from(*takes),
                _ => return self.found(function, unknown(&shown)),
            },
        };
        if given != takes && !(is_whole && given == takes.saturating_add(1)) {
            let message = format!("`{shown}` takes {takes}, and has {given} arguments here");
            self.found(function, message);
        }
    }

    fn found(&mut self, at: &Expr, problem: String) {
        self.problem.get_or_insert((at.span().line, problem));
    }
}

impl Visitor for Calls<'_> {
    fn statement(&mut self, statement: &LiteralStmt) {
        if let Literal::Expr { expr, .. } = &statement.literal
            && let Expr::Call { fcn, params, .. } = expr.as_ref()
        {
            self.call(fcn, params.len(), true);
            params.iter().for_each(|param| self.expr(param));
            let replaced = statement.with_mods.iter();
            return replaced.for_each(|modifier| self.expr(&modifier.r#as));
        }
        walk::below_statement(self, statement);
    }

    fn expr(&mut self, expr: &Expr) {
        if let Expr::Call { fcn, params, .. } = expr {
            self.call(fcn, params.len(), false);
        }
        walk::below_expr(self, expr);
    }
}

/// What OPA's builtins that regorus does not have begin with.
const ONLY_IN_OPA: [&str; 32] = [
    "all",
    "any",
    "base64.",
    "base64url.",
    "cast_",
    "crypto.",
    "glob.quote_meta",
    "graph.",
    "graphql.",
    "hex.",
    "http.",
    "indexof_n",
    "io.jwt.",
    "json.match_schema",
    "json.patch",
    "json.verify_schema",
    "net.",
    "opa.",
    "providers.",
    "rand.",
    "re_match",
    "regex.find_all_string_submatch_n",
    "regex.globs_match",
    "regex.template_match",
    "rego.",
    "set_diff",
    "strings.render_template",
    "time.format",
    "urlquery.",
    "uuid.",
    "walk",
    "yaml.",
];

fn unknown(name: &str) -> String {
    let hint = match name {
        "all" | "any" => ": write `every` or `some`",
        "re_match" => ": write `regex.match`",
        _ => "",
    };
    let is_of_opa =
        |start: &&str| name == *start || start.ends_with(['.', '_']) && name.starts_with(*start);
    if ONLY_IN_OPA.iter().any(is_of_opa) {
        format!("`{name}` is a builtin of OPA that is not known here{hint}")
    } else {
        format!("`{name}` is not known: neither a function nor a builtin")
    }
}
