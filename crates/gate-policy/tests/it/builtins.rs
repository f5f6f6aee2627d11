//! Builtins answer as in OPA, or the order is blocked.

use std::collections::HashMap;
use std::sync::Arc;

use gate_policy::{Bundle, Policy, activate};
use serde::Deserialize;
use serde_json::Value;

use crate::check::load;
use crate::support::{Order, show};

/// A call with arguments of the input.
#[derive(Deserialize)]
struct Case {
    /// With `input.order.a[0]`, and so on, for the arguments.
    call: String,
    a: Value,
    /// OPA's answer as JSON; `None` where it has none.
    opa: Option<String>,
    /// Here the evaluation ends.
    #[serde(default)]
    blocked: bool,
}

const CASES: &str = include_str!("../data/builtins.json");

/// The value of the call as the reason, or why there is none.
fn shown(policy: &dyn Policy, arguments: &Value) -> String {
    let mut order = Order::new("c1", "AAPL", "1", "1");
    order.order_extra.insert("a".into(), arguments.clone());
    show(&order.judge(policy).unwrap())
}

fn rule(value: &str) -> String {
    format!("decision := {{\"allow\": false, \"reasons\": [r]}} if r := json.marshal({value})")
}

/// A number may be written in two ways.
fn read(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|_| json.into())
}

#[test]
fn generated_calls_have_the_value_that_they_have_in_opa() {
    let cases: Vec<Case> = serde_json::from_str(CASES).unwrap();
    let mut loaded: HashMap<&str, Arc<dyn Policy>> = HashMap::new();
    for Case {
        call,
        a,
        opa,
        blocked,
    } in &cases
    {
        let policy = loaded
            .entry(call)
            .or_insert_with(|| load(&rule(call), "{}").unwrap());
        let shown = shown(&**policy, a);
        match opa {
            _ if *blocked => assert_eq!(shown, "policy_error", "{call} of {a}"),
            None => assert_eq!(shown, "policy_undefined", "{call} of {a}"),
            Some(value) => assert_eq!(read(&shown), read(value), "{call} of {a}"),
        }
    }
    assert!(cases.len() > 500);
}

/// The same in `gate_prepared`, which the interpreter evaluates.
#[test]
fn generated_calls_have_that_value_in_the_interpreter() {
    let cases: Vec<Case> = serde_json::from_str(CASES).unwrap();
    for Case {
        call,
        a,
        opa,
        blocked,
    } in cases.iter().step_by(3)
    {
        let call = call.replace("input.order.a", "data.a");
        let data = serde_json::json!({ "a": a }).to_string();
        let prepared = format!("package gate_prepared\nx := {call}\n");
        let source = format!("package gate\n{}\n", rule("data.gate_prepared.x"));
        let files = [
            ("data.json", data),
            ("prepared.rego", prepared),
            ("gate.rego", source),
        ];
        let shown = match activate(&Bundle::from_files(files).unwrap()) {
            Ok(policy) => shown(&*policy, a),
            Err(_) => "refused".to_owned(),
        };
        match opa {
            _ if *blocked => assert_eq!(shown, "refused", "{call} of {a}"),
            None => assert_eq!(shown, "policy_undefined", "{call} of {a}"),
            Some(value) => assert_eq!(read(&shown), read(value), "{call} of {a}"),
        }
    }
}

/// Authors of policies read the list there.
#[test]
fn the_list_of_builtins_is_documented() {
    let docs = include_str!("../../../../docs/policy.md");
    let section = docs
        .split("\n## ")
        .find(|section| section.starts_with("Builtins"));
    let (_, list) = section.unwrap().split_once("Allowed are:").unwrap();
    let listed: Vec<&str> = list.split('`').skip(1).step_by(2).collect();
    // `&` and `|` of sets have no names in Rego.
    let allowed = gate_policy::ALLOWED_BUILTINS.into_iter();
    let allowed: Vec<&str> = allowed.filter(|name| !name.starts_with("__")).collect();
    assert_eq!(listed, allowed);
}
