//! A module's syntax: walking over it, what its references are to, where a body may loop, and edits of
//! its text.

pub(crate) mod edit;
pub(in crate::rego) mod loops;
pub(in crate::rego) mod references;
pub(crate) mod walk;
