//! Replaces names imported from `data` by their paths: with `import data.blocked`, `blocked`
//! becomes `data.blocked`.
//!
//! In OPA both are the same path, and `blocked[1001]` finds the member `"1001"`
//! (`program/paths.rs`). To the register machine an imported name is a value like any other. Lines
//! stay.

use std::collections::BTreeMap;

use regorus::unstable::{Expr, Module};

use crate::rego::CompileError;
use crate::rego::syntax::edit::{self, Edit, apply};
use crate::rego::syntax::references::Names;
use crate::rego::syntax::walk::{self, Visitor};

/// The module's source with the paths; `None` if nothing changes. Fails if a rule binds such a
/// name.
pub(in crate::rego) fn rewrite(module: &Module) -> Result<Option<String>, CompileError> {
    let names = Names::of(module).imports.into_iter();
    let imports: BTreeMap<String, String> = names
        .filter(|(_, path)| path.len() > 1 && path.first().is_some_and(|root| root == "data"))
        .map(|(name, path)| (name, written(&path)))
        .collect();
    let source = module.package.span.source.get_contents();
    let mut edits = Vec::new();
    for rule in &module.policy {
        let mut found = Found {
            imports: &imports,
            source,
            edits: Vec::new(),
            line: walk::name(rule).span().line,
            bound: None,
        };
        walk::rule(&mut found, rule);
        if let Some((name, line)) = found.bound {
            return Err(CompileError::Unlike {
                path: module.package.span.source.get_path().clone(),
                line,
                message: format!(
                    "`{name}` is an import and gets a value here: give one of them another name"
                ),
            });
        }
        edits.extend(found.edits);
    }
    Ok((!edits.is_empty()).then(|| apply(source, 0, source.len(), edits)))
}

/// A path from `data` in Rego syntax.
fn written(path: &[String]) -> String {
    let parts = path.iter().skip(1).map(|part| {
        if is_name(part) {
            format!(".{part}")
        } else {
            format!("[{}]", serde_json::Value::from(part.as_str()))
        }
    });
    std::iter::once("data".to_owned()).chain(parts).collect()
}

fn is_name(part: &str) -> bool {
    const KEYWORDS: [&str; 15] = [
        "as", "contains", "default", "else", "every", "false", "if", "import", "in", "not", "null",
        "package", "some", "true", "with",
    ];
    let is_letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    part.starts_with(is_letter)
        && part.chars().all(|c| is_letter(c) || c.is_ascii_digit())
        && !KEYWORDS.contains(&part)
}

/// The imported names in one rule.
struct Found<'s> {
    imports: &'s BTreeMap<String, String>,
    source: &'s str,
    edits: Vec<Edit>,
    /// Where the rule begins.
    line: u32,
    /// The first one that the rule binds, and the line.
    bound: Option<(String, u32)>,
}

impl Found<'_> {
    fn bind(&mut self, name: &str, line: u32) {
        if self.imports.contains_key(name) {
            self.bound.get_or_insert_with(|| (name.to_owned(), line));
        }
    }
}

impl Visitor for Found<'_> {
    fn expr(&mut self, expr: &Expr) {
        if let Expr::Var { span, .. } = expr
            && let Some(path) = self.imports.get(span.text())
        {
            let (start, end) = edit::extent(self.source, expr);
            self.edits.push(Edit {
                start,
                end,
                text: path.clone(),
            });
        }
        walk::below_expr(self, expr);
    }

    fn pattern(&mut self, pattern: &Expr) {
        match pattern {
            Expr::Var { span, .. } => self.bind(span.text(), span.line),
            Expr::Array { items, .. } => items.iter().for_each(|item| self.pattern(item)),
            _ => self.expr(pattern),
        }
    }

    fn declared(&mut self, name: &str) {
        self.bind(name, self.line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rules: &str, expected: &str) {
        edit::tests::check(rules, expected, |module| rewrite(module).unwrap());
    }

    #[test]
    fn the_name_of_an_import_is_written_out() {
        check(
            "import data.a.t\np if t[input.x]",
            "import data.a.t\np if data.a.t[input.x]",
        );
        check(
            "import data[\"a-b\"].in as t\np := [t.f(x) | some x in t]",
            "import data[\"a-b\"].in as t\np := [data[\"a-b\"][\"in\"].f(x) | some x in data[\"a-b\"][\"in\"]]",
        );
        check(
            "import data.t\nf(x) := y if { not t.a; some y in t; every z in t { t[z] } }",
            "import data.t\nf(x) := y if { not data.t.a; some y in data.t; every z in data.t { data.t[z] } }",
        );
        // No path into the data, and no name of an import.
        for other in [
            "import input.order.t\np if t[1]",
            "import data.t\np if { q.t; input.t; {\"t\": 1}.t }",
            "import rego.v1\np if rego",
        ] {
            check(other, other);
        }
    }

    #[test]
    fn an_import_that_a_rule_gives_a_value_is_refused() {
        for rule in [
            "p if { t := 1; t == 1 }",
            "p if { some t in [1]; t }",
            "p if { some t; t = 1 }",
            "p if every t in [1] { t }",
            "p if { [1, t] := input.x; t }",
            "f(t) if t",
        ] {
            let mut engine = regorus::Engine::new();
            let source = format!("package gate\nimport data.t\n{rule}\n");
            engine.add_policy("x.rego".into(), source).unwrap();
            let refused = rewrite(&engine.get_modules()[0]).unwrap_err().to_string();
            assert_eq!(
                refused,
                "`x.rego`, line 3: `t` is an import and gets a value here: give one of them another name"
            );
        }
    }
}
