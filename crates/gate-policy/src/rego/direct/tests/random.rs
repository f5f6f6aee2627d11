//! Random programs of loops and comprehensions: what is answered here is the machine's answer.

use serde_json::json;

use super::UNBOUNDED;
use crate::Bundle;
use crate::pacing::Steps;
use crate::rego::compile::compile;
use crate::rego::machine::{self, Unanswered};

/// Conditions made of a text of choices: loops and comprehensions within one another, over what
/// there is and what there is not, and sums of numbers small and large.
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

    fn comprehension(&mut self, depth: usize) -> String {
        let before = self.names;
        let mut body = Vec::new();
        self.some(depth + 1, &mut body);
        let (key, value) = (self.term(), self.term());
        self.names = before;
        let body = body.join("; ");
        match self.choose(3) {
            0 => format!("[{value} | {body}]"),
            1 => format!("{{{value} | {body}}}"),
            _ => format!("{{{key}: {value} | {body}}}"),
        }
    }

    fn some(&mut self, depth: usize, lines: &mut Vec<String>) {
        for _ in 0..=self.choose(3) {
            let before = self.names;
            match self.choose(if depth < 3 { 9 } else { 3 }) {
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
                6 => {
                    let collected = self.comprehension(depth);
                    let op = ["==", "!=", "<", ">="][self.choose(4)];
                    lines.push(format!("count({collected}) {op} {}", self.term()));
                }
                7 => {
                    let collected = self.comprehension(depth);
                    self.names += 1;
                    lines.push(format!("v{before} := {collected}"));
                }
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
    fn any_program_gives_the_machines_answer(
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
