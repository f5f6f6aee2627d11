//! A hostile bundle is refused in bounded time, whichever part of it is hostile: what runs before a
//! bundle is in force has limits of its own.

use gate_policy::{Bundle, activate};

use crate::support::{Order, show};

const POLICY: &str = "package gate\ndecision := {\"allow\": false, \"reasons\": []}\n";

/// A bundle with the policy above and these files; why it is refused.
#[track_caller]
fn refusal(files: &[(&str, &str)]) -> String {
    let files = files.iter().copied().chain([("policy.rego", POLICY)]);
    let bundle = Bundle::from_files(files).unwrap();
    activate(&bundle).map(drop).unwrap_err().to_string()
}

/// `data.n`: an array of numbers.
fn numbers() -> String {
    let numbers: Vec<String> = (0..1_000).map(|n| n.to_string()).collect();
    format!(r#"{{"n":[{}]}}"#, numbers.join(","))
}

/// Ten thousand million iterations.
const PRODUCT: &str = "count({1 | some a in data.n; some b in data.n; some c in data.n; a+b+c<0})";

#[test]
fn what_is_prepared_may_not_take_longer_than_its_time() {
    let slow = format!("package gate_prepared\nslow := {PRODUCT}\n");
    let refusal = refusal(&[("data.json", &numbers()), ("prepared.rego", &slow)]);
    assert!(
        refusal.contains("`gate_prepared`") && refusal.contains("time"),
        "{refusal}"
    );
}

#[test]
fn a_test_may_not_take_longer_than_its_time() {
    let slow = format!("package gate_test\ntest_slow if {PRODUCT} == 0\n");
    let refusal = refusal(&[("data.json", &numbers()), ("slow_test.rego", &slow)]);
    assert!(
        refusal.contains("test_slow") && refusal.contains("time"),
        "{refusal}"
    );
}

/// regorus would write out all its digits.
#[test]
fn a_number_in_the_data_is_not_longer_than_it_looks() {
    for member in [
        "$serde_json::private::Number",
        "\\u0024serde_json::private::\\u004eumber",
    ] {
        let data = format!(r#"{{"x":[{{"{member}":"1e99999"}}]}}"#);
        assert_eq!(
            refusal(&[("data.json", &data)]),
            "data: the member `$serde_json::private::Number`"
        );
    }
}

#[test]
fn what_makes_more_than_it_is_given_is_called_by_no_part_of_a_bundle() {
    // Were it called, a number of a thousand million digits: it would not end, or run out of
    // memory.
    let prepared = "package gate_prepared\nx := bits.lsh(1, 10000000000)\n";
    assert_eq!(
        refusal(&[("prepared.rego", prepared)]),
        "`prepared.rego`, line 2: the builtin `bits.lsh` is not allowed"
    );
    for body in [
        "bits.lsh(1, 10000000000) > 0",
        "count([x | some a in [1, 2]; x := bits.lsh(a, 10000000000)]) > 0",
    ] {
        let test = format!("package gate_test\ntest_x if {body}\n");
        let refusal = refusal(&[("x_test.rego", &test)]);
        assert!(
            refusal.contains("data.gate_test.test_x"),
            "{body}: {refusal}"
        );
    }
    let test = "package gate_test\ntest_x if bits.lsh(1, 1) == 2\n";
    let refusal = refusal(&[("x_test.rego", test)]);
    assert!(
        refusal.contains("the builtin `bits.lsh` is not allowed"),
        "{refusal}"
    );
}

/// Recursion in parser, compiler or interpreter, as deep as the limits allow: accepted or refused,
/// and the process survives.
#[test]
fn depth_is_bounded_before_any_stack_is_spent() {
    let rule = |value: &str| {
        format!("package gate\ndecision := {{\"allow\": false, \"reasons\": []}}\nx := {value}\n")
    };
    let activated = |rego: &str, test: &str| {
        let bundle = Bundle::from_files([("policy.rego", rego), ("x_test.rego", test)]).unwrap();
        activate(&bundle)
            .map(drop)
            .map_err(|error| error.to_string())
    };
    let no_test = "package gate_test\n";
    for link in ["-\n", "1 +\n", "1 ==\n", "[1] in\n", "{1} |\n"] {
        let refusal = activated(&rule(&format!("{}1", link.repeat(9_000))), no_test).unwrap_err();
        assert!(refusal.contains("chain"), "{link}: {refusal}");
    }
    // The most that the limits allow.
    let deepest = format!(
        "{}1{}",
        format!("{}(", "-".repeat(120)).repeat(15),
        ")".repeat(15)
    );
    drop(activated(&rule(&deepest), no_test));

    // Each link is two calls on the register machine: for the set of values and for the only one.
    let several = |link: &dyn Fn(usize) -> String| {
        let rules: Vec<String> = (0..120).map(link).collect();
        format!(
            "package gate\n{}decision := {{\"allow\": true, \"reasons\": []}} if last == 1\n",
            rules.concat()
        )
    };
    for rego in [
        several(&|n| match n {
            0 => "last := r1\n".to_owned(),
            119 => "r119 := 1\n".to_owned(),
            _ => format!("r{n} := 2 if input.order.qty == 2\nr{n} := r{}\n", n + 1),
        }),
        several(&|n| match n {
            0 => "last := f1(input.order.qty)\n".to_owned(),
            119 => "f119(x) := x\n".to_owned(),
            _ => format!("f{n}(2) := 2\nf{n}(x) := f{}(x) if x != 2\n", n + 1),
        }),
    ] {
        let policy = activate(&Bundle::from_files([("policy.rego", rego)]).unwrap()).unwrap();
        let order = Order::new("c1", "AAPL", "1", "1");
        assert_eq!(show(&order.judge(&*policy).unwrap()), "allow");
    }

    let chain = |links: usize| {
        let links: Vec<String> = (0..links)
            .map(|n| format!("r{n} := r{} + 1\n", n + 1))
            .collect();
        format!(
            "package gate_test\n{}r{} := 1\ntest_x if r0 > 0\n",
            links.concat(),
            links.len()
        )
    };
    assert_eq!(activated(&rule("1"), &chain(100)), Ok(()));
    // The interpreter recurses for each, within the stack that a bundle is loaded on.
    assert_eq!(activated(&rule("1"), &chain(2_000)), Ok(()));
    for endless in [
        "f(x) := g(x)\ng(x) := f(x)\ntest_x if f(1) == 0\n",
        "f(x) := data.gate_test.f(x)\ntest_x if f(1) == 0\n",
        "import data.gate_test as t\nf(x) := t.f(x)\ntest_x if f(1) == 0\n",
    ] {
        let test = format!("package gate_test\n{endless}");
        let refusal = activated(&rule("1"), &test).unwrap_err();
        assert!(refusal.contains("needs itself"), "{endless}: {refusal}");
    }
    // A helper may have the name of the rule it uses.
    let helper = "package gate_test\nimport data.gate\n\
                  x(document) := found if { found := gate.x with input as document }\ntest_x if x({}) == 1\n";
    assert_eq!(activated(&rule("1"), helper), Ok(()));
}

#[test]
fn large_data_costs_its_size_and_not_its_square() {
    let members = |name: &str| {
        let members: Vec<String> = (0..200_000).map(|n| format!("\"{name}{n}\":1")).collect();
        format!("{{{}}}", members.join(","))
    };
    let (outer, inner) = (format!("{{\"a\":{}}}", members("x")), members("y"));
    let files = [
        ("data.json", outer.as_str()),
        ("a/data.json", inner.as_str()),
        ("policy.rego", POLICY),
    ];
    let bundle = Bundle::from_files(files).unwrap();
    assert!(bundle.data().contains("\"y199999\":1,\"x0\":1"));
}
