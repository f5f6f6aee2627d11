//! Expected values are OPA 1.20.2's.

use super::*;

/// `None`: undefined. An error is one.
fn asked(answer: Result<Value, LimitError>) -> Result<Option<bool>, ()> {
    match answer {
        Ok(Value::Bool(holds)) => Ok(Some(holds)),
        Ok(Value::Undefined) => Ok(None),
        Ok(other) => panic!("{other}"),
        Err(_) => Err(()),
    }
}

#[track_caller]
fn check(pattern: &str, text: &str, expected: Option<bool>) {
    let pattern = Value::from(pattern);
    let valid = asked(is_valid(std::slice::from_ref(&pattern)));
    assert_eq!(valid, Ok(Some(expected.is_some())), "{pattern}");
    let found = asked(matches(&[pattern.clone(), text.into()]));
    assert_eq!(found, Ok(expected), "{pattern} in {text}");
}

#[test]
fn a_pattern_is_read_as_go_reads_it() {
    check(r"\bfoo\b", "a foo b", Some(true));
    check(r"\bfoo\b", "afoob", Some(false));
    check(r"\d+", "\u{663}", Some(false));
    check(r"^\d+$", "12", Some(true));
    check(r"\w", "\u{e9}", Some(false));
    check(r"^AAPL(\.US)?$", "AAPL.US", Some(true));
    check("a{,2}", "a{,2}", Some(true));
    check("a{2}", "aa", Some(true));
    check("{", "{", Some(true));
    check(r"\Qa.b\E", "a.b", Some(true));
    check(r"\Qa.b\E", "axb", Some(false));
    check("(?i)k", "\u{212a}", Some(true));
    check("[[:alpha:]]", "1", Some(false));
    check("[]a]", "]", Some(true));
    check("[a&&b]", "&", Some(true));
    check("a**", "a", None);
    check("(", "a", None);
    check("(?=a)", "a", None);
    check("a{1001}", "a", None);
    check("[b-a]", "a", None);
    check("*a", "a", None);
    check(r"\y", "a", None);
    check(r"[\d-z]", "-", Some(true));
    check(r"a\", "a", None);
    check("(?U)a+?", "a", Some(true));
    check("(?<n>a)", "a", Some(true));
    check(r"\B", "a", Some(false));
    check("^$", "", Some(true));
    check("a.b", "a\nb", Some(false));
    check("(?s)a.b", "a\nb", Some(true));
}

#[test]
fn a_pattern_that_is_not_known_for_sure_ends_the_evaluation() {
    for pattern in [
        r"\pL",
        r"\p{Greek}",
        r"\C",
        r"\07",
        r"\123",
        "(?i)*",
        "a(?i)*",
        "(?-)",
        "(?)",
        r"\Q\E*",
        "(a{40}){40}",
        "(?P<1>a)",
        r"[\p{L}]",
    ] {
        assert_eq!(
            asked(matches(&[pattern.into(), "a".into()])),
            Err(()),
            "{pattern}"
        );
        assert_eq!(asked(is_valid(&[pattern.into()])), Err(()), "{pattern}");
    }
    // A thousand within another is Go's bound as well.
    check("(a{40}){25}", "a", Some(false));
    let deep = "(".repeat(200) + &")".repeat(200);
    assert_eq!(asked(is_valid(&[deep.into()])), Err(()));
}

#[test]
fn a_glob_is_read_as_gobwas_reads_it() {
    let check = |pattern: &str, delimiters: Value, text: &str, expected: Option<bool>| {
        let answer = asked(glob::matches(&[pattern.into(), delimiters, text.into()]));
        assert_eq!(answer, Ok(expected), "{pattern} in {text}");
    };
    let none = || Value::Null;
    let by = |delimiters: &[&str]| {
        let delimiters: Vec<Value> = delimiters.iter().map(|text| Value::from(*text)).collect();
        Value::from(delimiters)
    };
    check("*.com", by(&["."]), "api.com", Some(true));
    check("*.com", by(&["."]), "a.api.com", Some(false));
    check("**.com", by(&["."]), "a.api.com", Some(true));
    check("*.com", by(&[]), "a.api.com", Some(false));
    check("*.com", none(), "a.api.com", Some(true));
    check("a?c", by(&[]), "abc", Some(true));
    check("a?c", by(&["."]), "a.c", Some(false));
    check("[abc]", by(&[]), "b", Some(true));
    check("[!abc]", by(&[]), "b", Some(false));
    check("[a-c]x", by(&[]), "bx", Some(true));
    check("[^a]", by(&[]), "^", Some(true));
    check("{cat,bat}", by(&[]), "bat", Some(true));
    check("{a,{b,c}}", by(&[]), "c", Some(true));
    check(r"\*", by(&[]), "*", Some(true));
    check("*", by(&["日"]), "a日", Some(false));
    check("a,b", by(&[]), "a,b", Some(true));
    check("a}", by(&[]), "a}", Some(true));
    check("*", by(&["ab"]), "a", None);
    check("[ab", by(&[]), "a", None);
    check("a/*", by(&["/"]), "a/b", Some(true));
    check("a/*", by(&["/"]), "a/b/c", Some(false));
    check("a/**", by(&["/"]), "a/b/c", Some(true));
}

#[test]
fn a_glob_that_is_not_known_for_sure_ends_the_evaluation() {
    for (pattern, text) in [
        ("***", "a"),
        ("*?", "/a"),
        ("?", ""),
        ("[!a]", ""),
        ("{a*,b}", "a"),
        ("{,a}", "a"),
        ("{a", "a"),
        ("{", ""),
        ("a\\", "a"),
        ("[a-]", "a"),
        ("[]", "a"),
        ("[!a]", "日"),
    ] {
        let answer = asked(glob::matches(&[pattern.into(), Value::Null, text.into()]));
        assert_eq!(answer, Err(()), "{pattern} in {text}");
    }
}

#[test]
fn a_thread_keeps_so_many_patterns_and_no_more() {
    for n in 0..1_000 {
        check(&format!("^a{n}$"), &format!("a{n}"), Some(true));
        assert!(KEPT.with_borrow(HashMap::len) <= MAX_KEPT);
    }
}
