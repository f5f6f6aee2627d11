//! What OPA's type checker refuses: the engines evaluate it to nothing or to false, so that a denial
//! with it never denies, and no comparison of the two finds it.

use crate::check::{ALLOW, check};

const RULES: &str = "symbols := {\"ES\", \"NQ\"}\nlist := [\"ES\", \"NQ\"]\nseen contains input.order.symbol\n\
                     named contains \"ES\"\nlots := {1, 5}\ncaps := {\"tech\": {\"max_qty\": 5}}\nlimit := 5\n\
                     default mode := \"open\"\nmode := \"closed\" if input.context.late";

fn rules(condition: &str) -> String {
    format!("{RULES}\ndecision := {ALLOW} if not denied\ndenied if {{\n\t{condition}\n}}")
}

#[track_caller]
fn refused(condition: &str, expected: &str) {
    check(
        &rules(condition),
        "1",
        &format!("refused to compile: `gate.rego`, line 14: {expected}"),
    );
}

/// None of them denies.
#[track_caller]
fn allowed(condition: &str) {
    check(
        &rules(&format!("{condition}\n\tinput.order.qty > 99")),
        "1",
        "allow",
    );
}

#[test]
fn a_value_of_another_kind_than_a_builtin_takes_is_refused() {
    refused(
        "contains(symbols, input.order.symbol)",
        "`contains` takes a text here, and is given a set",
    );
    refused(
        "contains(list, input.order.symbol)",
        "`contains` takes a text here, and is given an array",
    );
    refused(
        "not startswith(input.order.symbol, symbols)",
        "`startswith` takes a text here, and is given a set",
    );
    refused(
        "data.gate.symbols; endswith(data.gate.symbols, \"S\")",
        "`endswith` takes a text here, and is given a set",
    );
    refused(
        "upper(limit) == input.order.symbol",
        "`upper` takes a text here, and is given a number",
    );
    refused(
        "x := sprintf(\"%s is banned\", upper(input.order.symbol))",
        "`sprintf` takes an array here, and is given a text",
    );
    refused(
        "sprintf(\"%s\", mode) == \"x\"",
        "`sprintf` takes an array here, and is given a text",
    );
    refused(
        "sum(caps) > 1",
        "`sum` takes an array or a set here, and is given an object",
    );
    refused(
        "[1 | count(limit) > 1] == [1]",
        "`count` takes an array or an object or a set or a text here, and is given a number",
    );
    allowed("not contains(mode, \"clos\")\n\tcount(symbols) == 2\n\tsum(lots) == 6");
    // A local name hides the rule.
    allowed("symbols := input.order.symbol\n\tcontains(symbols, \"A\")");
    allowed("[symbols, one] := [input.order.symbol, 1]\n\tone == 1\n\tcontains(symbols, \"A\")");
}

#[test]
fn what_is_never_equal_is_refused() {
    refused(
        "count(input.order.symbol) == \"2\"",
        "a number is compared with a text, which is never equal",
    );
    refused(
        "symbols[input.order.symbol] == true",
        "a text is compared with true or false, which is never equal",
    );
    refused(
        "named[input.order.symbol] == true",
        "a text is compared with true or false, which is never equal",
    );
    refused(
        "limit = \"5\"",
        "a number is compared with a text, which is never equal",
    );
    refused(
        "mode == 1",
        "a text is compared with a number, which is never equal",
    );
    allowed(
        "mode == \"open\"\n\tlimit == 5\n\tlimit != \"5\"\n\tseen[input.order.symbol] == \"AAPL\"",
    );
}

/// In OPA it is an error where it is a condition, and false within a term.
#[test]
fn an_equality_within_a_term_is_false() {
    allowed("[limit == \"5\", 1] == [false, 1]");
    refused(
        "not limit == \"5\"",
        "a number is compared with a text, which is never equal",
    );
}

#[test]
fn an_index_that_a_rule_cannot_have_is_refused() {
    refused("symbols[0]", "the index is a number, and not a text");
    refused("lots[\"1\"]", "the index is a text, and not a number");
    refused("list[\"ES\"]", "the index is a text, and not a number");
    allowed("lots[1]\n\tlist[0] == \"ES\"\n\tsymbols[\"ES\"]");
}

#[test]
fn a_member_that_a_constant_does_not_have_is_refused() {
    refused(
        "input.order.qty > caps.tech.max_qtty",
        "`caps.tech.max_qtty`: there is no member `max_qtty`",
    );
    refused(
        "input.order.qty > caps.teck.max_qty",
        "`caps.teck.max_qty`: there is no member `teck`",
    );
    refused(
        "not data.gate.caps[\"teck\"]",
        "`data.gate.caps[\"teck\"]`: there is no member `teck`",
    );
    refused(
        "input.order.qty > caps.tech.max_qty.value",
        "`caps.tech.max_qty.value`: `value` is asked for of what has no members",
    );
    refused(
        "symbols.ES == true",
        "a text is compared with true or false, which is never equal",
    );
    allowed("caps.tech.max_qty == 5\n\tcaps[\"tech\"].max_qty == 5");
    allowed("some sector in [\"tech\", \"none\"]\n\tcaps[sector].max_qty == 5");
}
