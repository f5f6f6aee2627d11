//! What the real OPA 1.20.2 answers, and where the evaluation ends.

use regorus::Value;

use super::{Answer, Without};

/// What stands for an end of the evaluation.
const ENDS: &str = "ends";

#[track_caller]
fn agree(builtin: fn(&[Value]) -> Answer, cases: &[(&str, &str)]) {
    for (args, expected) in cases {
        let args_read = Value::from_json_str(args).unwrap();
        let answer = match builtin(args_read.as_array().unwrap().as_slice()) {
            Ok(value) => value.to_json_str().unwrap(),
            Err(Without::Undefined) => "undefined".to_owned(),
            Err(Without::Unknown) => ENDS.to_owned(),
        };
        let squeezed: String = answer.split_whitespace().collect();
        assert_eq!(squeezed, *expected, "{args}");
    }
}

#[test]
fn date_is_opas() {
    let cases = [
        ("[0]", "[1970,1,1]"),
        ("[-1]", "[1969,12,31]"),
        ("[1700000000123456789]", "[2023,11,14]"),
        ("[951782400000000000]", "[2000,2,29]"),
        (r#"[[1711846799999999999,"Europe/Berlin"]]"#, "[2024,3,31]"),
        (
            r#"[[1711839600000000000,"Pacific/Apia","x",4]]"#,
            "[2024,3,31]",
        ),
        ("[9223372036854775807]", "[2262,4,11]"),
        ("[-9223372036854775808]", "[1677,9,21]"),
        ("[9223372036854775808]", "undefined"),
        ("[1.5]", "undefined"),
        (r#"["1"]"#, "undefined"),
        ("[[]]", "undefined"),
        ("[[1,null]]", "undefined"),
        (r#"[[1,"UTC",3]]"#, "undefined"),
        (r#"[[1,"utc"]]"#, ENDS),
        (r#"[[1,"../UTC"]]"#, ENDS),
        (r#"[[0,""]]"#, "[1970,1,1]"),
    ];
    agree(super::date, &cases);
}

#[test]
fn clock_is_opas() {
    let cases = [
        (r#"[[1711846799999999999,"Europe/Berlin"]]"#, "[1,59,59]"),
        (r#"[[1711846800000000000,"Europe/Berlin"]]"#, "[3,0,0]"),
        (
            r#"[[1700000000000000000,"Australia/Lord_Howe"]]"#,
            "[9,13,20]",
        ),
        (r#"[[1710054000000000000,"America/New_York"]]"#, "[3,0,0]"),
        ("[-1]", "[23,59,59]"),
        (
            r#"[[4102444799000000000,"America/New_York"]]"#,
            "[18,59,59]",
        ),
    ];
    agree(super::clock, &cases);
}

#[test]
fn weekday_is_opas() {
    let cases = [
        ("[0]", r#""Thursday""#),
        ("[-1]", r#""Wednesday""#),
        (r#"[[1700000000000000000,"Asia/Tokyo"]]"#, r#""Wednesday""#),
        ("[9223372036854775807]", r#""Friday""#),
    ];
    agree(super::weekday, &cases);
}

#[test]
fn add_date_is_opas() {
    let cases = [
        ("[1706659200000000000,0,1,0]", "1709337600000000000"),
        ("[1709164800000000000,1,0,0]", "1740787200000000000"),
        (
            r#"[[1711760400000000000,"Europe/Berlin"],0,0,1]"#,
            "1711846800000000000",
        ),
        (
            r#"[[1711762200000000000,"Europe/Berlin"],0,0,1]"#,
            "1711848600000000000",
        ),
        (
            r#"[[1729905600000000000,"America/New_York"],0,0,8]"#,
            "1730596800000000000",
        ),
        (
            r#"[[1729989000000000000,"Europe/Berlin"],0,0,0]"#,
            "1729992600000000000",
        ),
        ("[0,0,-13,0]", "-34214400000000000"),
        ("[0,0,0,-1]", "-86400000000000"),
        ("[0,300,0,0]", "undefined"),
        ("[0,1000000,0,-365242500]", "0"),
        ("[0,1.5,0,0]", "undefined"),
        ("[9223372036854775807,0,0,0]", "9223372036854775807"),
        ("[-9223372036854775808,0,0,0]", "-9223372036854775808"),
        ("[1,2,3,4]", "71280000000000001"),
    ];
    agree(super::add_date, &cases);
}

#[test]
fn diff_is_opas() {
    let cases = [
        ("[0,1700000000000000000]", "[53,10,13,22,13,20]"),
        ("[1700000000000000000,0]", "[53,10,13,22,13,20]"),
        (
            "[1709164800000000000,1706659200000000000]",
            "[0,0,29,0,0,0]",
        ),
        (
            r#"[[1711839600000000000,"Europe/Berlin"],[1711929600000000000,"America/New_York"]]"#,
            "[0,0,1,2,0,0]",
        ),
        (
            "[1677628799000000000,1675209600000000000]",
            "[0,0,27,23,59,59]",
        ),
        (r#"[0,[0,"x"]]"#, ENDS),
    ];
    agree(super::diff, &cases);
}

#[test]
fn parse_duration_is_opas() {
    let cases = [
        (r#"["1h30m"]"#, "5400000000000"),
        (r#"["-1.5h"]"#, "-5400000000000"),
        (r#"["1d"]"#, "86400000000000"),
        (r#"["1.5w"]"#, "907200000000000"),
        (r#"["1y2d3h"]"#, "31719600000000000"),
        (r#"["-106751.9d"]"#, "-9223364159999998560"),
        (r#"["0.123456789123d"]"#, "10666666580227"),
        (r#"["1µs1d"]"#, "86400000001000"),
        (r#"["1μs"]"#, "1000"),
        (r#"["1μs1d"]"#, "undefined"),
        (r#"["3.7ns"]"#, "3"),
        (r#"["-9223372036854775808ns"]"#, "-9223372036854775808"),
        (r#"["9223372036854775808ns"]"#, "undefined"),
        (r#"["0"]"#, "0"),
        (r#"["-0"]"#, "0"),
        (r#"["0d"]"#, "0"),
        (r#"["1."]"#, "undefined"),
        (r#"[""]"#, "undefined"),
        (r#"["."]"#, "undefined"),
        (r#"["1h-1m"]"#, "undefined"),
        (r#"["1e3s"]"#, "undefined"),
        (r#"["1D"]"#, "undefined"),
        (r#"["1"]"#, "undefined"),
        ("[1]", "undefined"),
    ];
    agree(super::parse_duration, &cases);
}

#[test]
fn parse_rfc3339_is_opas() {
    let cases = [
        (r#"["2024-02-29T12:30:45Z"]"#, "1709209845000000000"),
        (r#"["2024-02-29T1:30:45,5+05:30"]"#, "1709150445500000000"),
        (r#"["2023-02-29T12:30:45Z"]"#, "undefined"),
        (r#"["2024-01-01T00:00:60Z"]"#, "undefined"),
        (r#"["2024-01-01T24:00:00Z"]"#, "undefined"),
        (r#"["2024-01-01t00:00:00Z"]"#, "undefined"),
        (r#"["2024-01-01T00:00:00+24:60"]"#, "1703977200000000000"),
        (r#"["2024-01-01T00:00:00+25:00"]"#, "undefined"),
        (
            r#"["2024-01-01T00:00:00.1234567891Z"]"#,
            "1704067200123456789",
        ),
        (r#"["2024-01-01T00:00:00.Z"]"#, "undefined"),
        (r#"["2024-1-1T00:00:00Z"]"#, "undefined"),
        (
            r#"["2262-04-11T23:47:16.854775807Z"]"#,
            "9223372036854775807",
        ),
        (r#"["2262-04-11T23:47:16.854775808Z"]"#, "undefined"),
    ];
    agree(super::parse_rfc3339, &cases);
}

#[test]
fn parse_ns_is_opas() {
    let cases = [
        (r#"["2006-01-02","2024-02-29"]"#, "1709164800000000000"),
        (r#"["2006-01-02","2024-3-1"]"#, "undefined"),
        (r#"["2006-01-02","2024-03-01 "]"#, "undefined"),
        (r#"["2006-1-2","2024-3-1"]"#, "1709251200000000000"),
        (
            r#"["2006-01-02 15:04:05","2024-01-01  10:11:12.5"]"#,
            "1704103872500000000",
        ),
        (
            r#"["2006-01-02 15:04:05.000","2024-01-01 10:11:12.34"]"#,
            "undefined",
        ),
        (
            r#"["2006-01-02 15:04:05.999","2024-01-01 10:11:12"]"#,
            "1704103872000000000",
        ),
        (r#"["Jan _2 2006","FEB  9 2024"]"#, "1707436800000000000"),
        (
            r#"["Monday, January 2, 2006 3:04pm","Friday, May 3, 2024 12:30am"]"#,
            "1714696200000000000",
        ),
        (
            r#"["RFC850","Thursday, 29-Feb-24 10:00:00 GMT"]"#,
            "1709200800000000000",
        ),
        (
            r#"["RFC1123Z","Thu, 29 Feb 2024 10:00:00 +0100"]"#,
            "1709197200000000000",
        ),
        (r#"["DateOnly","2024-01-01"]"#, "undefined"),
        (r#"["06-01-02","-5-01-01"]"#, "788918400000000000"),
        (r#"["2006 002","2024 366"]"#, "1735603200000000000"),
        (r#"["2006 002","2023 366"]"#, "undefined"),
        (r#"["2006 __2 01","2024  61 02"]"#, "undefined"),
        (
            r#"["2006-01-02 -07:00:00","2024-01-01 -00:00:01"]"#,
            "1704067200000000000",
        ),
        (
            r#"["2006-01-02 MST","2024-01-01 GMT+3"]"#,
            "1704067200000000000",
        ),
        (r#"["2006-01-02 MST","2024-01-01 gmt"]"#, "undefined"),
        (
            r#"["2006-01-02 -0700 MST","2024-01-01 +0200 CEST"]"#,
            "1704060000000000000",
        ),
        (r#"["_2006 Janx","_2024 Janx"]"#, "1704067200000000000"),
        (r#"["2006 Janx","2024 Febx"]"#, "undefined"),
        (r#"["2006.002","2024.060"]"#, "1709164800000000000"),
        (r#"["15:04","13:45"]"#, "undefined"),
        (
            r#"["20060102T150405Z0700","20240229T123045Z"]"#,
            "1709209845000000000",
        ),
    ];
    agree(super::parse_ns, &cases);
}

#[test]
fn what_is_not_known_here_ends_the_evaluation() {
    // The machine's zone, its files, and what lies before and after the tables.
    let cases = [
        r#"[[0, "Local"]]"#,
        r#"[[0, "localtime"]]"#,
        r#"[[0, "posix/Europe/Berlin"]]"#,
        r#"[[0, "Europe//Berlin"]]"#,
        r#"[[0, "Europe/./Berlin"]]"#,
        r#"[[-1, "Europe/Berlin"]]"#,
        r#"[[4102444800000000000, "Europe/Berlin"]]"#,
        r#"[[0, "WET"]]"#,
        // OPA reads digits that a float drops.
        "[1.7000000000000000001e18]",
    ];
    agree(super::date, &cases.map(|args| (args, ENDS)));
    // Beyond these, Go overflows.
    let cases = [
        "[0, 100000000001, 0, 0]",
        "[0, 0, 9223372036854775807, 0]",
        "[0, 0, 0, 20000000000001]",
    ];
    agree(super::add_date, &cases.map(|args| (args, ENDS)));
    // The zone of the machine may have it.
    agree(
        super::parse_ns,
        &[(r#"["2006-01-02 MST", "2024-01-01 EST"]"#, ENDS)],
    );
}

#[test]
fn a_day_comes_back_from_its_number() {
    for number in (-1_000_000..1_000_000).step_by(97) {
        let day = super::Civil::of(number * super::DAY);
        assert_eq!(super::civil::days(day.year, day.month, day.day), number);
        assert!((1..=day.days_in_month()).contains(&day.day), "{day:?}");
    }
}
