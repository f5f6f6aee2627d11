//! Loops: what holds, what is gathered, and that it is the machine's answer.

use serde_json::json;

use super::{UNBOUNDED, of};
use crate::Bundle;
use crate::pacing::Steps;
use crate::rego::compile::compile;
use crate::rego::machine::{self, Unanswered};

/// The expected values are Rego's own: a reference with a variable and `some … in` hold when one
/// member fits, `every` when all do, and of nothing.
#[test]
fn loops_hold_where_they_should() {
    let further = json!({
        "legs": [{"qty": 2, "tags": ["a", "b"]}, {"qty": 7, "tags": []}],
        "by_name": {"x": 1, "y": 2},
        "none": [],
        "text": "abc",
    });
    for (condition, expected) in [
        ("some leg in input.order.legs; leg.qty == 7", true),
        ("some leg in input.order.legs; leg.qty > 7", false),
        (
            "some at, leg in input.order.legs; at == 1; leg.qty == 7",
            true,
        ),
        (
            "some at, leg in input.order.legs; at == 0; leg.qty == 7",
            false,
        ),
        ("input.order.legs[_].qty == 2", true),
        ("input.order.legs[_].qty == 3", false),
        (
            "some leg in input.order.legs; some tag in leg.tags; tag == \"b\"",
            true,
        ),
        (
            "some leg in input.order.legs; some tag in leg.tags; leg.qty == 7",
            false,
        ),
        (
            "some name, n in input.order.by_name; name == \"y\"; n == 2",
            true,
        ),
        (
            "some name, n in input.order.by_name; name == \"y\"; n == 1",
            false,
        ),
        ("some n in input.order.by_name; n == 2", true),
        ("some n in {1, 2, 3}; n * n == 9", true),
        ("some n in {1, 2, 3}; n * n == 8", false),
        ("some n in input.order.none; n == n", false),
        ("some n in input.order.text; n == n", false),
        ("some n in input.order.missing; n == n", false),
        ("every leg in input.order.legs { leg.qty > 1 }", true),
        ("every leg in input.order.legs { leg.qty > 2 }", false),
        (
            "every name, n in input.order.by_name { n > 0; name != \"z\" }",
            true,
        ),
        (
            "every name, n in input.order.by_name { n > 0; name != \"y\" }",
            false,
        ),
        ("every leg in input.order.none { leg.qty > 2 }", true),
        ("every n in input.order.text { n }", false),
        ("every n in input.order.missing { n }", false),
        (
            "every leg in input.order.legs { some n in {2, 7}; leg.qty == n }",
            true,
        ),
        (
            "every leg in input.order.legs { some n in {2, 6}; leg.qty == n }",
            false,
        ),
        (
            "every leg in input.order.legs { leg.qty > 1 }; input.order.qty == 2",
            false,
        ),
        ("some a in {1, 2}; some b in {10, 20}; a + b == 22", true),
        ("some a in {1, 2}; some b in {10, 20}; a + b == 23", false),
        ("some a in {1, 2}; every b in {3, 4} { a + b < 6 }", true),
        ("some a in {2, 3}; every b in {3, 4} { a + b < 6 }", false),
    ] {
        let allowed = r#"{"allow":true,"reasons":[]}"#;
        for (rego, holds) in [
            (format!("p if {{ {condition} }}"), expected),
            // In a rule of many, one after the other, and in a function.
            (
                format!("p if \"x\" in q\nq contains \"x\" if {{ {condition} }}\nq contains \"y\""),
                expected,
            ),
            (
                format!("p if f(1)\nf(one) if {{ one == 1; {condition} }}"),
                expected,
            ),
            (format!("p if not q\nq if {{ {condition} }}"), !expected),
        ] {
            let rego = format!("{rego}\ndecision := {{\"allow\": true, \"reasons\": []}} if p");
            let found = of(&rego, &further);
            assert_ne!(found, "the machine's", "{rego}");
            assert_eq!(found == allowed, holds, "{rego}: {found}");
            let rego = format!("package gate\n{rego}");
            let bundle = Bundle::from_files([("g.rego", &*rego)]).unwrap();
            let compiled = compile(&bundle, &Steps::at_once()).unwrap();
            let document = json!({"order": further.as_object().unwrap().clone()});
            let document = crate::rego::input::value(&document);
            // Evaluates it both ways and fails when they differ.
            let both = machine::raw(&compiled, UNBOUNDED, document);
            assert!(both.is_ok(), "{rego}: {both:?}");
        }
    }
}

#[test]
fn what_a_loop_gathers_is_what_it_went_over() {
    let further = json!({"legs": [{"qty": 2}, {"qty": 7}, {"qty": 9}]});
    for (rules, expected) in [
        (
            "q contains leg.qty if { some leg in input.order.legs; leg.qty > 2 }",
            "[7,9]",
        ),
        (
            "q contains at if { some at, leg in input.order.legs; leg.qty > 2 }",
            "[1,2]",
        ),
        (
            "q contains a + b if { some a in {1, 2}; some b in {10, 20} }",
            "[11,12,21,22]",
        ),
        (
            "q contains 0\nq contains n if some n in r\nr contains 3\nr contains 4",
            "[0,3,4]",
        ),
    ] {
        let rego = format!("{rules}\ndecision := {{\"allow\": false, \"reasons\": q}}");
        let expected = format!("{{\"allow\":false,\"reasons\":{expected}}}");
        assert_eq!(of(&rego, &further), expected, "{rules}");
    }
}

/// Conditions made of a text of choices: loops within loops, over what there is and what there is
/// not, and sums of numbers small and large.
struct Conditions<'c> {
    choices: std::slice::Iter<'c, u8>,
    names: usize,
}

impl Conditions<'_> {
    fn choose(&mut self, of: usize) -> usize {
        usize::from(self.choices.next().copied().unwrap_or(0)) % of
    }

    /// A name that is bound, or a constant.
    fn term(&mut self) -> String {
        match self.choose(self.names + 5) {
            0 => "2".to_owned(),
            1 => "\"b\"".to_owned(),
            2 => "input.order.qty".to_owned(),
            3 => "input.order.large".to_owned(),
            4 => "input.order.float".to_owned(),
            name => format!("v{}", name - 5),
        }
    }

    fn collection(&mut self) -> String {
        let of = ["legs", "by_name", "none", "text", "missing", "mixed"];
        match self.choose(of.len() + 3) {
            0 => "{1, 2, 3}".to_owned(),
            1 => "[2, 1, 2]".to_owned(),
            2 => self.term(),
            at => format!("input.order.{}", of[at - 3]),
        }
    }

    fn some(&mut self, depth: usize, lines: &mut Vec<String>) {
        for _ in 0..=self.choose(3) {
            let before = self.names;
            match self.choose(if depth < 3 { 7 } else { 3 }) {
                0 => {
                    let op = ["==", "!=", "<", ">="][self.choose(4)];
                    lines.push(format!("{} {op} {}", self.term(), self.term()));
                }
                1 => lines.push(format!("not {} == {}", self.term(), self.term())),
                2 => {
                    let (one, other, third) = (self.term(), self.term(), self.term());
                    lines.push(format!("{one} + {other} > {third}"));
                }
                3 => {
                    let of = self.collection();
                    self.names += 1;
                    lines.push(format!("some v{before} in {of}"));
                }
                4 => {
                    let of = self.collection();
                    self.names += 2;
                    lines.push(format!("some v{before}, v{} in {of}", before + 1));
                }
                5 => lines.push(format!("{}[_].qty > {}", self.collection(), self.term())),
                _ => {
                    let of = self.collection();
                    self.names += 1;
                    let mut inner = Vec::new();
                    self.some(depth + 1, &mut inner);
                    lines.push(format!(
                        "every v{before} in {of} {{ {} }}",
                        inner.join("; ")
                    ));
                    self.names = before;
                }
            }
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2_000))]
    /// What is answered here is what the machine answers (`machine::raw` evaluates it both ways).
    #[test]
    fn any_loops_give_the_machines_answer(
        choices in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..40),
        shape in 0_usize..3,
    ) {
        let mut conditions = Conditions { choices: choices.iter(), names: 0 };
        let mut lines = Vec::new();
        conditions.some(0, &mut lines);
        let body = lines.join("\n");
        let rules = match shape {
            0 => format!("p if {{\n{body}\n}}"),
            1 => {
                let gathered = conditions.term();
                format!("p if count(q) > 1\nq contains \"b\"\nq contains {gathered} if {{\n{body}\n}}")
            }
            _ => format!("p if f(2)\nf(x) := x if {{\n{body}\n}}"),
        };
        let rego = format!(
            "package gate\n{rules}\ndecision := {{\"allow\": true, \"reasons\": []}} if p"
        );
        let bundle = Bundle::from_files([("g.rego", &*rego)]).unwrap();
        // What is refused before it is in force is evaluated by nobody.
        if let Ok(compiled) = compile(&bundle, &Steps::at_once()) {
            let document = crate::rego::input::value(&json!({"order": {
                "qty": 1,
                "large": 9_007_199_254_740_993_u64,
                "float": 1.0,
                "legs": [{"qty": 2, "tags": ["a", "b"]}, {"qty": 7}],
                "by_name": {"a": 1, "b": 2},
                "none": [],
                "text": "b",
                "mixed": [1, "b", [2], {"qty": 3}, null],
            }}));
            let both = machine::raw(&compiled, UNBOUNDED, document);
            let differs = matches!(both, Err(Unanswered::Differs { .. }));
            proptest::prop_assert!(!differs, "{rego}: {both:?}");
        }
    }
}
