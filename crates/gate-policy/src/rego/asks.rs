//! Lists the members of the input that a bundle's rules read and that not every order has, or none.

use std::collections::BTreeSet;

use regorus::Value;

use super::CompileError;
use super::compile;
use super::input;
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

/// What rules read beyond what every order has, sorted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Optional members of `input.order` and `input.context`; `input.order` itself where a rule takes
    /// it whole.
    pub(crate) optional: Vec<String>,
    /// Members that no order has: of the input, or of what Gate puts into it.
    pub(crate) never: Vec<String>,
}

/// What the bundle's rules read beyond what every order has.
pub(crate) fn beyond_every_order(bundle: &Bundle) -> Result<Asked, CompileError> {
    let modules: Vec<_> = bundle.rego().collect();
    let mut engine = compile::read(bundle, &modules)?;
    let blank = input::Names::new().blank();
    let (mut optional, mut never) = (BTreeSet::new(), BTreeSet::new());
    for module in engine.get_modules().iter() {
        let names = Names::of(module);
        for used in module.policy.iter().flat_map(|rule| References::of(rule)) {
            let path = of_input(&names, used.path);
            optional.extend(further(&path));
            never.extend(absent(&blank, &path));
        }
    }
    Ok(Asked {
        optional: optional.into_iter().collect(),
        never: never.into_iter().collect(),
    })
}

/// The path as far as to what no order has there.
fn absent(blank: &Value, path: &[String]) -> Option<String> {
    let (root, rest) = path.split_first()?;
    if root != "input" {
        return None;
    }
    let mut value = blank;
    for (at, part) in rest.iter().enumerate() {
        // What an order has more is its own, and what Gate computes has no members.
        let is_open = at == 1 && matches!(rest.first()?.as_str(), "order" | "context");
        let members = value.as_object().ok().filter(|_| !is_open)?;
        match members.get(&Value::from(part.as_str())) {
            Some(member) => value = member,
            None => return Some(path.get(..at.saturating_add(2))?.join(".")),
        }
    }
    None
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
            let Asked { optional, never } = beyond_every_order(&bundle.unwrap()).unwrap();
            assert_eq!(never, Vec::<String>::new(), "{rules}");
            optional.join(" ")
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

    /// A typo there would never deny.
    #[test]
    fn what_no_order_has_is_named() {
        for (rules, expected) in [
            ("p if input.Order.qty > 1", "input.Order"),
            (
                "p if input.exposure.opn_orders > 1",
                "input.exposure.opn_orders",
            ),
            ("p if input.amounts.qty > 1", "input.amounts.qty"),
            (
                "import input.exposure as e\np if e.net > 1",
                "input.exposure.net",
            ),
            (
                "p if { input.order.tif.x; input.context.desk; input.now_ns }",
                "",
            ),
            ("p if { e := input.exposure; e.gross }", ""),
        ] {
            let bundle = Bundle::from_files([("gate.rego", format!("package gate\n{rules}\n"))]);
            let asked = beyond_every_order(&bundle.unwrap()).unwrap();
            assert_eq!(asked.never.join(" "), expected, "{rules}");
        }
    }
}
