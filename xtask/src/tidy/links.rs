//! Checks each link of a page: its file is in the repository, and its heading in that file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, Result};

pub(super) fn check(root: &Path, files: &[PathBuf]) -> Result<Vec<String>> {
    let mut pages = BTreeMap::new();
    for file in files {
        if file.extension().is_some_and(|extension| extension == "md") {
            let text = std::fs::read_to_string(root.join(file))
                .with_context(|| format!("cannot read {}", file.display()))?;
            pages.insert(file.clone(), text);
        }
    }
    Ok(broken(&pages, |path| root.join(path).exists()))
}

/// The links that lead nowhere.
fn broken(pages: &BTreeMap<PathBuf, String>, is_there: impl Fn(&Path) -> bool) -> Vec<String> {
    let headings: BTreeMap<_, _> = pages
        .iter()
        .map(|(page, text)| (page.as_path(), headings(text)))
        .collect();
    let mut faults = Vec::new();
    for (page, text) in pages {
        for (number, line) in prose(text) {
            for link in links(line).filter(|link| !link.contains("://")) {
                let (path, heading) = link.split_once('#').unwrap_or((link, ""));
                let target = if path.is_empty() {
                    page.clone()
                } else {
                    beside(page, path)
                };
                let known = headings.get(target.as_path());
                let has_heading =
                    heading.is_empty() || known.is_none_or(|headings| headings.contains(heading));
                if !is_there(&target) || !has_heading {
                    let page = page.display();
                    faults.push(format!("{page}:{number}: `{link}` leads nowhere"));
                }
            }
        }
    }
    faults
}

/// The lines outside blocks of code, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    let lines = text.lines().enumerate();
    lines.filter_map(move |(at, line)| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        (!in_code && !is_fence).then_some((at + 1, line))
    })
}

fn links(line: &str) -> impl Iterator<Item = &str> {
    let after = line.split("](").skip(1);
    after.filter_map(|rest| rest.split_once(')').map(|(link, _)| link))
}

/// A page's headings as links name them: in lower case, dashes for spaces, no punctuation.
fn headings(text: &str) -> BTreeSet<String> {
    let headings = prose(text).filter(|(_, line)| line.starts_with('#'));
    headings
        .map(|(_, line)| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let kept = title
                .chars()
                .filter(|char| char.is_alphanumeric() || " -_".contains(*char));
            kept.map(|char| if char == ' ' { '-' } else { char })
                .collect()
        })
        .collect()
}

/// The path that a page names, from the top of the repository.
fn beside(page: &Path, path: &str) -> PathBuf {
    let mut whole = page.parent().unwrap_or(page).to_path_buf();
    for part in Path::new(path).components() {
        match part {
            Component::ParentDir => drop(whole.pop()),
            part => whole.push(part),
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_to_no_file_or_no_heading_is_a_fault_with_its_line() {
        let text = "# One\n[a](two.md) [b](two.md#what-it-is) [c](#one)\n\
                    [d](no.md) [e](two.md#gone)\n[f](../x.rs) [g](https://x.org/#y) [h](#two)\n\
                    ```\n# Two\n[i](no.md)\n```\n";
        let pages = BTreeMap::from([
            (PathBuf::from("docs/one.md"), text.to_owned()),
            (
                PathBuf::from("docs/two.md"),
                "## What it `is`?\n".to_owned(),
            ),
        ]);
        let there = ["docs/one.md", "docs/two.md", "x.rs"].map(PathBuf::from);
        let faults = broken(&pages, |path| there.iter().any(|known| known == path));
        assert_eq!(
            faults,
            [
                "docs/one.md:3: `no.md` leads nowhere",
                "docs/one.md:3: `two.md#gone` leads nowhere",
                "docs/one.md:4: `#two` leads nowhere",
            ]
        );
    }
}
