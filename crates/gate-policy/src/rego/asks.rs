//! Lists the members of an order that a bundle's rules read and that not every order has.

use std::collections::BTreeSet;

use super::CompileError;
use super::compile;
use super::syntax::references::{Names, Path, References};
use crate::bundle::Bundle;

/// The members every order has, below `order` and below `context`.
const ALWAYS: [(&str, &[&str]); 2] = [
    (
        "order",
        &["client_order_id", "symbol", "side", "qty", "price"],
    ),
    ("context", &["client_id"]),
];

/// Optional members of `input.order` and `input.context` that rules read, sorted; `input.order`
/// itself where a rule takes it whole.
pub(crate) fn beyond_every_order(bundle: &Bundle) -> Result<Vec<String>, CompileError> {
    let modules: Vec<_> = bundle.rego().collect();
    let mut engine = compile::read(bundle, &modules)?;
    let mut found = BTreeSet::new();
    for module in engine.get_modules().iter() {
        let names = Names::of(module);
        for used in module.policy.iter().flat_map(|rule| References::of(rule)) {
            found.extend(further(&of_input(&names, used.path)));
        }
    }
    Ok(found.into_iter().collect())
}

/// The path with an import's name replaced by the imported path.
fn of_input(names: &Names, used: Path) -> Path {
    let import = used.first().and_then(|root| names.imports.get(root));
    match (import, used.split_first()) {
        (Some(to), Some((_, rest))) => [to.as_slice(), rest].concat(),
        _ => used,
    }
}

fn further(path: &[String]) -> Option<String> {
    let [input, part, rest @ ..] = path else {
        return None;
    };
    let (_, always) = ALWAYS.iter().find(|(name, _)| name == part)?;
    let is_always = rest
        .first()
        .is_some_and(|name| always.contains(&name.as_str()));
    let shown = path.get(..path.len().min(3)).unwrap_or_default().join(".");
    (input == "input" && !is_always).then_some(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_order_need_have_is_named() {
        let asked = |rules: &str| {
            let bundle = Bundle::from_files([("gate.rego", format!("package gate\n{rules}\n"))]);
            beyond_every_order(&bundle.unwrap()).unwrap().join(" ")
        };
        for (rules, expected) in [
            ("p if input.order.qty > 1", ""),
            ("p if input.context.client_id == \"c1\"", ""),
            (
                "p if { input.exposure.gross > 1; input.now_ns; input.amounts.qty_nanos }",
                "",
            ),
            ("p if not input.context.desk.name", "input.context.desk"),
            ("p if { o := input.order; o.tif }", "input.order"),
            ("p if input.order[\"tif\"] == \"IOC\"", "input.order.tif"),
            (
                "import input.context as c\np if { c.desk; c.client_id }",
                "input.context.desk",
            ),
            (
                "import input.order\np if { some l in order.legs; l }",
                "input.order.legs",
            ),
            ("p if { order := {\"x\": 1}; order.x }", ""),
        ] {
            assert_eq!(asked(rules), expected, "{rules}");
        }
    }
}
