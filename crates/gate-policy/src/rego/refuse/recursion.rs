//! Refuses recursive rules and long chains of rules. regorus does not bound them: they would hang
//! or overflow the stack while a bundle is loaded.

use std::collections::{BTreeMap, BTreeSet};

use regorus::Engine;
use regorus::unstable::{Rule, RuleHead};

use super::text::MAX_REGO_CHAIN;
use crate::rego::CompileError;
use crate::rego::syntax::references::{Names, Path, References, path};
use crate::rego::syntax::walk;

/// Fails on rules that depend on themselves, and on chains of rules that are too long.
///
/// A reference depends on every rule it may reach: above its path, at it and below it. It is
/// followed up to its first part that is not a constant (`data.gate[x]`). What a local variable
/// stands for is counted where it is bound.
pub(crate) fn check(engine: &mut Engine) -> Result<(), CompileError> {
    acyclic(needs(engine, |_| true))
}

/// The same for functions only, in tests: there the interpreter finds recursive rules itself.
pub(crate) fn check_functions(engine: &mut Engine) -> Result<(), CompileError> {
    acyclic(needs(engine, |head| matches!(head, RuleHead::Func { .. })))
}

/// Every rule that counts, with those it depends on.
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

/// The rules that a reference may reach.
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

fn acyclic(mut needs: BTreeMap<Path, BTreeSet<Path>>) -> Result<(), CompileError> {
    // Removes rules that depend on nothing that is left; what cannot be removed is a cycle.
    for _ in 0..MAX_REGO_CHAIN {
        let known: BTreeSet<Path> = needs.keys().cloned().collect();
        let free: Vec<Path> = needs
            .iter()
            .filter(|(_, needed)| needed.is_disjoint(&known))
            .map(|(name, _)| name.clone())
            .collect();
        // A rule that nothing left depends on is in no cycle either.
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
