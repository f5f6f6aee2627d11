//! A shorter body gives the same answer, in fewer instructions.

use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::vm::RegoVM;

use super::*;

fn compile(rules: &str) -> Program {
    let mut engine = regorus::Engine::new();
    let source = format!("package gate\n{rules}");
    engine.add_policy("x.rego".into(), source).unwrap();
    let entrypoint = "data.gate.p".into();
    let policy = engine.compile_with_entrypoint(&entrypoint).unwrap();
    let program = Compiler::compile_from_policy(&policy, &["data.gate.p"]).unwrap();
    program.as_ref().clone()
}

fn data() -> Value {
    Value::from_json_str(r#"{"limits":{"c1":{"most":5,"list":[1,2],"off":false}}}"#).unwrap()
}

/// The answer, when `most` instructions are enough for it.
fn run(program: &Program, input: &Value, most: usize) -> String {
    let mut vm = RegoVM::new();
    vm.load_program(program.clone().into());
    vm.set_max_instructions(most);
    vm.set_data(data()).unwrap();
    vm.set_input(input.clone());
    match vm.execute() {
        Ok(answer) => format!("{answer:?}"),
        Err(_) => "error".to_owned(),
    }
}

fn fewest(program: &Program, input: &Value) -> usize {
    let answer = run(program, input, 10_000);
    (1..10_000)
        .find(|most| run(program, input, *most) == answer)
        .unwrap()
}

/// The law: the same answer to every input.
#[test]
fn a_shorter_body_gives_the_same_answer() {
    let inputs = [
        "{}",
        r#"{"c":"c1","n":3}"#,
        r#"{"c":"c1","n":5,"s":{"t":"x"}}"#,
        r#"{"c":"c1","n":7,"s":{"t":[1]}}"#,
        r#"{"c":"c2","n":"5","s":2}"#,
        r#"{"c":null,"n":-1,"s":{"t":{"u":[]}}}"#,
    ]
    .map(|input| Value::from_json_str(input).unwrap());
    for rules in [
        "p := input.s.t.u",
        "p := [input.n, input.s]",
        "p if { some l; l = data.limits[input.c]; input.n <= l.most; input.n > 0 }",
        "p := {\"a\": input.n, \"b\": input.n, input.c: input.s.t} if input.n != 7",
        "p := input.n * input.n - input.n / (input.n - 3) % 2",
        "p if not input.s.t == \"x\"",
        "p if { not data.limits[input.c].most < input.n; not input.s.t.u != [] }",
        "p := \"a\" if input.n == 3 else := \"b\" if input.n == input.n else := \"c\"",
        "p := count(q) + count(q)\nq contains input.n if input.n >= 3\nq contains input.c",
        "p := input.n if input.n in data.limits[input.c].list\np := input.n if input.n == 7",
        "p := x if { some x; x = object.get(data.limits, input.c, {\"most\": input.n}) }",
        "p := [x | some x in data.limits.c1.list; x != input.n]",
        "p := q + q\ndefault q := 1\nq := input.n + f(input.n)\nf(x) := x + x if x > 3",
        "p if { data.limits.c1.most > input.n; data.limits.c1.list[0] == 1 }",
        "p if { not data.limits[[input.c][0]]; input.n > 0 }",
        "p if { not data.limits[[input.c][0]].most < input.n; input.n > 0 }",
        "p if { x := [input.s]; not x[0].t; x[0] != 2; x != [2] }",
        "p := [[input.n][0], [input.n], [input.s][1]]",
        "p if { not data.limits.c9; not data.limits.c1.off; input.n == input.n }",
        "p if { data.limits.c1.off; input.n == input.n }",
        "p if { not data.limits.c1.most; input.n == input.n }",
        "p := data.limits.c1.list if { data.limits.c1.most; not data.limits.c1.list.x }",
        "p := data.limits.c9.most",
        "p := [data.limits.c1.off, data.limits.c1.most, input.n]",
        "p if { q; not r }\nq if input.n == input.n\nr if { input.n > 5; input.s.t == [1] }",
    ] {
        let program = compile(rules);
        let mut shorter = program.clone();
        shorten(&mut shorter, &data());
        for input in &inputs {
            let expected = run(&program, input, 10_000);
            assert_eq!(run(&shorter, input, 10_000), expected, "{rules} {input}");
        }
    }
}

#[test]
fn what_is_read_again_or_never_is_left_out() {
    let executed = |rules: &str| {
        let input = Value::from_json_str(r#"{"s":{"n":3},"n":3}"#).unwrap();
        let program = compile(rules);
        let mut shorter = program.clone();
        shorten(&mut shorter, &data());
        assert_eq!(run(&shorter, &input, 100), "Bool(true)");
        (fewest(&program, &input), fewest(&shorter, &input))
    };
    // Call, return, begin, input, s, n, a literal, comparison, test, true, answer, end.
    assert_eq!(executed("p if input.s.n > 2"), (11, 12));
    assert_eq!(
        executed("p if { some x; x = input.s; x.n > 2; x.n < 4; input.s.n == input.n }"),
        (23, 19)
    );
    // The data says that both hold: call, return, begin, true, answer, end.
    let both = "p if { not data.limits.c9; data.limits.c1.list[1] }";
    assert_eq!(executed(both).1, 6);
    let (before, after) = executed("p if { q; q; q }\nq if input.n == input.n");
    assert!(after < before);
}
