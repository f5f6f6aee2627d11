//! Tests every key: its text, its bounds, and its row in `docs/operating.md`.

use super::*;

#[test]
fn every_key_can_be_set_and_no_other() {
    for key in Setting::keys() {
        let text = match key {
            "listen" | "admin_listen" => "127.0.0.1:0",
            "durability" => "relaxed",
            "token_form" => "jws",
            "log_json" => "true",
            "log" => "debug",
            "bundle_key_alg" => "ES256",
            "policy_max_instructions" => "7000",
            _ => "7",
        };
        let mut config = Config::defaults(2);
        config
            .set(key, text)
            .unwrap_or_else(|error| panic!("{key}: {error}"));
        assert_ne!(config, Config::defaults(2), "{key} changed nothing");
    }
    assert_eq!(
        Config::defaults(2).set("durabilty", "strict"),
        Err(SetError::UnknownKey)
    );
}

/// Sets a key from its cell in the docs, where numbers have commas.
fn set_as_documented(key: &str, cell: &str) -> Result<Config, SetError> {
    let mut config = Config::defaults(2);
    config.set(key, &cell.trim_matches('`').replace(',', ""))?;
    Ok(config)
}

#[test]
fn every_key_is_in_the_docs_with_its_default_and_its_bounds() {
    let docs = include_str!("../../../../docs/operating.md");
    for key in Setting::keys() {
        let row = docs
            .lines()
            .find(|line| line.starts_with(&format!("| `{key}` |")));
        let row = row.unwrap_or_else(|| panic!("no row for {key}"));
        let [default, bounds] = [2, 3].map(|cell| row.split('|').nth(cell).unwrap().trim());
        if !default.starts_with("none") {
            let documented = set_as_documented(key, default).unwrap();
            assert_eq!(documented, Config::defaults(2), "{key}: {default}");
        }
        let Some((least, most)) = bounds.split_once(" to ") else {
            let number = Config::defaults(2).set(key, "99999999999999999999");
            let bounded = matches!(number, Err(SetError::NotWithin(..)));
            assert!(!bounded, "{key}: no bounds");
            continue;
        };
        for (text, more) in [(least, -1), (most, 1)] {
            set_as_documented(key, text).unwrap();
            let beyond = text.replace(',', "").parse::<i64>().unwrap() + more;
            let refused = set_as_documented(key, &beyond.to_string());
            refused.expect_err(&format!("{key}: {beyond}"));
        }
    }
}

#[test]
fn a_value_out_of_bounds_is_refused_and_changes_nothing() {
    for (key, text) in [
        ("listen", "8080"),
        ("durability", "sometimes"),
        ("log", "inof"),
        ("log", "debug,gate_state"),
        ("workers", "0"),
        ("workers", "-1"),
        ("time_slice_us", "100001"),
        ("wake_latency_us", "-1"),
        ("wake_latency_us", "1000001"),
        ("policy_max_instructions", "999"),
        ("policy_max_ms", "0"),
        ("token_ttl_s", "1.5"),
        ("queue_capacity", "99999999999999999999"),
        ("issuer", ""),
        ("log_json", "yes"),
        ("bundle_key_alg", "none"),
        ("bundle_key_alg", "es256"),
        ("bundle_scope", ""),
    ] {
        let mut config = Config::defaults(2);
        assert!(config.set(key, text).is_err(), "{key} = {text}");
        assert_eq!(config, Config::defaults(2));
    }
}
