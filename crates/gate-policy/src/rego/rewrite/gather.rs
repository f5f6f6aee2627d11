//! Gathers rules that are members of one object into rules of that object, if it is used as a whole
//! or by key.
//!
//! `limit.equity := 100` and `limit.fx := 20` are an object `limit` in OPA. On the register machine
//! of regorus 0.14.1 they are two rules, `limit[input.order.asset]` has no value, and
//! `limit["equity"] := 100` does not compile. Written as `limit[key] := 100 if { key := "equity" }`
//! they behave as in OPA, where two values of one member are an error. Where each is only used by
//! its own name they stay. Lines stay.
//!
//! Rules with a default, an `else`, arguments or members of their own are left, and refused by
//! `rego/refuse/above.rs`.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{Expr, Module, Rule, RuleHead};

use crate::rego::syntax::edit::{self, Edit, apply, insertion};
use crate::rego::syntax::references::{Names, Path, References, path};
use crate::rego::syntax::walk;

/// The modules' sources with the rules gathered; `None` for one that does not change.
pub(in crate::rego) fn rewrite<'m>(
    modules: impl Iterator<Item = &'m Module> + Clone,
) -> Vec<Option<String>> {
    let objects = objects(modules.clone());
    modules.map(|module| gather(module, &objects)).collect()
}

/// Whether the rules below a path can and must be gathered.
#[derive(Default)]
struct Object {
    /// It is used, or the machine does not compile its rules as they are.
    is_wanted: bool,
    /// It has rules of another kind.
    is_mixed: bool,
}

/// Paths of objects whose members' rules are to be gathered.
fn objects<'m>(modules: impl Iterator<Item = &'m Module> + Clone) -> BTreeSet<Path> {
    let mut found: BTreeMap<Path, Object> = BTreeMap::new();
    for module in modules.clone() {
        let package = Names::of(module).package;
        for rule in &module.policy {
            if let Some((object, _)) = member(rule) {
                let object = found.entry([package.clone(), object].concat());
                object.or_default().is_wanted |= is_in_brackets(walk::name(rule));
            }
        }
    }
    for module in modules {
        let names = Names::of(module);
        for rule in &module.policy {
            for used in References::of(rule) {
                let full = names.full(used.path);
                if let Some(object) = full.and_then(|full| found.get_mut(&full)) {
                    object.is_wanted = true;
                }
            }
            let name = [names.package.clone(), path(walk::name(rule)).0].concat();
            let own = member(rule).map(|(object, _)| [names.package.clone(), object].concat());
            for (at, object) in &mut found {
                if is_keyed(rule, &name, at) {
                    object.is_wanted = true;
                } else {
                    object.is_mixed |= name.starts_with(at) && own.as_ref() != Some(at);
                }
            }
        }
    }
    let gathered = found.into_iter();
    let gathered = gathered.filter(|(_, object)| object.is_wanted && !object.is_mixed);
    gathered.map(|(path, _)| path).collect()
}

/// `object[key] := …`, which such an object may have besides.
fn is_keyed(rule: &Rule, name: &Path, object: &Path) -> bool {
    let is_value = matches!(rule, Rule::Spec { head: RuleHead::Compr { .. }, bodies, .. }
        if !bodies.iter().any(|body| body.is_else));
    name == object
        && is_value
        && matches!(walk::name(rule), Expr::RefBrack { refr, .. } if !walk::has_key(refr))
}

/// The object's path within the package, and the member that the rule defines.
fn member(rule: &Rule) -> Option<(Path, String)> {
    let Rule::Spec {
        head: RuleHead::Compr { refr, .. },
        bodies,
        ..
    } = rule
    else {
        return None;
    };
    let (mut object, is_whole) = path(refr);
    if !is_whole || bodies.iter().any(|body| body.is_else) {
        return None;
    }
    let key = object.pop()?;
    (!object.is_empty()).then_some((object, key))
}

/// `object["member"]`.
const fn is_in_brackets(name: &Expr) -> bool {
    matches!(name, Expr::RefBrack { .. })
}

fn gather(module: &Module, objects: &BTreeSet<Path>) -> Option<String> {
    let source = module.package.span.source.get_contents();
    let package = Names::of(module).package;
    let mut edits = Vec::new();
    for (rule, number) in module.policy.iter().zip(1_usize..) {
        let Some((object, key)) = member(rule) else {
            continue;
        };
        if objects.contains(&[package.clone(), object].concat()) {
            let name = format!("gate_key_{number}__");
            let if_ = if module.rego_v1 { "if " } else { "" };
            gather_one(source, rule, &name, &key, if_, &mut edits);
        }
    }
    (!edits.is_empty()).then(|| apply(source, 0, source.len(), edits))
}

fn gather_one(source: &str, rule: &Rule, name: &str, key: &str, if_: &str, edits: &mut Vec<Edit>) {
    let Rule::Spec {
        span,
        head: RuleHead::Compr { refr, assign, .. },
        bodies,
    } = rule
    else {
        return;
    };
    let (Expr::RefDot { refr: object, .. } | Expr::RefBrack { refr: object, .. }) = refr.as_ref()
    else {
        return;
    };
    let value = if assign.is_some() { "" } else { " := true" };
    let (start, end) = (end(source, object), end(source, refr));
    edits.push(Edit {
        start,
        end,
        text: format!("[{name}]{value}"),
    });
    let bound = format!("{name} := {}", serde_json::Value::from(key));
    if bodies.is_empty() {
        let (_, end) = edit::quoted(source, span.start, span.end);
        edits.push(insertion(end, &format!(" {if_}{{ {bound} }}")));
    }
    for body in bodies {
        let ([first, ..], Some(last)) = (body.query.stmts.as_slice(), body.query.stmts.last())
        else {
            continue;
        };
        let is_braced = body.query.span.start < first.span.start;
        let (open, close) = if is_braced { ("", "") } else { ("{ ", " }") };
        let (start, _) = edit::range(source, first);
        let (_, end) = edit::range(source, last);
        edits.push(insertion(start, &format!("{open}{bound}; ")));
        edits.push(insertion(end, close));
    }
}

/// Where a rule's name ends. Its extent may leave out the bracket after a string.
fn end(source: &str, name: &Expr) -> usize {
    let (_, end) = edit::extent(source, name);
    let mut rest = source.get(end..).unwrap_or_default().trim_start();
    while let Some((_, after)) = rest
        .strip_prefix('#')
        .and_then(|rest| rest.split_once('\n'))
    {
        rest = after.trim_start();
    }
    match rest.strip_prefix(']') {
        Some(after) if is_in_brackets(name) => source.len().saturating_sub(after.len()),
        _ => end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rules: &str, expected: &str) {
        edit::tests::check(rules, expected, |module| {
            rewrite([module].into_iter()).pop().flatten()
        });
    }

    #[test]
    fn members_of_an_object_that_is_asked_for_are_gathered() {
        check(
            "q.a := 1\nq.b := input.x if input.y\nq.c if {\n\tinput.z\n}\np if q[input.k] == 1",
            "q[gate_key_1__] := 1 if { gate_key_1__ := \"a\" }\n\
             q[gate_key_2__] := input.x if { gate_key_2__ := \"b\"; input.y }\n\
             q[gate_key_3__] := true if {\n\tgate_key_3__ := \"c\"; input.z\n}\n\
             p if q[input.k] == 1",
        );
        check(
            "q[\"a-b\"] := 1",
            "q[gate_key_1__] := 1 if { gate_key_1__ := \"a-b\" }",
        );
        check(
            "q[\"a-b\"].c := 1\nq[\"a-b\" # why\n\t].d := 2\np if q[\"a-b\"][input.k] == 1",
            "q[\"a-b\"][gate_key_1__] := 1 if { gate_key_1__ := \"c\" }\n\
             q[\"a-b\" # why\n\t][gate_key_2__] := 2 if { gate_key_2__ := \"d\" }\n\
             p if q[\"a-b\"][input.k] == 1",
        );
        check(
            "q.r.a := 1\nq.r[k] := 2 if k := input.k\np if count(data.gate.q.r) == 1",
            "q.r[gate_key_1__] := 1 if { gate_key_1__ := \"a\" }\nq.r[k] := 2 if k := input.k\n\
             p if count(data.gate.q.r) == 1",
        );
    }

    #[test]
    fn others_stay() {
        for rules in [
            "q.a := 1\np if q.a == 1",
            "q.a := 1\ndefault q.b := 2\np if q[input.k] == 1",
            "q.a := 1\nq.b := 2 if input.x else := 3\np if q[input.k] == 1",
            "q.a := 1\nq.b.c := 2\np if q[input.k] == 1",
            "q.a := 1\nq.b contains 2\np if q[input.k] == 1",
            "q.a := 1\nq.f(x) := 2\np if q[input.k] == 1",
        ] {
            check(rules, rules);
        }
    }
}
