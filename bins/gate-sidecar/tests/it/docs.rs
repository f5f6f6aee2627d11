//! Checks pages of `docs/` against the code and against one another.

use std::collections::BTreeSet;

use gate_policy::reason;

/// The code in the first cell of each row of a table.
fn first_cells(page: &str) -> BTreeSet<&str> {
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split('`').next()).collect()
}

#[test]
fn every_reason_is_in_the_catalogue() {
    let catalogue = include_str!("../../../../docs/reasons.md");
    let kill_switches = [
        "kill_switch_all",
        "kill_switch_client",
        "kill_switch_symbol",
    ];
    let codes = reason::BUILTIN.into_iter().chain(reason::FAULTS);
    let codes = codes.chain([reason::POLICY_DENIED, "input_invalid"]);
    let codes: BTreeSet<&str> = codes.chain(kill_switches).collect();
    assert_eq!(first_cells(catalogue), codes);
}

#[test]
fn every_alert_has_an_entry_in_the_runbook_and_metrics_that_are_there() {
    let rules = include_str!("../../../../docs/alerts.yml");
    let runbook = include_str!("../../../../docs/runbook.md");
    let metrics = include_str!("../../../../docs/metrics.md");
    let after = |text: &'static str, prefix: &'static str| -> BTreeSet<&str> {
        let lines = text.lines().map(str::trim);
        lines.filter_map(|line| line.strip_prefix(prefix)).collect()
    };
    assert_eq!(after(rules, "- alert: "), after(runbook, "### "));

    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = rules.split(|c| !is_word(c));
    let named = words.filter(|word| word.starts_with("gate_") || word.starts_with("process_"));
    for name in named {
        // A histogram's series have suffixes.
        let name = name.strip_suffix("_bucket").unwrap_or(name);
        let is_documented = [format!("`{name}`"), format!("`{name}{{")]
            .iter()
            .any(|shown| metrics.contains(shown));
        assert!(is_documented, "{name}");
    }
}
