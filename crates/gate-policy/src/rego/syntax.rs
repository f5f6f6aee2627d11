//! A module's syntax: walking it, resolving its references, finding loops, editing its text.

pub(crate) mod edit;
pub(in crate::rego) mod loops;
pub(in crate::rego) mod references;
pub(crate) mod walk;
