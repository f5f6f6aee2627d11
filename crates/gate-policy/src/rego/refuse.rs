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
