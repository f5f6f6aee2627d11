//! The Rego that a decision policy uses, as OPA evaluates it: every case through the loader and
//! both engines. A case that is not decided as in OPA is written down in
//! `docs/policy-conformance.md`, with what becomes of it.

use gate_policy::{Bundle, activate};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::support::{Order, show};

#[derive(Deserialize)]
struct Case {
    name: String,
    rego: String,
    /// The value of `p`, as it is written; no such member is undefined.
    #[serde(default, deserialize_with = "written")]
    want: Option<Box<RawValue>>,
    /// OPA ends with an error, because something has two values.
    #[serde(default)]
    conflict: bool,
    /// `input.order.x`.
    #[serde(default)]
    x: Option<Value>,
    #[serde(default)]
    set_x: bool,
    #[serde(default)]
    data: Option<Value>,
}

/// `null` is a value here.
fn written<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Box<RawValue>>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

impl Case {
    /// The outcome of a decision that depends on the case: `as expected`, `blocked` or `refused`.
    fn decide(&self, condition: &str) -> String {
        let rego = format!(
            "package gate\n{}\ndecision := {{\"allow\": true, \"reasons\": []}} if {condition}",
            self.rego
        );
        let data = self.data.clone().unwrap_or(json!({})).to_string();
        let bundle = Bundle::from_files([("gate.rego", rego), ("data.json", data)]).unwrap();
        let policy = match activate(&bundle) {
            Ok(policy) => policy,
            Err(error) if error.is_test_failure() => {
                return "refused: register machine and interpreter differ".to_owned();
            }
            Err(error) => {
                let text = error.to_string();
                let last = text
                    .lines()
                    .rfind(|line| !line.trim().is_empty())
                    .unwrap_or_default();
                return format!("refused: {}", last.trim_start_matches("error: "));
            }
        };
        let mut order = Order::new("c1", "AAPL", "1", "1");
        if self.x.is_some() || self.set_x {
            let x = self.x.clone().unwrap_or(Value::Null);
            order.order_extra.insert("x".into(), x);
        }
        show(&order.judge(&*policy).unwrap())
    }
}

#[test]
fn every_case_decides_as_in_opa_or_is_listed() {
    let cases = include_str!("../data/conformance.json");
    let cases: Vec<Case> = serde_json::from_str(cases).unwrap();
    let mut not_passing = Vec::new();
    let mut differing = Vec::new();
    for case in &cases {
        // A set is compared as the array of its members, in order.
        let held = match &case.want {
            Some(want) => {
                format!(
                    "{{ v := p; json.marshal(v) == json.marshal({}) }}",
                    want.get()
                )
            }
            None => "not defined".to_owned(),
        };
        let broken = match &case.want {
            Some(_) => "not as_wanted",
            None => "defined",
        };
        let helper = match &case.want {
            Some(_) => format!("as_wanted if {held}"),
            None => "defined if { v := p; json.is_valid(json.marshal(v)) }".to_owned(),
        };
        let with_helper = Case {
            name: case.name.clone(),
            rego: format!("{}\n{helper}", case.rego),
            want: case.want.clone(),
            conflict: case.conflict,
            x: case.x.clone(),
            set_x: case.set_x,
            data: case.data.clone(),
        };
        let shown = with_helper.decide(&held);
        // An engine that got the case wrong would allow this one.
        if with_helper.decide(broken) == "allow" {
            differing.push(case.name.as_str());
        } else if shown
            != if case.conflict {
                "policy_error"
            } else {
                "allow"
            }
        {
            not_passing.push(format!("{}: {shown}", case.name));
        }
    }
    let listed = include_str!("../../../../docs/policy-conformance.md");
    let section = listed
        .split("\n## ")
        .find(|section| section.starts_with("Cases that do not pass"))
        .unwrap();
    let lines = |start: &str| -> Vec<String> {
        let lines = section.lines().filter_map(|line| line.strip_prefix(start));
        lines.map(|line| line.replacen('`', "", 1)).collect()
    };
    assert_eq!(not_passing, lines("- `"), "{} cases", cases.len());
    // Cases decided differently from OPA, which may allow: the documented ones, and no others.
    assert_eq!(differing, lines("* `"), "{} cases", cases.len());
    assert!(listed.contains(&format!("{} cases", cases.len())));
}
