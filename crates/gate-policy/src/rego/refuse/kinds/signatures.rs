//! The kinds that builtins take and return (OPA's policy reference, "Built-in Functions"), of those
//! that take few.

use super::Kind;
use super::Kind::{Array, Number, Object, Set, Text, Truth};

/// What each argument may be (nothing: anything), and what comes back if it is always the same.
type Signature = (&'static [&'static [Kind]], Option<Kind>);

const TEXT: &[Kind] = &[Text];
const NUMBER: &[Kind] = &[Number];
const ANY: &[Kind] = &[];
const LIST: &[Kind] = &[Array, Set];

pub(super) fn signature(builtin: &str) -> Option<Signature> {
    Some(match builtin {
        "contains" | "endswith" | "startswith" | "regex.match" => (&[TEXT, TEXT], Some(Truth)),
        "lower" | "strings.reverse" | "trim_space" | "upper" => (&[TEXT], Some(Text)),
        "trim" | "trim_left" | "trim_prefix" | "trim_right" | "trim_suffix" => {
            (&[TEXT, TEXT], Some(Text))
        }
        "split" | "regex.split" => (&[TEXT, TEXT], Some(Array)),
        "replace" | "regex.replace" => (&[TEXT, TEXT, TEXT], Some(Text)),
        "indexof" | "strings.count" => (&[TEXT, TEXT], Some(Number)),
        "substring" => (&[TEXT, NUMBER, NUMBER], Some(Text)),
        "concat" => (&[TEXT, LIST], Some(Text)),
        "sprintf" => (&[TEXT, &[Array]], Some(Text)),
        "format_int" => (&[NUMBER, NUMBER], Some(Text)),
        "count" => (&[&[Array, Object, Set, Text]], Some(Number)),
        "sum" | "product" => (&[LIST], Some(Number)),
        "max" | "min" => (&[LIST], None),
        "sort" => (&[LIST], Some(Array)),
        "abs" | "ceil" | "floor" | "round" => (&[NUMBER], Some(Number)),
        "to_number" => (&[ANY], Some(Number)),
        "array.concat" => (&[&[Array], &[Array]], Some(Array)),
        "array.slice" => (&[&[Array], NUMBER, NUMBER], Some(Array)),
        "array.reverse" => (&[&[Array]], Some(Array)),
        "union" | "intersection" => (&[&[Set]], Some(Set)),
        "object.get" => (&[&[Object], ANY, ANY], None),
        "object.keys" => (&[&[Object]], Some(Set)),
        "object.union" => (&[&[Object], &[Object]], Some(Object)),
        "numbers.range" => (&[NUMBER, NUMBER], Some(Array)),
        "time.clock" | "time.date" => (&[&[Number, Array]], Some(Array)),
        "time.weekday" => (&[&[Number, Array]], Some(Text)),
        "time.parse_rfc3339_ns" | "time.parse_duration_ns" => (&[TEXT], Some(Number)),
        "type_name" => (&[ANY], Some(Text)),
        _ => return None,
    })
}
