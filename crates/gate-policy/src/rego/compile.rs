//! Compiles a bundle's Rego to programs of the register machine. Runs off the decision path.

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;

use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::Instruction;
use regorus::rvm::program::Program;
use regorus::{CompiledPolicy, PolicyLengthConfig, Rc, Value};

use super::data_api::Documents;
use super::fraction::{self, Inexact};
use super::lean::Copies;
use super::prepared::{self, PREPARED};
use super::refuse::text::MAX_REGO_CHAIN;
use super::refuse::{recursion, text};
use super::rewrite::{assign, operators, written};
use super::{ENTRYPOINT, builtins, growth, program, quote, rewrite};
use crate::bundle::{Bundle, RegoVersion};
use crate::pacing::Steps;

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
    /// A builtin that is not allowed: I/O, a clock, randomness, or more output than a limit can
    /// stop.
    #[error("the builtin `{0}` is not allowed{instead}", instead = instead(.0))]
    Builtin(String),
    /// A module is nested deeper than `MAX_REGO_NESTING` brackets.
    #[error("`{0}` is nested too deep")]
    TooDeep(String),
    /// A chain longer than `MAX_REGO_CHAIN`: operators in one expression, or rules that depend on
    /// one another.
    #[error("`{0}`: a chain of more than {MAX_REGO_CHAIN} operators or rules")]
    Chain(String),
    /// OPA refuses it, or the engines would evaluate it differently.
    #[error("`{path}`, line {line}: {message}")]
    Unlike {
        /// The file.
        path: String,
        /// The line.
        line: u32,
        /// What is wrong.
        message: String,
    },
    /// A rule depends on itself.
    #[error("the rule `{0}` needs itself")]
    Recursion(String),
    /// A module of the package `gate_prepared` reads the input.
    #[error("`{path}`: the package `gate_prepared` must not read the input")]
    PreparedReadsInput {
        /// The file.
        path: String,
    },
    /// The package `gate_prepared` fails, runs out of time, or has a result that cannot be stored.
    #[error("the package `gate_prepared`: {0}")]
    Prepared(String),
    /// `data.json` cannot be used with the rules.
    #[error("data: {0}")]
    Data(String),
}

/// What to write instead of a builtin that is not allowed.
fn instead(builtin: &str) -> &'static str {
    match builtin {
        "time.now_ns" => ": the time is `input.now_ns`",
        _ => "",
    }
}

/// A compiled bundle: all that evaluation needs.
pub(crate) struct Compiled {
    /// The decision as the only entrypoint, compiled without the package `gate_prepared`, and the
    /// data it runs over, which includes that package's result.
    pub(super) decision: Copies,
    /// Every rule as an entrypoint, for the Data API.
    pub(super) documents: Documents,
    /// The bundle's own data.
    pub(super) data: Data,
    /// Every builtin that any rule calls, sorted.
    pub(crate) builtins: Vec<String>,
}

/// What a bundle's `data.json` says.
pub(crate) struct Data {
    pub(super) value: Value,
    pub(crate) inexact: Arc<Inexact>,
}

/// A module: its path and its text.
pub(crate) type Source<'s> = (&'s str, &'s str);

/// Compiles a bundle's policies, without its tests.
pub(crate) fn compile(bundle: &Bundle, steps: &Steps<'_>) -> Result<Compiled, CompileError> {
    let sources: Vec<_> = bundle.rego().collect();
    compile_rewritten(bundle, steps).map_err(|error| match error {
        CompileError::Compile(message) => {
            CompileError::Compile(quote::as_written(&message, &sources))
        }
        CompileError::Parse { path, message } => {
            let message = quote::as_written(&message, &sources);
            CompileError::Parse { path, message }
        }
        other => other,
    })
}

fn compile_rewritten(bundle: &Bundle, steps: &Steps<'_>) -> Result<Compiled, CompileError> {
    let data = data(bundle)?;
    let mut read = rewrite::engine(bundle, bundle.rego())?;
    recursion::check(&mut read)?;
    steps.done();
    let packages = read.get_packages().map_err(|e| compile_error(&e))?;
    let rewritten: Vec<String> = read
        .get_modules()
        .iter()
        .map(|module| assign::rewrite(module))
        .collect();
    let all: Vec<Source<'_>> = bundle
        .rego()
        .zip(&rewritten)
        .map(|((path, _), source)| (path, source.as_str()))
        .collect();

    let policy = policy(bundle, &all, &data.value)?;
    steps.done();
    let is_prepared = |package: &str| package.strip_prefix("data.") == Some(PREPARED);
    let has_prepared = packages.iter().any(|package| is_prepared(package));
    let (documents, builtins) = Documents::compile(&policy, has_prepared, steps)?;

    let (prepared, rest): (Vec<_>, Vec<_>) = all
        .iter()
        .copied()
        .zip(&packages)
        .partition(|(_, package)| is_prepared(package));
    let prepared: Vec<_> = prepared.into_iter().map(|(module, _)| module).collect();
    let rest: Vec<_> = rest.into_iter().map(|(module, _)| module).collect();
    let decision_data = prepared::data(bundle, &data, &prepared)?;
    let policy = self::policy(bundle, &rest, &decision_data)?;
    steps.done();
    let decision =
        Compiler::compile_from_policy(&policy, &[ENTRYPOINT]).map_err(|e| compile_error(&e))?;
    steps.done();
    let decision = growth::bound(program::mend(&decision, has_prepared)?);
    Ok(Compiled {
        decision: Copies::new(&decision, &decision_data, &data.inexact),
        documents,
        data,
        builtins,
    })
}

/// Compiles modules that must define the entrypoint.
fn policy(
    bundle: &Bundle,
    modules: &[Source<'_>],
    data: &Value,
) -> Result<CompiledPolicy, CompileError> {
    let entrypoint: Rc<str> = ENTRYPOINT.into();
    let policy = engine_over(bundle, modules.iter().copied(), data)?
        .compile_with_entrypoint(&entrypoint)
        .map_err(|error| {
            // What regorus says when no rule has that path.
            match error.to_string().as_str() {
                "not a valid rule path" => CompileError::NoEntrypoint,
                text => compile_error(&text),
            }
        })?;
    if !policy.get_rules().contains_key(ENTRYPOINT) {
        return Err(CompileError::NoEntrypoint);
    }
    Ok(policy)
}

/// The builtins a program calls, sorted. Fails on one that is not allowed.
pub(super) fn called(program: &Program) -> Result<Vec<String>, CompileError> {
    let mut called: Vec<String> = program
        .builtin_info_table
        .iter()
        .map(|builtin| builtin.name.clone())
        .collect();
    called.sort_unstable();
    called.dedup();
    match called.iter().find(|name| !builtins::is_allowed(name)) {
        Some(name) => Err(refused(program, name)),
        None => Ok(called),
    }
}

/// The error for a builtin that is not allowed, with the place of its first call where known.
fn refused(program: &Program, name: &str) -> CompileError {
    let calls = program.instructions.iter().zip(&program.instruction_spans);
    let mut places = calls.filter_map(|(instruction, span)| {
        let Instruction::BuiltinCall { params_index } = *instruction else {
            return None;
        };
        let params = program
            .instruction_data
            .get_builtin_call_params(params_index)?;
        let builtin = program
            .builtin_info_table
            .get(usize::from(params.builtin_index))?;
        let span = span.as_ref().filter(|_| builtin.name == name)?;
        let source = program.sources.get(span.source_index)?;
        Some((source.name.clone(), u32::try_from(span.line).ok()?))
    });
    let error = CompileError::Builtin(name.to_owned());
    match places.next() {
        Some((path, line)) => CompileError::Unlike {
            path,
            line,
            message: error.to_string(),
        },
        None => error,
    }
}

/// The interpreter for a bundle's modules and tests: the modules as [`rewrite::engine`] leaves
/// them, limits on what a call may produce, and no builtin that is not allowed.
pub(crate) fn interpreter<'m>(
    bundle: &Bundle,
    modules: impl IntoIterator<Item = Source<'m>>,
) -> Result<regorus::Engine, CompileError> {
    let mut engine = rewrite::engine(bundle, modules)?;
    let parsed = engine.get_modules();
    let files = parsed.iter().map(|module| &module.package.span.source);
    let modules: Vec<Source<'_>> = files
        .map(|file| (file.get_path().as_str(), file.get_contents().as_str()))
        .collect();
    bounded(bundle, &modules, &data(bundle)?.value)
}

/// An interpreter with its limits, over modules that [`rewrite::engine`] has rewritten.
pub(super) fn bounded(
    bundle: &Bundle,
    modules: &[Source<'_>],
    data: &Value,
) -> Result<regorus::Engine, CompileError> {
    let mut read = engine_over(bundle, modules.iter().copied(), &Value::new_object())?;
    let parsed = read.get_modules();
    let written: Vec<_> = parsed
        .iter()
        .map(|module| operators::rewrite(module))
        .collect();
    let mut engine = engine_over(bundle, latest(modules, &written), data)?;
    builtins::restrict(&mut engine)?;
    Ok(engine)
}

/// Each module's rewritten source where it has one, else the original.
fn latest<'s>(modules: &[Source<'s>], written: &'s [Option<String>]) -> Vec<Source<'s>> {
    let latest = modules.iter().zip(written);
    latest
        .map(|((path, source), written)| (*path, written.as_deref().unwrap_or(source)))
        .collect()
}

/// Parses modules as they are written, for inspection and not for evaluation.
pub(crate) fn read(
    bundle: &Bundle,
    modules: &[Source<'_>],
) -> Result<regorus::Engine, CompileError> {
    for (path, source) in modules {
        text::nesting(path, source)?;
        if bundle.manifest().rego_version == RegoVersion::V0 {
            text::keywords(path, source)?;
        }
    }
    let lengths = PolicyLengthConfig::default();
    parse(
        bundle,
        modules.iter().copied(),
        &Value::new_object(),
        lengths,
    )
}

/// An interpreter over modules that [`read`] has checked, and data.
pub(super) fn engine_over<'m>(
    bundle: &Bundle,
    modules: impl IntoIterator<Item = Source<'m>>,
    data: &Value,
) -> Result<regorus::Engine, CompileError> {
    // `read` has checked the lengths already, and rewriting makes lines longer.
    let lengths = PolicyLengthConfig {
        max_col: NonZeroU32::MAX,
        max_file_bytes: NonZeroUsize::MAX,
        ..PolicyLengthConfig::default()
    };
    parse(bundle, modules, data, lengths)
}

fn parse<'m>(
    bundle: &Bundle,
    modules: impl IntoIterator<Item = Source<'m>>,
    data: &Value,
    lengths: PolicyLengthConfig,
) -> Result<regorus::Engine, CompileError> {
    let mut engine = regorus::Engine::new();
    engine.set_policy_length_config(lengths);
    engine.set_rego_v0(bundle.manifest().rego_version == RegoVersion::V0);
    // As on the register machine, and OPA's default.
    engine.set_strict_builtin_errors(false);
    for (path, source) in modules {
        engine
            .add_policy(path.to_owned(), written::written(source))
            .map_err(|error| CompileError::Parse {
                path: path.to_owned(),
                message: error.to_string(),
            })?;
    }
    add_data(&mut engine, data.clone())?;
    Ok(engine)
}

pub(super) fn add_data(engine: &mut regorus::Engine, data: Value) -> Result<(), CompileError> {
    engine
        .add_data(data)
        .map_err(|error| CompileError::Data(error.to_string()))
}

/// The bundle's `data.json`.
pub(crate) fn data(bundle: &Bundle) -> Result<Data, CompileError> {
    if growth::hides_number(bundle.data()) {
        let name = growth::HIDDEN_NUMBER;
        return Err(CompileError::Data(format!("the member `{name}`")));
    }
    let data = Value::from_json_str(bundle.data());
    let mut value = data.map_err(|error| CompileError::Data(error.to_string()))?;
    fraction::make_whole(&mut value);
    let inexact = Inexact::of(bundle.data(), &mut value).map_err(CompileError::Data)?;
    Ok(Data {
        value,
        inexact: Arc::new(inexact),
    })
}

pub(super) fn compile_error(error: &dyn std::fmt::Display) -> CompileError {
    let mut message = error.to_string();
    if message.contains("`with` keyword is not supported") {
        message.push_str(": it is for tests, in files whose names end in `_test.rego`");
    }
    if message.contains("used before definition below") {
        message.push_str(
            "\n(it may have a value from elsewhere: a rule of that name, a `some` around it, `=`; \
             give it another name, or compare with `==`)",
        );
    }
    CompileError::Compile(message)
}
