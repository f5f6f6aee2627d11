//! Answers OPA's Data API: the documents below `data`, from every rule and the bundle's data.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::program::Program;
use regorus::rvm::vm::{RegoVM, VmError};
use regorus::{CompiledPolicy, Value};
use serde_json::Value as Json;

use super::compile::{CompileError, Compiled, called, compile_error};
use super::machine::{EvalLimits, is_limit, vm};
use super::refuse::unlike;
use super::{begin_evaluation, growth, program};
use crate::input_bounds::MAX_INPUT_DEPTH;
use crate::pacing::{Steps, processor_time};
use crate::policy::QueryError;

/// The most rules in one program: each takes one of the 255 registers that regorus has for all
/// entry points.
const RULES_PER_PROGRAM: usize = 200;

/// The most rules in one bundle: each program compiles anew what its rules depend on.
const MAX_RULES: usize = 5_000;

/// Every rule of a bundle, as an entry point of one of a few programs.
pub(super) struct Documents(BTreeMap<String, Arc<Program>>);

impl Documents {
    /// Compiles every rule; also returns every builtin a rule calls, sorted. Fails on one that is
    /// not allowed.
    pub(super) fn compile(
        policy: &CompiledPolicy,
        has_prepared: bool,
        steps: &Steps<'_>,
    ) -> Result<(Self, Vec<String>), CompileError> {
        let mut paths: Vec<&str> = policy.get_rules().keys().map(String::as_str).collect();
        paths.sort_unstable();
        if paths.len() > MAX_RULES {
            let rules = paths.len();
            let message =
                format!("{rules} rules are more than the {MAX_RULES} that a bundle may have");
            return Err(CompileError::Compile(message));
        }
        let (mut documents, mut builtins) = (BTreeMap::new(), Vec::new());
        for some in paths.chunks(RULES_PER_PROGRAM) {
            let compiled = Compiler::compile_from_policy(policy, some);
            let compiled = compiled.map_err(|error| compile_error(&error))?;
            unlike::check_else(&compiled)?;
            builtins.extend(called(&compiled)?);
            let compiled = Arc::new(growth::bound(program::mend(&compiled, has_prepared)?));
            let paths = some.iter().map(|path| (*path).to_owned());
            documents.extend(paths.map(|path| (path, Arc::clone(&compiled))));
            steps.done();
        }
        builtins.sort_unstable();
        builtins.dedup();
        Ok((Self(documents), builtins))
    }

    /// The program in which a rule is an entry point.
    pub(super) fn of(&self, rule: &str) -> Option<&Arc<Program>> {
        self.0.get(rule)
    }

    /// The rules whose paths begin with `prefix`, sorted.
    fn below<'d>(&'d self, prefix: &'d str) -> impl Iterator<Item = (&'d str, &'d Arc<Program>)> {
        let rules = self.0.range(prefix.to_owned()..);
        let rules = rules.take_while(move |(rule, _)| rule.starts_with(prefix));
        rules.map(|(rule, program)| (rule.as_str(), program))
    }
}

/// Evaluates the document at `path` below `data`: rules where there are any, else data.
///
/// No rule starts once the time of one evaluation is up.
pub(super) fn query(
    compiled: &Compiled,
    limits: EvalLimits,
    path: &[&str],
    input: &Json,
) -> Result<Option<Json>, QueryError> {
    if path.len() > MAX_INPUT_DEPTH {
        return Err(QueryError::TooLarge("the path"));
    }
    let input = super::input::from_json(input).map_err(|_| QueryError::TooLarge("the input"))?;
    let asked = || {
        let mut question = Question {
            compiled,
            limits,
            input,
            ends: processor_time().saturating_add(limits.time),
            vm: None,
        };
        question.document(path)
    };
    let answer = catch_unwind(AssertUnwindSafe(asked))
        .unwrap_or_else(|_| Err(QueryError::Evaluation("it panicked".to_owned())))?;
    if answer == Value::Undefined {
        return Ok(None);
    }
    serde_json::to_value(&answer)
        .map(Some)
        .map_err(|error| QueryError::Evaluation(error.to_string()))
}

/// One query, with the machine that ran last.
struct Question<'c> {
    compiled: &'c Compiled,
    limits: EvalLimits,
    input: Value,
    /// No rule starts after this; in the thread's processor time.
    ends: Duration,
    vm: Option<(Arc<Program>, RegoVM)>,
}

impl Question<'_> {
    /// Rules, where there are any, laid over the data. A path may go on into a rule's value.
    fn document(&mut self, path: &[&str]) -> Result<Value, QueryError> {
        let compiled = self.compiled;
        let mut found = compiled.data.value.clone();
        let mut name = "data".to_owned();
        for (depth, part) in path.iter().enumerate() {
            name.push('.');
            name.push_str(part);
            found = part_of(&found, part);
            if let Some(program) = compiled.documents.of(&name) {
                let value = self.rule(&name, program)?;
                let below = path.get(depth.saturating_add(1)..).unwrap_or_default();
                return Ok(below
                    .iter()
                    .fold(value, |value, part| part_of(&value, part)));
            }
        }
        let prefix = format!("{name}.");
        for (rule, program) in compiled.documents.below(&prefix) {
            if processor_time() > self.ends {
                return Err(QueryError::Timeout);
            }
            let value = self.rule(rule, program)?;
            if value != Value::Undefined {
                let parts: Vec<&str> = rule.split('.').skip(path.len().saturating_add(1)).collect();
                insert(&mut found, &parts, value);
            }
        }
        Ok(found)
    }

    fn rule(&mut self, name: &str, program: &Arc<Program>) -> Result<Value, QueryError> {
        let failed = |error: VmError| QueryError::Evaluation(error.to_string());
        let mut vm = match self.vm.take() {
            Some((known, vm)) if Arc::ptr_eq(&known, program) => vm,
            _ => {
                let data = self.compiled.data.value.clone();
                let mut made = vm(Arc::clone(program), data, self.limits).map_err(failed)?;
                made.set_input(self.input.clone());
                made
            }
        };
        begin_evaluation(&self.compiled.data.inexact);
        let value = vm
            .execute_entry_point_by_name(name)
            .map_err(|error| match error {
                error if is_limit(&error) => QueryError::Timeout,
                error => QueryError::Evaluation(program::message(&error, &vm)),
            })?;
        self.vm = Some((Arc::clone(program), vm));
        growth::check_answer(&value).map_err(|error| QueryError::Evaluation(error.to_string()))?;
        Ok(value)
    }
}

/// What a path segment names: a member, or an array item by its index.
fn part_of(value: &Value, segment: &str) -> Value {
    match (value, segment.parse::<u64>()) {
        (Value::Array(_), Ok(index)) => value[&Value::from(index)].clone(),
        _ => value[segment].clone(),
    }
}

/// Sets a member, creating objects on the way.
fn insert(document: &mut Value, path: &[&str], value: Value) {
    if document.as_object().is_err() {
        *document = Value::new_object();
    }
    let (Some((name, rest)), Ok(members)) = (path.split_first(), document.as_object_mut()) else {
        return;
    };
    let key = Value::from(*name);
    if rest.is_empty() {
        members.insert(key, value);
    } else {
        let inner = members.get_or_insert_with(key, Value::new_object);
        insert(inner, rest, value);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Bundle, Policy, activate_with};

    /// A policy whose evaluations have `time` each.
    fn policy(rego: &str, time: Duration) -> Arc<dyn Policy> {
        let limits = EvalLimits {
            time,
            ..EvalLimits::default()
        };
        activate_with(&Bundle::from_files([("g.rego", rego)]).unwrap(), limits).unwrap()
    }

    /// Enough on a busy machine.
    const ENOUGH: Duration = Duration::from_secs(60);

    #[test]
    fn a_bundle_of_more_rules_than_one_program_takes_is_answered_as_one() {
        let rules: String = (0..650)
            .map(|n| format!("limit_{n:03} := input.order.qty + {n}\n"))
            .collect();
        let rego =
            format!("package gate\ndecision := {{\"allow\": true, \"reasons\": []}}\n{rules}");
        let policy = policy(&rego, ENOUGH);
        let input = json!({"order": {"qty": 2}});
        let ask = |path: &[&str]| policy.query(path, &input).unwrap().unwrap();
        for n in [0, 199, 200, 649] {
            let rule = format!("limit_{n:03}");
            assert_eq!(ask(&["gate", rule.as_str()]), json!(n + 2));
        }
        let package = ask(&["gate"]);
        assert_eq!(package.as_object().unwrap().len(), 651);
        assert_eq!(package["limit_400"], json!(402));
        assert_eq!(package["decision"]["allow"], json!(true));
    }

    /// All rules of a package share the time of one evaluation.
    #[test]
    fn a_package_has_one_time_for_all_its_rules() {
        let rules: String = (0..150)
            .map(|n| format!("slow_{n} := count([x | some x in numbers.range({n}, input.to)])\n"))
            .collect();
        let rego =
            format!("package gate\ndecision := {{\"allow\": true, \"reasons\": []}}\n{rules}");
        let input = json!({"to": 2_000});
        let ask = |path: &[&str], time| policy(&rego, time).query(path, &input);
        assert_eq!(ask(&["gate", "slow_0"], ENOUGH), Ok(Some(json!(2_001))));
        assert!(ask(&["gate"], ENOUGH).is_ok());
        let short = Duration::from_millis(20);
        assert_eq!(ask(&["gate"], short), Err(QueryError::Timeout));
    }

    #[test]
    fn a_number_in_a_path_is_an_item_of_an_array_or_the_name_of_a_member() {
        let rego = r#"package gate
decision := {"allow": true, "reasons": []}
legs := [{"qty": 1}, {"qty": input.qty}]
by_number := {"1": "one"}
"#;
        let policy = policy(rego, ENOUGH);
        let ask = |path: &[&str]| policy.query(path, &json!({"qty": 7})).unwrap();
        assert_eq!(ask(&["gate", "legs", "1", "qty"]), Some(json!(7)));
        assert_eq!(ask(&["gate", "legs", "2"]), None);
        assert_eq!(ask(&["gate", "legs", "one"]), None);
        assert_eq!(ask(&["gate", "by_number", "1"]), Some(json!("one")));
    }

    #[test]
    fn a_bundle_of_too_many_rules_is_refused() {
        let rules: String = (0..MAX_RULES).map(|n| format!("r{n} := {n}\n")).collect();
        let rego =
            format!("package gate\ndecision := {{\"allow\": true, \"reasons\": []}}\n{rules}");
        let bundle = Bundle::from_files([("g.rego", rego.as_str())]).unwrap();
        let refused = crate::activate(&bundle).err().unwrap().to_string();
        assert!(refused.contains("5001 rules"), "{refused}");
    }
}
