//! Expected values are OPA 1.20.2's.

use serde_json::json;

use super::*;

fn made(format: &str, values: serde_json::Value) -> Option<String> {
    let args = [Value::from(format), Value::from(values)];
    match sprintf(&args) {
        Ok(Value::String(text)) => Some(text.as_ref().to_owned()),
        Ok(other) => panic!("{other}"),
        Err(_) => None,
    }
}

#[track_caller]
fn check(format: &str, values: serde_json::Value, expected: &str) {
    assert_eq!(made(format, values).as_deref(), Some(expected), "{format}");
}

#[test]
fn a_text_is_made_as_opa_makes_it() {
    check("%d of %s", json!([5, "AAPL"]), "5 of AAPL");
    check("%v", json!([1.5]), "1.5");
    check(
        "price %8.2f above",
        json!([101.456]),
        "price   101.46 above",
    );
    check(
        "%5d|%-5d|%05d|%+d",
        json!([-1, 2, -3, 4]),
        "   -1|2    |-0003|+4",
    );
    check(
        "%x %X %#x %o %#o %O %b",
        json!([255, 255, 255, 8, 8, 8, 5]),
        "ff FF 0xff 10 010 0o10 101",
    );
    check("%d", json!(["AAPL"]), "%!d(string=AAPL)");
    check("%d", json!([1.5]), "%!d(float64=1.5)");
    check("%s", json!([5]), "%!s(int64=5)");
    check("%f", json!([5]), "%!f(int64=5)");
    check("%t", json!([true]), "%!t(string=true)");
    check("%d %d", json!([1]), "1 %!d(MISSING)");
    check("over", json!([1, "a"]), "over%!(EXTRA int64=1, string=a)");
    check("100%", json!([]), "100%!(NOVERB)");
    check("%", json!([1]), "%!(NOVERB)%!(EXTRA int64=1)");
    check("%z", json!([1]), "%!z(int64=1)");
    check("%%|%5%", json!([]), "%|%");
    check(
        "%v %v %v",
        json!([null, true, [1, "a\"b", {"k": []}]]),
        r#"null true [1, "a\"b", {"k": []}]"#,
    );
    check("%q", json!(["a\"\n\té"]), r#""a\"\n\té""#);
    check("%#v", json!(["a"]), r#""a""#);
    check(
        "%.2s|%5s|%-5s|",
        json!(["日本語", "é", "é"]),
        "日本|    é|é    |",
    );
    check("%x", json!(["é!"]), "c3a921");
    check("%c%c", json!([65, 26085]), "A日");
    check("%T %T %T", json!([1, 1.5, "a"]), "int64 float64 string");
    check(
        "%e %E %g %G",
        json!([1234.5678, 0.00012345, 0.0001234, 1234567.5]),
        "1.234568e+03 1.234500E-04 0.0001234 1.2345675E+06",
    );
    check(
        "%.3g %.10g %g",
        json!([1234.5678, 1234.5678, 100000.5]),
        "1.23e+03 1234.5678 100000.5",
    );
    check(
        "%6.1f|%-8.3f|%08.2f|%+.1f|% .1f",
        json!([1.25, 1.25, -1.25, 1.25, 1.25]),
        "   1.2|1.250   |-0001.25|+1.2| 1.2",
    );
    check(
        "%v",
        json!([18_446_744_073_709_551_615_u64]),
        "18446744073709551615",
    );
    check(
        "%s is not in %v",
        json!(["x", ["a", "b"]]),
        r#"x is not in ["a", "b"]"#,
    );
    check("%.0f %.0f %.0f", json!([0.5, 1.5, 2.5]), "0 2 2");
    check("%d%%", json!([95]), "95%");
    check("%v", json!([1234567.5]), "1.2345675e+06");
    check("%.0d|%5.0d|%.3d", json!([0, 0, 7]), "|     |007");
    check("%U", json!(["a"]), "%!U(string=a)");
}

#[test]
fn what_is_not_known_for_sure_ends_the_evaluation() {
    for (format, value) in [
        ("%[1]d", json!(1)),
        ("%*d", json!(1)),
        ("%U", json!(65)),
        ("%q", json!(65)),
        ("%b", json!(1.5)),
        ("%x", json!(1.5)),
        ("%#g", json!(1.5)),
        ("%#x", json!("a")),
        ("%#q", json!("a")),
        ("%+q", json!("é")),
        ("%q", json!("🎉")),
        // OPA takes a number written with an exponent for a string.
        ("%v", json!(1e-7)),
        ("%v", json!([1e-7])),
        ("%v", json!(1e300)),
    ] {
        assert_eq!(made(format, json!([value])), None, "{format}");
    }
}

#[test]
fn a_text_is_held_to_a_size() {
    assert_eq!(
        made("%1000000d", json!([1])).map(|text| text.len()),
        Some(1_000_000)
    );
    for format in [
        "%1000001d",
        "%99999999999999999999d",
        "%999999d%999999d",
        "%.999999f%999999s",
    ] {
        assert_eq!(made(format, json!([1, 2])), None, "{format}");
    }
}

#[test]
fn what_is_no_format_and_no_list_has_no_value() {
    for args in [json!([1, []]), json!(["%d", 1]), json!(["%d", {}])] {
        let args: Vec<Value> = args
            .as_array()
            .unwrap()
            .iter()
            .cloned()
            .map(Value::from)
            .collect();
        assert_eq!(sprintf(&args).unwrap(), Value::Undefined);
    }
}
