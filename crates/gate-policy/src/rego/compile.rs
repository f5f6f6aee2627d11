//! From a bundle's Rego to programs of the register machine. Runs off the decision path.

use std::sync::Arc;

use regorus::Rc;
use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::program::Program;

use super::{ENTRYPOINT, assign, bounds, builtins};
use crate::bundle::{Bundle, RegoVersion};

/// Why a bundle's Rego does not compile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// A module does not parse.
    #[error("`{path}`: {message}")]
    Parse {
        /// The file.
        path: String,
        /// What the parser said, with line and column.
        message: String,
    },
    /// The modules do not compile.
    #[error("{0}")]
    Compile(String),
    /// No rule defines the entrypoint.
    #[error("no rule defines `{ENTRYPOINT}`")]
    NoEntrypoint,
    /// A builtin that is not allowed: I/O, a clock, chance, or more output than a limit can stop.
    #[error("the builtin `{0}` is not allowed")]
    Builtin(String),
    /// A module is nested deeper than `MAX_REGO_NESTING` brackets.
    #[error("`{0}` is nested too deep")]
    TooDeep(String),
    /// A rule needs itself.
    #[error("the rule `{0}` needs itself")]
    Recursion(String),
    /// The data does not fit the rules.
    #[error("data: {0}")]
    Data(String),
}

/// What evaluation needs of a bundle.
pub(crate) struct Compiled {
    /// One entrypoint: the decision.
    pub(super) decision: Arc<Program>,
    /// Every rule as an entrypoint, for the Data API.
    pub(super) documents: Arc<Program>,
    pub(super) data: regorus::Value,
    /// Every builtin that any rule calls, sorted.
    pub(crate) builtins: Vec<String>,
}

/// Compiles the policies of a bundle, tests apart.
pub(crate) fn compile(bundle: &Bundle) -> Result<Compiled, CompileError> {
    let mut read = engine(bundle, bundle.rego())?;
    bounds::recursion(&mut read)?;
    let mut modules = Vec::new();
    for (module, (path, source)) in read.get_modules().iter().zip(bundle.rego()) {
        modules.push((path, assign::rewrite(source, module)));
    }
    let modules = modules
        .iter()
        .map(|(path, source)| (*path, source.as_str()));
    let mut engine = engine(bundle, modules)?;
    let compile = |error: &dyn std::fmt::Display| CompileError::Compile(error.to_string());
    let entrypoint: Rc<str> = ENTRYPOINT.into();
    let policy = engine
        .compile_with_entrypoint(&entrypoint)
        .map_err(|error| {
            // What regorus says when no rule has that path.
            match error.to_string().as_str() {
                "not a valid rule path" => CompileError::NoEntrypoint,
                text => CompileError::Compile(text.to_owned()),
            }
        })?;
    if !policy.get_rules().contains_key(ENTRYPOINT) {
        return Err(CompileError::NoEntrypoint);
    }
    let decision =
        Compiler::compile_from_policy(&policy, &[ENTRYPOINT]).map_err(|e| compile(&e))?;
    let mut paths: Vec<&str> = policy.get_rules().keys().map(String::as_str).collect();
    paths.sort_unstable();
    let documents = Compiler::compile_from_policy(&policy, &paths).map_err(|e| compile(&e))?;

    let mut called: Vec<String> = [&decision, &documents]
        .iter()
        .flat_map(|program| program.builtin_info_table.iter())
        .map(|builtin| builtin.name.clone())
        .collect();
    called.sort_unstable();
    called.dedup();
    if let Some(name) = called.iter().find(|name| !builtins::is_allowed(name)) {
        return Err(CompileError::Builtin(name.clone()));
    }
    Ok(Compiled {
        decision,
        documents,
        data: data(bundle)?,
        builtins: called,
    })
}

/// An interpreter with the given modules and the bundle's data.
pub(crate) fn engine<'m>(
    bundle: &Bundle,
    modules: impl Iterator<Item = (&'m str, &'m str)>,
) -> Result<regorus::Engine, CompileError> {
    let mut engine = regorus::Engine::new();
    engine.set_rego_v0(bundle.manifest().rego_version == RegoVersion::V0);
    // As the register machine does, and as OPA does unless told otherwise.
    engine.set_strict_builtin_errors(false);
    for (path, source) in modules {
        bounds::nesting(path, source)?;
        if bundle.manifest().rego_version == RegoVersion::V0 {
            bounds::keywords(path, source)?;
        }
        engine
            .add_policy(path.to_owned(), source.to_owned())
            .map_err(|error| CompileError::Parse {
                path: path.to_owned(),
                message: error.to_string(),
            })?;
    }
    engine
        .add_data(data(bundle)?)
        .map_err(|error| CompileError::Data(error.to_string()))?;
    Ok(engine)
}

fn data(bundle: &Bundle) -> Result<regorus::Value, CompileError> {
    regorus::Value::from_json_str(bundle.data())
        .map_err(|error| CompileError::Data(error.to_string()))
}
