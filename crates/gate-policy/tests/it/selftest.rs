//! What a bundle's own tests find before it is in force, and misleading names.

use std::sync::Mutex;
use std::time::Duration;

use gate_policy::{Bundle, Engine, EvalLimits, activate, activate_beside};
use serde_json::{Value, json};

use crate::check::{ALLOW, check};

/// Slower, and otherwise the same.
#[test]
fn a_bundle_activated_with_rests_is_the_same_and_is_refused_for_the_same() {
    let rests = Mutex::new(Vec::new());
    let rest = |worked| rests.lock().unwrap().push(worked);
    let beside = |bundle: &Bundle| activate_beside(bundle, EvalLimits::default(), &rest);
    let bundle = Bundle::sample(Engine::Rego).unwrap();
    let (slowly, at_once) = (beside(&bundle).unwrap(), activate(&bundle).unwrap());
    assert_eq!(slowly.identity(), at_once.identity());
    let worked = std::mem::take(&mut *rests.lock().unwrap());
    // Compiling alone takes more steps than that.
    assert!(worked.len() > 5, "{worked:?}");
    let least = Duration::from_micros(300);
    assert!(worked.iter().all(|step| *step >= least), "{worked:?}");

    let rego = format!("package gate\ndecision := {ALLOW}");
    let test = "package gate_test\ntest_x if 1 == 2\n";
    let files = [("gate.rego", rego.as_str()), ("gate_test.rego", test)];
    let failing = Bundle::from_files(files).unwrap();
    assert_eq!(
        beside(&failing).map(|_| ()).unwrap_err(),
        activate(&failing).map(|_| ()).unwrap_err()
    );
}

/// The built-in rules judge by the data alone, and so do the tests of a bundle for them.
#[test]
fn the_tests_of_a_bundle_for_the_built_in_rules_are_run() {
    let sample = Bundle::sample(Engine::Builtin).unwrap();
    let activated = |test: &str| {
        let files = [("data.json", sample.data()), ("limits_test.rego", test)];
        let bundle = Bundle::from_files(files).unwrap();
        assert_eq!(bundle.engine(), Engine::Builtin);
        activate(&bundle).map(|_| ())
    };
    let size = |size: &str| {
        activated(&format!(
            "package limits_test\ntest_size if data.instruments.AAPL.contract_size == \"{size}\"\n"
        ))
    };
    size("1").unwrap();
    let refused = size("2").unwrap_err();
    assert!(refused.is_test_failure(), "{refused}");
    assert!(
        refused.to_string().contains("data.limits_test.test_size"),
        "{refused}"
    );
    let refused = activated("package limits_test\ntest_size if {\n").unwrap_err();
    assert!(!refused.is_test_failure(), "{refused}");
}

/// Both engines get a test's inputs even if it does not ask for the decision, or sets only a part
/// of one.
#[test]
fn the_inputs_of_tests_are_put_to_both_engines() {
    let rego =
        format!("package gate\ndecision := {ALLOW} if not large\nlarge if input.order.x % 2 > 5");
    let activated = |test: &str| {
        let test = format!("package gate_test\n{test}\n");
        let files = [("gate.rego", rego.clone()), ("gate_test.rego", test)];
        activate(&Bundle::from_files(files).unwrap()).map(|_| ())
    };
    for test in [
        "test_x if input.order.x == 1.5 with input.order.x as 1.5",
        "test_x if { every x in [1, 1.5] { input.order.x == x with input.order.x as x } }",
        "test_x if input.order.x == 1.5 with input as {\"order\": {\"x\": 1.5}}",
    ] {
        let refused = activated(test).unwrap_err();
        assert!(refused.is_test_failure(), "{test}: {refused}");
        let text = refused.to_string();
        assert!(
            text.contains(r#"{"order":{"x":1.5}}: register machine"#),
            "{test}: {text}"
        );
    }
    for test in [
        "test_x if input.order.x == 7 with input.order.x as 7",
        "test_x if { not input.order.x with input.order.y as 1.5 }",
    ] {
        activated(test).unwrap();
    }
}

/// `opa test` runs each of them.
#[test]
fn of_two_tests_of_one_name_both_are_run() {
    let activated = |files: &[(&str, &str)]| {
        let mut all = vec![(
            "gate.rego".to_owned(),
            format!("package gate\ndecision := {ALLOW}"),
        )];
        let test = |test: &str| format!("package gate_test\nimport data.gate\n{test}\n");
        all.extend(
            files
                .iter()
                .map(|(name, rules)| ((*name).to_owned(), test(rules))),
        );
        activate(&Bundle::from_files(all).unwrap()).map(|_| ())
    };
    let (good, bad) = (
        "test_a if gate.decision.allow",
        "test_a if not gate.decision.allow",
    );
    activated(&[("a_test.rego", &format!("{good}\n{good}"))]).unwrap();
    for files in [
        [
            ("a_test.rego", format!("{good}\n{bad}")),
            ("b_test.rego", "test_b if true".to_owned()),
        ],
        [
            ("a_test.rego", good.to_owned()),
            ("b_test.rego", bad.to_owned()),
        ],
    ] {
        let files = files
            .each_ref()
            .map(|(name, rules)| (*name, rules.as_str()));
        let refused = activated(&files).unwrap_err();
        assert!(refused.is_test_failure(), "{refused}");
    }
}

/// In OPA a rule or an import of that name is what is called.
#[test]
fn a_function_named_print_is_no_builtin() {
    for rules in ["print(x) if x == \"never\"", "print(x) := x == \"never\""] {
        let rego = format!("{rules}\ndecision := {ALLOW} if {{ print(input.order.symbol) }}");
        check(&rego, "1", "policy_undefined");
    }
}

/// In OPA it is a set; on the register machine it would hold whatever its body says.
#[test]
fn a_member_of_rego_v0_without_a_value_is_refused() {
    let rego = "package gate\nallow.equity { input.order.asset == \"equity\" }\n\
                decision = {\"allow\": true, \"reasons\": []} { allow.equity }\n";
    let bundle = Bundle::from_files([
        ("gate.rego", rego),
        (".manifest", r#"{"revision":"x","rego_version":0}"#),
    ]);
    let refused = activate(&bundle.unwrap())
        .map(|_| ())
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("`gate.rego`, line 2: a member"),
        "{refused}"
    );
}

#[test]
fn a_bundle_that_fails_its_own_tests_is_refused() {
    let files = |test: &str| {
        let rego = format!("package gate\ndecision := {ALLOW}");
        let test = format!("package gate_test\nimport data.gate\n{test}");
        let files = [("gate.rego", rego), ("gate_test.rego", test)];
        match activate(&Bundle::from_files(files).unwrap()) {
            Ok(_) => "in force".to_owned(),
            Err(error) => {
                assert!(error.is_test_failure());
                error.to_string()
            }
        }
    };
    assert_eq!(files("test_ok if gate.decision.allow"), "in force");
    let failed = files("test_no if not gate.decision.allow");
    assert!(
        failed.contains("data.gate_test.test_no: is undefined, not true"),
        "{failed}"
    );
    let failed = files("test_no if gate.decision.allow == 5 + \"x\"");
    assert!(
        failed.contains("data.gate_test.test_no: failed"),
        "{failed}"
    );
}

/// In an emergency a client is suspended, or a market moves.
#[test]
fn what_a_broker_changes_in_the_data_does_not_fail_the_shipped_tests() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/bundles/pretrade/");
    let read = |name: &str| std::fs::read_to_string(format!("{dir}{name}")).unwrap();
    let data: Value = serde_json::from_str(&read("data.json")).unwrap();
    let with = |pointer: &str, member: &str, value: Value| {
        let mut data = data.clone();
        data.pointer_mut(pointer).unwrap()[member] = value;
        data
    };
    let without_limits = json!({"limits": {}});
    for data in [
        with("/suspended_clients", "c1", json!(true)),
        with("/restricted_symbols", "AAPL", json!(true)),
        with("/instruments/AAPL", "reference_price", json!("190.00")),
        with("/instruments/AAPL", "max_order_qty", json!("0.5")),
        with("", "instruments", json!({"SAP": {"reference_price": "1"}})),
        with("/limits", "default", json!({"max_order_qty": "0.5"})),
        without_limits,
    ] {
        let names = [
            ".manifest",
            "prepared.rego",
            "pretrade.rego",
            "pretrade_test.rego",
        ];
        let files = names.map(|name| (name, read(name)));
        let files = files.into_iter().chain([("data.json", data.to_string())]);
        let bundle = Bundle::from_files(files).unwrap();
        if let Err(error) = activate(&bundle) {
            panic!("{error}\nover {data}");
        }
    }
}

#[test]
fn an_input_of_several_members_is_put_to_both_engines() {
    let rego = format!(
        "package gate\nbad if {{ input.a == 1; input.b == 2 }}\n\
         bad := 7 if {{ input.a == 1; input.b == 2 }}\ndecision := {ALLOW} if not bad"
    );
    let with = |input: &str| {
        let test = format!(
            "package gate_test\nimport data.gate\n\
             test_runs if count([1 | gate.decision with input as {input}]) >= 0"
        );
        let files = [("g.rego", rego.as_str()), ("g_test.rego", &test)];
        activate(&Bundle::from_files(files).unwrap()).map(drop)
    };
    assert_eq!(with("{\"a\": 1, \"b\": 1}"), Ok(()));
    assert!(with("{\"a\": 1, \"b\": 2}").unwrap_err().is_test_failure());
}

#[test]
fn an_input_that_a_test_uses_is_put_to_both_engines() {
    // The conflict shows for one client only, which no probe has; the bundle's own test does.
    let rego = "package gate\n\
        default special := false\n\
        special := true if input.context.client_id == \"vip\"\n\
        special := 7 if input.context.client_id == \"vip\"\n\
        decision := {\"allow\": true, \"reasons\": []} if not special";
    let test = "package gate_test\nimport data.gate\n\
        test_runs if count([1 | gate.decision with input as {\"context\": {\"client_id\": \"x\"}}]) == 1";
    let with = |test: String| {
        activate(&Bundle::from_files([("g.rego", rego.to_owned()), ("g_test.rego", test)]).unwrap())
    };
    assert!(with(test.to_owned()).is_ok());
    let noting = test.replace("\"x\"}}]) == 1", "\"vip\"}}]) >= 0");
    assert!(with(noting).is_err());
}
