//! Refuses, when a bundle is loaded, what OPA refuses and regorus accepts, what regorus evaluates
//! differently, and what would hang or overflow the stack.

pub(in crate::rego) mod above;
pub(crate) mod calls;
pub(in crate::rego) mod compiler;
pub(in crate::rego) mod hiding;
pub(in crate::rego) mod kinds;
pub(in crate::rego) mod prepared;
pub(crate) mod recursion;
pub(in crate::rego) mod text;
pub(in crate::rego) mod unlike;

use regorus::unstable::Module;

use crate::rego::CompileError;

/// Refuses the module for the problem, if there is one, by its line.
fn refuse(module: &Module, problem: Option<(u32, String)>) -> Result<(), CompileError> {
    let refused = |(line, message)| CompileError::Unlike {
        path: module.package.span.source.get_path().clone(),
        line,
        message,
    };
    problem.map_or(Ok(()), |problem| Err(refused(problem)))
}
