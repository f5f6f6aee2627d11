//! The builtins a policy may call: deterministic, and bounded by their input. The modules below
//! hold those that differ from regorus' own.

mod calendar;
mod casts;
mod format;
mod json;
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
pub(super) use patterns::forget_steps;
pub use patterns::{MAX_PATTERN_BYTES, MAX_PATTERN_STEPS};

/// Every builtin that is allowed. Left out is what does I/O, reads a clock, is random, or can
/// produce far more than its input (`bits.lsh`, …): a builtin counts as one instruction, so no
/// limit would stop it. Those that can produce somewhat more are limited in size (`growth.rs`).
///
/// INVARIANT: sorted.
pub const ALLOWED_BUILTINS: [&str; 85] = [
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
    "numbers.range",
    "numbers.range_step",
    "object.filter",
    "object.get",
    "object.keys",
    "object.remove",
    "object.subset",
    "object.union",
    "object.union_n",
    "product",
    "regex.find_n",
    "regex.is_valid",
    "regex.match",
    "regex.replace",
    "regex.split",
    "replace",
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
    "strings.replace_n",
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

/// Gate's own builtins, which replace regorus' where OPA answers differently.
pub(super) fn own() -> impl Iterator<Item = (&'static str, BuiltinFcn)> {
    calendar::BUILTINS
        .into_iter()
        .chain(casts::BUILTINS)
        .chain(json::BUILTINS)
        .chain(format::BUILTINS)
        .chain(letters::BUILTINS)
        .chain(numbers::BUILTINS)
        .chain(patterns::BUILTINS)
        .chain(texts::BUILTINS)
        .chain(trees::BUILTINS)
        .chain(units::BUILTINS)
        .chain(versions::BUILTINS)
}

/// The error that ends the evaluation and blocks the order: OPA's answer is not known here.
/// (Undefined would only end a body, and with it perhaps a denial.)
fn beyond() -> LimitError {
    LimitError::MemoryLimitExceeded {
        usage: u64::MAX,
        limit: 0,
    }
}

/// Builtins that tests may call as well: they do nothing.
const ALLOWED_IN_TESTS: [&str; 1] = ["trace"];

/// Limits what an interpreter's builtins produce, and removes every builtin that is not allowed, so
/// that neither a test nor a `with … as` can call one.
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
    growth::bound_interpreter(engine)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regorus::Value;
    use regorus::unstable::{Expr, Ref};

    use super::*;

    /// Strings made of pieces of formats, patterns, globs, layouts, amounts, versions and paths.
    fn texts() -> impl Strategy<Value = String> {
        let pieces = prop::sample::select(
            "% d s v x q + - # 0 1 12 . * [ ] ( ) { } {2} {,2} \\ \\d \\Q \\E \\x ? | ^ $ , / ~1 : a K ß 日 🎉 _ \" e E Ki m T Z \
             2006 01 02 15:04:05 .000 Z07:00 MST Jan 2024-02-29 10:11:12 UTC Europe/Berlin h ns y v1 1.2.3 -a NaN [1] {\"a\":1} \u{0}"
                .split(' ')
                .collect::<Vec<_>>(),
        );
        prop::collection::vec(pieces, 0..8).prop_map(|pieces| pieces.concat())
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-20_i64..20).prop_map(Value::from),
            any::<f64>()
                .prop_filter("JSON has no other", |number| number.is_finite())
                .prop_map(Value::from),
            texts().prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            let items = prop::collection::vec(inner.clone(), 0..4);
            prop_oneof![
                items.clone().prop_map(Value::from),
                items.prop_map(|items| Value::from(
                    items.into_iter().collect::<std::collections::BTreeSet<_>>()
                )),
                prop::collection::btree_map(texts().prop_map(Value::from), inner, 0..4)
                    .prop_map(Value::from),
            ]
        })
    }

    /// Strings and lists, which most builtins take first and last, and everything else.
    fn arguments() -> impl Strategy<Value = Value> {
        let list = prop::collection::vec(values(), 0..4).prop_map(Value::from);
        prop_oneof![4 => texts().prop_map(Value::from), 2 => list, 2 => values()]
    }

    /// Any other error would be undefined, and a denial that uses it would not deny.
    #[test]
    fn whatever_the_arguments_there_is_an_answer_or_the_evaluation_ends() {
        let span = growth::nowhere()
            .map_err(|error| error.to_string())
            .unwrap();
        let arguments = prop::collection::vec(arguments(), 4);
        let config = ProptestConfig {
            cases: 20_000,
            failure_persistence: None,
            rng_seed: proptest::test_runner::RngSeed::Fixed(1),
            ..ProptestConfig::default()
        };
        proptest!(config, |(args in arguments)| {
            for (name, (builtin, arity)) in own() {
                let mut args = args.clone();
                args.truncate(arity.into());
                let place = |_: &Value| Ref::new(Expr::Null { span: span.clone(), value: Value::Null, eidx: 0 });
                let places: Vec<_> = args.iter().map(place).collect();
                if let Err(error) = builtin(&span, &places, &args, false) {
                    prop_assert!(error.is::<LimitError>(), "{name} of {args:?}: {error}");
                }
            }
        });
    }

    #[test]
    fn the_list_is_sorted_and_holds_nothing_that_a_limit_could_not_stop() {
        assert!(ALLOWED_BUILTINS.is_sorted());
        for name in [
            "http.send",
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
