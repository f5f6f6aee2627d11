//! Refuses references to a path above rules.
//!
//! With a rule `q.a.b`, `q` and `q.a` are objects in OPA, whether the rule has a value or not. On the
//! register machine of regorus 0.14.1 they are mostly undefined, and so is `q[x]`; in the interpreter,
//! while no rule has a value. `count(q.a) == 0` would not hold where it does in OPA, and
//! `not data.gate.q[x]` would hold where it does not. The rules themselves are the same everywhere.
//!
//! The package `gate_prepared` is exempt: it is data by the time orders are judged.

use std::collections::BTreeSet;

use regorus::unstable::Module;

use crate::rego::CompileError;
use crate::rego::prepared::PREPARED;
use crate::rego::syntax::references::{Names, Path, References, path};
use crate::rego::syntax::walk;

/// Refuses the first such reference of the modules.
pub(in crate::rego) fn check<'m>(
    modules: impl Iterator<Item = &'m Module> + Clone,
) -> Result<(), CompileError> {
    let rules: BTreeSet<Path> = modules.clone().flat_map(paths).collect();
    for module in modules {
        let names = Names::of(module);
        for used in module.policy.iter().flat_map(|rule| References::of(rule)) {
            let Some(full) = names.full(used.path) else {
                continue;
            };
            let mut below = rules.range(full.clone()..).filter(|rule| **rule != full);
            let is_above = below.next().is_some_and(|rule| rule.starts_with(&full));
            if is_above && full != ["data", PREPARED] {
                return Err(CompileError::Unlike {
                    path: module.package.span.source.get_path().clone(),
                    line: used.line,
                    message: format!("`{}` stands above rules: ask for the rules", full.join(".")),
                });
            }
        }
    }
    Ok(())
}

/// The paths of a module's rules.
fn paths(module: &Module) -> impl Iterator<Item = Path> {
    let package = Names::of(module).package;
    let name = |rule| path(walk::name(rule)).0;
    let rules = module.policy.iter();
    rules.map(move |rule| [package.clone(), name(rule)].concat())
}
