//! Refuses what the package `gate_prepared` cannot see. It is evaluated over the bundle's data alone
//! (`prepared.rs`), where the rules of other packages would be undefined without a word.

use regorus::unstable::{Module, Ref};

use crate::rego::syntax::references::{Names, Path, References, path};
use crate::rego::syntax::walk;
use crate::rego::{CompileError, PREPARED};

/// Refuses the first reference from `gate_prepared` to what may be a rule of another package.
pub(in crate::rego) fn check(modules: &[Ref<Module>]) -> Result<(), CompileError> {
    let own = ["data".to_owned(), PREPARED.to_owned()];
    let modules = modules.iter().map(|module| (module, Names::of(module)));
    let (prepared, others): (Vec<_>, Vec<_>) = modules.partition(|(_, names)| names.package == own);
    let others: Vec<Path> = others
        .iter()
        .flat_map(|(module, names)| {
            let rules = module.policy.iter();
            rules.map(|rule| [names.package.clone(), path(walk::name(rule)).0].concat())
        })
        .collect();
    for (module, names) in prepared {
        for used in module.policy.iter().flat_map(|rule| References::of(rule)) {
            let Some(full) = names.full(used.path) else {
                continue;
            };
            let sees = |rule: &&Path| rule.starts_with(&full) || full.starts_with(rule.as_slice());
            if !full.starts_with(&own)
                && let Some(rule) = others.iter().find(sees)
            {
                return Err(CompileError::Unlike {
                    path: module.package.span.source.get_path().clone(),
                    line: used.line,
                    message: format!(
                        "`{}` is a rule of another package, and `{PREPARED}` is evaluated over the data alone: \
                         define it in `{PREPARED}`",
                        rule.join(".")
                    ),
                });
            }
        }
    }
    Ok(())
}
