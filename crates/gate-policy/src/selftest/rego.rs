//! Runs `*_test.rego` on the interpreter, and asks both engines for the decision on every input
//! that the tests used.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use regorus::unstable::{Expr, LiteralStmt, Module, Rule, RuleBody};
use regorus::{Engine, Value};

use super::budget::{Budget, timer, within};
use super::{TestFailure, TestProblem, TestReport};
use crate::bundle::Bundle;
use crate::rego::compile::{self, CompileError};
use crate::rego::refuse::calls::NOTE;
use crate::rego::refuse::recursion;
use crate::rego::syntax::edit::{Edit, extent, quoted, range};
use crate::rego::syntax::walk::{self, Visitor};

use crate::rego::{ENTRYPOINT, Inexact, RegoPolicy, Unanswered, begin_evaluation};

/// The most inputs of tests that are compared.
const MAX_COMPARED: usize = 10_000;
/// A rule of any bundle's: the engine lists its rules only beside one to begin with, and a bundle for
/// the built-in rules may have none.
const SOME_RULE: (&str, &str) = (
    "gate_selftest.rego",
    "package gate_selftest\n\nhere := true\n",
);
const SOME_ENTRYPOINT: &str = "data.gate_selftest.here";

type Noted = Arc<Mutex<Vec<Value>>>;

/// Runs the tests, and compares the engines.
pub(super) fn run(
    bundle: &Bundle,
    policy: &RegoPolicy,
    budget: Budget<'_>,
    report: &mut TestReport,
) -> Result<(), CompileError> {
    let mut interpreter = compile::interpreter(bundle, bundle.rego())?;
    budget.step_done();
    let Some(inputs) = run_tests(bundle, policy.inexact(), budget, report)? else {
        return Ok(());
    };
    for (number, input) in inputs.into_iter().chain(probes()).enumerate() {
        let name = format!("input {number}");
        let Some(limit) = budget.next() else {
            report.fail(name, TestProblem::OutOfTime);
            return Ok(());
        };
        report.compare(&name, limit, policy, &mut interpreter, &input);
    }
    Ok(())
}

/// Runs the tests of a bundle for the built-in rules, which can ask for its data alone.
pub(super) fn run_on_data(
    bundle: &Bundle,
    budget: Budget<'_>,
    report: &mut TestReport,
) -> Result<(), CompileError> {
    if bundle.rego_tests().next().is_some() {
        let data = compile::data(bundle)?;
        run_tests(bundle, &data.inexact, budget, report)?;
    }
    Ok(())
}

/// Runs the tests; returns the inputs that they used, unless time ran out.
fn run_tests(
    bundle: &Bundle,
    inexact: &Inexact,
    budget: Budget<'_>,
    report: &mut TestReport,
) -> Result<Option<Vec<Value>>, CompileError> {
    let noted = Noted::default();
    let mut tests = tests(bundle, &noted)?;
    budget.step_done();
    for name in names(&mut tests)? {
        let Some(limit) = budget.next() else {
            report.fail(name, TestProblem::OutOfTime);
            return Ok(None);
        };
        let answer = within(limit, |given| {
            tests.set_execution_timer_config(timer(given));
            begin_evaluation(inexact);
            tests.eval_rule(name.clone())
        });
        match answer {
            Ok(Value::Bool(true)) => report.passed.push(name),
            Ok(value) => report.fail(name, TestProblem::NotTrue(show(&value))),
            Err(error) => report.fail(name, TestProblem::Error(error.to_string())),
        }
    }
    let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(Some(std::mem::take(&mut *noted)))
}

impl TestReport {
    pub(super) fn fail(&mut self, name: String, problem: TestProblem) {
        self.failures.push(TestFailure { name, problem });
    }

    /// Both engines must give the same answer, or both fail.
    pub(super) fn compare(
        &mut self,
        name: &str,
        limit: Duration,
        policy: &RegoPolicy,
        interpreter: &mut Engine,
        input: &Value,
    ) {
        let machine = policy.raw(input);
        interpreter.set_input(input.clone());
        let interpreted = within(limit, |given| {
            interpreter.set_execution_timer_config(timer(given));
            begin_evaluation(policy.inexact());
            interpreter.eval_rule(ENTRYPOINT.to_owned())
        });
        let same = match (&machine, &interpreted) {
            (Ok(machine), Ok(interpreted)) => machine == interpreted,
            (Err(Unanswered::Failed(_)), Err(_)) => true,
            _ => false,
        };
        if same {
            self.compared = self.compared.saturating_add(1);
            return;
        }
        let shown = |answer: Result<Value, String>| match answer {
            Ok(value) => show(&value),
            Err(error) => format!("error: {error}"),
        };
        let machine = machine.map_err(|error| error.to_string());
        self.fail(
            format!("{name} {}", show(input)),
            TestProblem::Mismatch {
                machine: shown(machine),
                interpreter: shown(interpreted.map_err(|error| error.to_string())),
            },
        );
    }
}

/// The policies and the tests on one interpreter; the tests note the inputs they use.
fn tests(bundle: &Bundle, noted: &Noted) -> Result<Engine, CompileError> {
    let plain: Vec<_> = bundle.rego_tests().collect();
    let mut read = compile::read(bundle, &plain)?;
    let mut sources: Vec<(&str, String)> = Vec::new();
    let mut seen = BTreeSet::new();
    for (module, (path, source)) in read.get_modules().iter().zip(plain) {
        sources.push((path, note_inputs(source, module, &mut seen)));
    }
    let noting = sources
        .iter()
        .map(|(path, source)| (*path, source.as_str()));
    let modules = bundle.rego().chain(noting).chain([SOME_RULE]);
    let mut engine = compile::interpreter(bundle, modules)?;
    recursion::check_functions(&mut engine)?;
    let noted = Arc::clone(noted);
    let note = move |arguments: Vec<Value>| {
        let input = arguments.into_iter().next().unwrap_or(Value::Undefined);
        let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() < MAX_COMPARED && !noted.contains(&input) {
            noted.push(input.clone());
        }
        Ok(input)
    };
    engine
        .add_extension(NOTE.to_owned(), 1, Box::new(note))
        .map_err(|error| CompileError::Compile(error.to_string()))?;
    Ok(engine)
}

/// The test rules: those whose name starts with `test_`.
fn names(engine: &mut Engine) -> Result<Vec<String>, CompileError> {
    let policy = engine
        .compile_with_entrypoint(&SOME_ENTRYPOINT.into())
        .map_err(|error| CompileError::Compile(error.to_string()))?;
    let is_test = |path: &&String| {
        path.rsplit('.')
            .next()
            .is_some_and(|name| name.starts_with("test_"))
    };
    let mut names: Vec<String> = policy.get_rules().keys().filter(is_test).cloned().collect();
    names.sort_unstable();
    Ok(names)
}

/// Orders that every policy is asked about, whatever tests it brings: quantities from small to
/// large, members missing, members of another type.
fn probes() -> Vec<Value> {
    let mut probes = vec![
        Value::new_object(),
        json(r#"{"order":{},"context":{},"exposure":{},"amounts":{},"now_ns":0}"#),
        json(r#"{"order":{"qty":"x","symbol":1,"side":null},"context":{"client_id":[]}}"#),
    ];
    for side in ["BUY", "SELL"] {
        for qty in [1, 5, 11, 51, 100, 501, 1_001, 10_001, 1_000_001] {
            for (price, gross) in [(1_u64, 0), (200, 1_000_000)] {
                let notional = price.saturating_mul(qty).saturating_mul(1_000_000);
                probes.push(json(&format!(
                    r#"{{"order":{{"client_order_id":"probe","symbol":"AAPL","side":"{side}",
                        "qty":{qty},"price":{price}}},"context":{{"client_id":"probe"}},
                        "exposure":{{"reserved":{gross},"filled":0,"gross":{gross},
                        "open_orders":1,"orders_last_second":{qty}}},
                        "amounts":{{"qty_nanos":{qty}000000000,"price_nanos":{price}000000000,
                        "notional_micros":{notional},"reserved_micros":{gross}000000,
                        "filled_micros":0,"gross_micros":{gross}000000}},
                        "now_ns":1700000000000000000}}"#
                )));
            }
        }
    }
    probes
}

fn json(text: &str) -> Value {
    Value::from_json_str(text).unwrap_or(Value::Undefined)
}

/// The most characters of an answer or an input that a report shows.
const MAX_SHOWN_CHARS: usize = 400;

fn show(value: &Value) -> String {
    let text = match value {
        Value::Undefined => "undefined".to_owned(),
        value => serde_json::to_string(value).unwrap_or_else(|_| format!("{value:?}")),
    };
    match text.char_indices().nth(MAX_SHOWN_CHARS) {
        None => text,
        Some((at, _)) => {
            let (shown, rest) = text.split_at(at);
            format!("{shown}… ({} bytes more)", rest.len())
        }
    }
}

/// Rewrites the tests' source to note inputs: a statement with `with input as e` gets one before it
/// that notes `e`, one with `with input.x as e` one that notes the resulting input, each with the
/// same modifiers. A further rule with the name of a `seen` test becomes a test of its own, as for
/// `opa test`.
fn note_inputs(source: &str, module: &Module, seen: &mut BTreeSet<String>) -> String {
    let mut inputs = Inputs {
        source,
        found: Vec::new(),
    };
    let package = module.package.refr.span().text();
    for rule in &module.policy {
        let name = walk::name(rule);
        let is_test = matches!(rule.as_ref(), Rule::Spec { .. })
            && matches!(name, Expr::Var { span, .. } if span.text().starts_with("test_"));
        if is_test && !seen.insert(format!("{package}.{}", name.span().text())) {
            let (start, end) = extent(source, name);
            let number = seen.len();
            seen.insert(format!("{package}.{number}"));
            let text = format!("{}_gate_{number}__", name.span().text());
            inputs.found.push(Edit { start, end, text });
        }
        walk::rule(&mut inputs, rule);
    }
    inputs.found.sort_by_key(|edit| edit.start);
    let mut text = String::new();
    let mut at = 0;
    for edit in inputs.found {
        // One within another is not noted separately.
        if edit.start >= at {
            text.push_str(source.get(at..edit.start).unwrap_or_default());
            text.push_str(&edit.text);
            at = edit.end;
        }
    }
    text.push_str(source.get(at..).unwrap_or_default());
    text
}

/// The edits of a module.
struct Inputs<'s> {
    source: &'s str,
    found: Vec<Edit>,
}

impl Inputs<'_> {
    fn insert(&mut self, at: usize, text: String) {
        let (start, end) = (at, at);
        self.found.push(Edit { start, end, text });
    }
}

impl Visitor for Inputs<'_> {
    fn body(&mut self, body: &RuleBody) {
        // `if x with …`, without braces, becomes two statements and so needs them.
        if let [only] = body.query.stmts.as_slice()
            && body.query.span.start == only.span.start
            && sets_a_part(only)
        {
            let (start, end) = range(self.source, only);
            self.insert(start, "{ ".to_owned());
            walk::below_body(self, body);
            return self.insert(end, " }".to_owned());
        }
        walk::below_body(self, body);
    }

    fn statement(&mut self, statement: &LiteralStmt) {
        if let (true, Some(first)) = (sets_a_part(statement), statement.with_mods.first()) {
            let (start, end) = range(self.source, statement);
            let (from, _) = quoted(self.source, first.span.start, first.span.end);
            let with = self.source.get(from..end).unwrap_or_default();
            self.insert(start, format!("{NOTE}(input) {with}; "));
        } else {
            for modifier in &statement.with_mods {
                if modifier.refr.span().text() == "input" {
                    let (start, end) = extent(self.source, &modifier.r#as);
                    let input = self.source.get(start..end).unwrap_or_default();
                    let text = format!("{NOTE}({input})");
                    self.found.push(Edit { start, end, text });
                }
            }
        }
        walk::below_statement(self, statement);
    }
}

/// Whether it has a `with` that sets a part of the input.
fn sets_a_part(statement: &LiteralStmt) -> bool {
    let mut targets = statement.with_mods.iter().map(|modifier| &modifier.refr);
    targets.any(|target| {
        let target = target.span().text();
        target.starts_with("input.") || target.starts_with("input[")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_answer_the_beginning_is_shown() {
        let text = |chars| Value::from("é".repeat(chars));
        assert_eq!(show(&text(398)), format!("\"{}\"", "é".repeat(398)));
        let long = format!("\"{}… (203 bytes more)", "é".repeat(399));
        assert_eq!(show(&text(500)), long);
    }

    #[track_caller]
    fn check(body: &str, expected: &str) {
        let mut engine = Engine::new();
        let source = format!("package gate_test\ntest_x if {body}\n");
        engine.add_policy("x.rego".into(), source.clone()).unwrap();
        let noting = note_inputs(&source, &engine.get_modules()[0], &mut BTreeSet::new());
        assert_eq!(noting, format!("package gate_test\ntest_x if {expected}\n"));
    }

    #[test]
    fn inputs_are_noted_wherever_they_stand() {
        check(
            "x with input as {} with data.y as 1",
            "x with input as gate_selftest_note({}) with data.y as 1",
        );
        check(
            "every i in [1, 2] { x with input as i }",
            "every i in [1, 2] { x with input as gate_selftest_note(i) }",
        );
        check(
            "count([1 | x with input as {\"y\": z}]) == 1",
            "count([1 | x with input as gate_selftest_note({\"y\": z})]) == 1",
        );
        check(
            "x with input as [y | y := z with input as 1]",
            "x with input as gate_selftest_note([y | y := z with input as 1])",
        );
        check(
            "x with input.a as 1 with data.b as 2",
            "{ gate_selftest_note(input) with input.a as 1 with data.b as 2; \
             x with input.a as 1 with data.b as 2 }",
        );
        check(
            "{ not x with input as {} with input[\"a\"] as \"b\" }",
            "{ gate_selftest_note(input) with input as {} with input[\"a\"] as \"b\"; \
             not x with input as {} with input[\"a\"] as \"b\" }",
        );
        check(
            "x with input as \"y\"",
            "x with input as gate_selftest_note(\"y\")",
        );
        check(
            "x with input as {\"y\": 1, \"z\": {\"a\": 1, \"b\": 2}}",
            "x with input as gate_selftest_note({\"y\": 1, \"z\": {\"a\": 1, \"b\": 2}})",
        );
    }
}
