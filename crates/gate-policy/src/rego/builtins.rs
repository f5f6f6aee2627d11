//! The builtins a policy may call: bounded by their input, and the same on every run.

mod calendar;
mod casts;
mod documents;
mod format;
mod letters;
mod numbers;
mod patterns;
mod texts;
mod trees;
mod units;
mod versions;

use regorus::LimitError;
use regorus::unstable::BuiltinFcn;

use super::{CompileError, growth};

/// Every builtin that is allowed. One that does I/O, reads a clock, is random, or can make far
/// more than it is given (`numbers.range`, `bits.lsh`, `replace`, …) is not in the list: a
/// builtin counts as one instruction, so no limit would stop it. Those that can make some more
/// are held to a size (`growth.rs`).
///
/// INVARIANT: sorted.
pub const ALLOWED_BUILTINS: [&str; 77] = [
    "__builtin_sets.intersection",
    "__builtin_sets.union",
    "abs",
    "array.concat",
    "array.reverse",
    "array.slice",
    "bits.and",
    "bits.negate",
    "bits.or",
    "bits.xor",
    "ceil",
    "concat",
    "contains",
    "count",
    "endswith",
    "floor",
    "format_int",
    "glob.match",
    "indexof",
    "intersection",
    "is_array",
    "is_boolean",
    "is_null",
    "is_number",
    "is_object",
    "is_set",
    "is_string",
    "json.filter",
    "json.is_valid",
    "json.marshal",
    "json.remove",
    "json.unmarshal",
    "lower",
    "max",
    "min",
    "object.filter",
    "object.get",
    "object.keys",
    "object.remove",
    "object.union",
    "object.union_n",
    "product",
    "regex.is_valid",
    "regex.match",
    "round",
    "semver.compare",
    "semver.is_valid",
    "sort",
    "split",
    "sprintf",
    "startswith",
    "strings.any_prefix_match",
    "strings.any_suffix_match",
    "strings.count",
    "strings.reverse",
    "substring",
    "sum",
    "time.add_date",
    "time.clock",
    "time.date",
    "time.diff",
    "time.parse_duration_ns",
    "time.parse_ns",
    "time.parse_rfc3339_ns",
    "time.weekday",
    "to_number",
    "trim",
    "trim_left",
    "trim_prefix",
    "trim_right",
    "trim_space",
    "trim_suffix",
    "type_name",
    "union",
    "units.parse",
    "units.parse_bytes",
    "upper",
];

/// Whether a policy may call it.
pub(super) fn is_allowed(name: &str) -> bool {
    ALLOWED_BUILTINS.binary_search(&name).is_ok()
}

/// Those that stand here instead of regorus' own, because OPA answers otherwise.
pub(super) fn own() -> impl Iterator<Item = (&'static str, BuiltinFcn)> {
    calendar::BUILTINS
        .into_iter()
        .chain(casts::BUILTINS)
        .chain(documents::BUILTINS)
        .chain(format::BUILTINS)
        .chain(letters::BUILTINS)
        .chain(numbers::BUILTINS)
        .chain(patterns::BUILTINS)
        .chain(texts::BUILTINS)
        .chain(trees::BUILTINS)
        .chain(units::BUILTINS)
        .chain(versions::BUILTINS)
}

/// Ends the evaluation, and the order is blocked: what OPA would answer is not known here. (A builtin without a
/// value would only end a body, and with it perhaps a denial.)
fn beyond() -> LimitError {
    LimitError::MemoryLimitExceeded {
        usage: u64::MAX,
        limit: 0,
    }
}

/// Builtins that tests may call, too: they do nothing.
const ALLOWED_IN_TESTS: [&str; 1] = ["trace"];

/// Holds what an interpreter's builtins make, and takes every other builtin away from it: by a name that stands in a test, or by a
/// `with … as` that puts one in another's place.
pub(super) fn restrict(engine: &mut regorus::Engine) -> Result<(), CompileError> {
    for (name, (_, arguments)) in regorus::unstable::BUILTINS.iter() {
        if is_allowed(name) || ALLOWED_IN_TESTS.contains(name) {
            continue;
        }
        let refused = CompileError::Builtin((*name).to_owned());
        let refuse = move |_: Vec<regorus::Value>| Err(refused.clone().into());
        engine
            .add_extension((*name).to_owned(), *arguments, Box::new(refuse))
            .map_err(|error| CompileError::Compile(error.to_string()))?;
    }
    growth::hold_interpreter(engine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_holds_nothing_that_a_limit_could_not_stop() {
        assert!(ALLOWED_BUILTINS.is_sorted());
        for name in [
            "http.send",
            "numbers.range",
            "numbers.range_step",
            "opa.runtime",
            "rand.intn",
            "time.now_ns",
            "trace",
            "uuid.rfc4122",
        ] {
            assert!(!is_allowed(name), "{name}");
        }
    }
}
