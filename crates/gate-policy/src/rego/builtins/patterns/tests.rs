//! Expected values are OPA 1.20.2's.

use super::*;

/// `None` is undefined; an error ends the evaluation.
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
    // Go bounds nested repetitions to a thousand as well.
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

/// The last member is OPA 1.20.2's answer, which is gobwas' and not what the glob says.
#[test]
fn a_glob_of_several_wildcards_that_gobwas_takes_together_ends_the_evaluation() {
    let by = |delimiters: &[&str]| {
        Value::from(
            delimiters
                .iter()
                .map(|text| Value::from(*text))
                .collect::<Vec<_>>(),
        )
    };
    for (pattern, delimiters, text, in_opa) in [
        ("??", by(&[".", "/"]), "a/", true),
        ("???", by(&["-", "/"]), "A-B", true),
        ("[!ab][!ab]", by(&[]), "cb", true),
        ("*[!./]", by(&[".", "/"]), "a.", true),
        ("?[!./]", by(&[".", "/"]), "a.", true),
        ("{EQ,FX}-é", by(&[]), "EQ-é", false),
        ("*é{a,b}", by(&[]), "xéa", false),
        ("x**x", by(&[]), "x", true),
        ("ab*ba", by(&[]), "aba", false),
        ("ab**ba", by(&[]), "aba", true),
    ] {
        let answer = asked(glob::matches(&[pattern.into(), delimiters, text.into()]));
        assert_eq!(answer, Err(()), "{pattern} in {text}: {in_opa}");
    }
    let many: Vec<String> = ('a'..='q').map(String::from).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (count, expected) in [(16, Ok(Some(true))), (17, Err(()))] {
        let answer = asked(glob::matches(&["*".into(), by(&many[..count]), "z".into()]));
        assert_eq!(answer, expected, "{count}");
    }
}

/// The cache tells kinds of patterns and delimiters apart.
#[test]
fn patterns_are_not_taken_for_one_another() {
    let glob = |pattern: &str, delimiters: &[&str], text: &str| {
        let delimiters: Vec<Value> = delimiters.iter().map(|text| Value::from(*text)).collect();
        asked(glob::matches(&[
            pattern.into(),
            delimiters.into(),
            text.into(),
        ]))
    };
    check("(glob . of AAPL*", "AAPL", None);
    assert_eq!(glob("AAPL*", &["."], "AAPL"), Ok(Some(true)));
    check("(glob . of AAPL*", "AAPL", None);
    assert_eq!(glob("b of *", &["a"], "b of z"), Ok(Some(true)));
    assert_eq!(
        glob("*", &["a", " ", "o", "f", " ", "b"], "zz"),
        Ok(Some(true))
    );
    check("*", "a", None);
}

#[test]
fn a_thread_keeps_so_many_patterns_and_no_more() {
    let mut most = 0;
    for n in 0..3_000 {
        check(&format!("^a{n}$"), &format!("a{n}"), Some(true));
        forget_steps();
        let bytes = kept::kept_bytes();
        assert!(bytes <= kept::MAX_PATTERN_BYTES);
        most = most.max(bytes);
    }
    assert!(most > kept::MAX_PATTERN_BYTES / 2);
    // A large pattern in a full cache, and an invalid one.
    check(&format!("^{}$", "[ab]{900}"), "a", Some(false));
    check("(", "a", None);
    assert!(kept::kept_bytes() <= kept::MAX_PATTERN_BYTES);
}

/// A pattern from an order could otherwise occupy a thread for seconds.
#[test]
fn an_evaluation_matches_so_much_and_no_more() {
    let text = "ab".repeat(7_000);
    let large = Value::from("[ab]*a[ab]{500}c");
    let search = |text: &str| asked(matches(&[large.clone(), text.into()]));
    forget_steps();
    assert_eq!(search("abc"), Ok(Some(false)));
    assert_eq!(search(&text), Err(()));
    // A small pattern may search a whole body.
    forget_steps();
    check("^[A-Z]+$", &text, Some(false));
    let mut calls = 0;
    while asked(matches(&["^a+$".into(), "ab".into()])) == Ok(Some(false)) {
        calls += 1;
    }
    assert!(calls > 1_000);
    forget_steps();
    check("^a+$", "ab", Some(false));
}
