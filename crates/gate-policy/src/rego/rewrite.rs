//! Rewrites a bundle's modules so that both engines evaluate them as OPA does: one step after the
//! other, each in a file of its own.

pub(in crate::rego) mod assign;
mod binding;
mod bodies;
mod gather;
mod imports;
mod membership;
pub(in crate::rego) mod naming;
mod negate;
pub(in crate::rego) mod operators;
mod print;
pub(in crate::rego) mod written;

use std::borrow::Cow;

use regorus::Value;
use regorus::unstable::{Module, Ref};

use crate::bundle::Bundle;
use crate::rego::compile::{CompileError, Source, add_data, data, engine_over, read};
use crate::rego::refuse::{above, calls, compiler, hiding, kinds, prepared, unlike};

/// An interpreter with the modules, rewritten so that both engines evaluate them as OPA does, and
/// the bundle's data. Fails on what cannot be evaluated as in OPA.
pub(crate) fn engine<'m>(
    bundle: &Bundle,
    modules: impl IntoIterator<Item = Source<'m>>,
) -> Result<regorus::Engine, CompileError> {
    let mut parsed = Parsed::read(bundle, modules)?;
    let data = data(bundle)?.value;
    compiler::check(parsed.modules().iter().map(AsRef::as_ref), &data)?;
    hiding::check(parsed.modules().iter().map(AsRef::as_ref))?;
    calls::check(parsed.modules().iter().map(AsRef::as_ref))?;
    kinds::check(parsed.modules().iter().map(AsRef::as_ref))?;
    prepared::check(&parsed.modules())?;
    if !print::is_defined(parsed.modules().iter().map(AsRef::as_ref)) {
        parsed.each(|module| Ok(print::rewrite(module)))?;
    }
    parsed.each(|module| Ok(binding::rewrite(module)))?;
    parsed.each(|module| Ok(bodies::rewrite(module)))?;
    parsed.each(|module| Ok(naming::rewrite(module)))?;
    let modules = parsed.modules();
    parsed.replace(gather::rewrite(modules.iter().map(AsRef::as_ref)))?;
    let modules = parsed.modules();
    above::check(modules.iter().map(AsRef::as_ref))?;
    unlike::check(modules.iter().map(AsRef::as_ref))?;
    parsed.each(imports::rewrite)?;
    let modules = parsed.modules();
    parsed.replace(negate::rewrite(modules.iter().map(AsRef::as_ref))?)?;
    parsed.each(|module| Ok(membership::rewrite(module)))?;
    let mut engine = parsed.engine;
    add_data(&mut engine, data)?;
    Ok(engine)
}

/// Modules between rewriting steps.
struct Parsed<'b, 'm> {
    bundle: &'b Bundle,
    sources: Vec<(&'m str, Cow<'m, str>)>,
    /// Has parsed the current sources.
    engine: regorus::Engine,
}

impl<'b, 'm> Parsed<'b, 'm> {
    fn read(
        bundle: &'b Bundle,
        modules: impl IntoIterator<Item = Source<'m>>,
    ) -> Result<Self, CompileError> {
        let modules: Vec<Source<'m>> = modules.into_iter().collect();
        let engine = read(bundle, &modules)?;
        let sources = modules.into_iter();
        Ok(Self {
            bundle,
            sources: sources
                .map(|(path, source)| (path, Cow::Borrowed(source)))
                .collect(),
            engine,
        })
    }

    fn modules(&mut self) -> Vec<Ref<Module>> {
        self.engine.get_modules().clone()
    }

    /// Replaces the modules for which `rewrite` returns a new source.
    fn each(
        &mut self,
        rewrite: impl Fn(&Module) -> Result<Option<String>, CompileError>,
    ) -> Result<(), CompileError> {
        let modules = self.modules();
        let written: Result<Vec<_>, _> = modules.iter().map(|module| rewrite(module)).collect();
        self.replace(written?)
    }

    fn replace(&mut self, written: Vec<Option<String>>) -> Result<(), CompileError> {
        if written.iter().all(Option::is_none) {
            return Ok(());
        }
        for ((_, source), written) in self.sources.iter_mut().zip(written) {
            if let Some(written) = written {
                *source = Cow::Owned(written);
            }
        }
        let sources = self.sources.iter();
        let sources = sources.map(|(path, source)| (*path, source.as_ref()));
        self.engine = engine_over(self.bundle, sources, &Value::new_object())?;
        Ok(())
    }
}
