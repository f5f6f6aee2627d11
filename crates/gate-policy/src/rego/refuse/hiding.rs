//! Refuses names that hide `input` or `data`, as OPA's compiler does in v1. In regorus such a name is
//! the document in one place and the variable in another.

use regorus::unstable::{Expr, LiteralStmt, Module};

use super::refuse;
use crate::rego::CompileError;
use crate::rego::syntax::references::path;
use crate::rego::syntax::walk::{self, Visitor};

/// Refuses the first such name of the modules.
pub(in crate::rego) fn check<'m>(
    modules: impl Iterator<Item = &'m Module>,
) -> Result<(), CompileError> {
    for module in modules {
        let mut names = Declared::default();
        for import in &module.imports {
            names.line = import.span.line;
            import
                .r#as
                .iter()
                .for_each(|name| names.declared(name.text()));
        }
        for rule in &module.policy {
            let name = walk::name(rule);
            names.line = name.span().line;
            path(name)
                .0
                .first()
                .into_iter()
                .for_each(|name| names.declared(name));
            walk::rule(&mut names, rule);
        }
        refuse(module, names.problem)?;
    }
    Ok(())
}

#[derive(Default)]
struct Declared {
    /// Where the walk is.
    line: u32,
    /// The first problem, with its line.
    problem: Option<(u32, String)>,
}

impl Visitor for Declared {
    fn statement(&mut self, statement: &LiteralStmt) {
        self.line = statement.span.line;
        walk::below_statement(self, statement);
    }

    fn pattern(&mut self, pattern: &Expr) {
        walk::bound(pattern, &mut |name| {
            self.line = name.span().line;
            self.declared(name.span().text());
        });
    }

    fn declared(&mut self, name: &str) {
        if matches!(name, "input" | "data") {
            let message = format!("`{name}` is the document's name: give another one here");
            self.problem.get_or_insert((self.line, message));
        }
    }
}
