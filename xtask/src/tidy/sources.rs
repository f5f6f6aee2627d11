//! Checks each source file: it begins with a `//!` line, is not too long, leaves no work open, and
//! names no machine.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// Split a longer file.
const LINES_MAX: usize = 400;
/// Tests and examples may be longer: a generator and the properties it feeds belong together.
const TEST_LINES_MAX: usize = 520;

/// Words that must not be committed, assembled here so that this file may be.
fn forbidden() -> Vec<(String, &'static str)> {
    vec![
        (["/ro", "ot/"].concat(), "a path of one machine"),
        (["/wo", "rk/"].concat(), "a path of one machine"),
        (["/ho", "me/"].concat(), "a path of one machine"),
        (["../sh", "ared"].concat(), "a path outside the project"),
        (["#[ig", "nore"].concat(), "a test that does not run"),
        (["FIX", "ME"].concat(), "work left open"),
    ]
}

pub(super) fn check(root: &Path, files: &[PathBuf]) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for file in files {
        let is_rust = file.extension().is_some_and(|extension| extension == "rs");
        let is_text = is_rust
            || file.extension().is_some_and(|extension| {
                ["md", "toml", "rego", "py", "mjs", "ts", "go", "sh", "html"]
                    .iter()
                    .any(|known| extension == *known)
            });
        if !is_text {
            continue;
        }
        let text = std::fs::read_to_string(root.join(file))
            .with_context(|| format!("cannot read {}", file.display()))?;
        let name = file.display().to_string();
        faults.extend(words(&name, &text));
        if is_rust {
            faults.extend(room(&name, &text));
        }
    }
    Ok(faults)
}

fn words(name: &str, text: &str) -> Vec<String> {
    forbidden()
        .into_iter()
        .filter_map(|(word, why)| {
            let line = text.lines().position(|line| line.contains(&word))?;
            Some(format!("{name}:{}: `{word}` is {why}", line + 1))
        })
        .collect()
}

fn room(name: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if !text.starts_with("//!") {
        faults.push(format!(
            "{name}: does not open with a `//!` line that says what lives here"
        ));
    }
    let lines = text.lines().count();
    let tells_a_story = ["tests/", "examples/", "/tests.rs"]
        .iter()
        .any(|part| name.contains(part));
    let most = if tells_a_story {
        TEST_LINES_MAX
    } else {
        LINES_MAX
    };
    if lines > most {
        faults.push(format!(
            "{name}: has {lines} lines, more than {most}: two rooms?"
        ));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_header_is_a_fault() {
        assert_eq!(room("a.rs", "use std::fmt;\n").len(), 1);
        assert!(room("a.rs", "//! Rooms.\n").is_empty());
    }

    #[test]
    fn a_file_too_long_is_a_fault() {
        let long = format!("//! Long.\n{}", "x\n".repeat(LINES_MAX));
        assert_eq!(room("a.rs", &long).len(), 1);
    }

    #[test]
    fn a_path_of_this_machine_is_a_fault_with_its_line() {
        let faults = words("a.md", &["fine\nsee /ro", "ot/x\n"].concat());
        assert_eq!(faults.len(), 1);
        assert!(faults[0].starts_with("a.md:2:"), "{}", faults[0]);
    }
}
