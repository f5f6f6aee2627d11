//! Checks which policy decided each order, by the journal as `audit export` prints it.
//!
//! A record of kind `context` puts a policy in force; a decision names the record of its own. The
//! policy of a decision must be the one in force where the decision stands in the journal, or, for
//! orders that had begun before a reload, the one before that.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::super::binaries::Binaries;
use super::driver::Token;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Journal {
    pub(super) decisions: u64,
    pub(super) wrong: u64,
    pub(super) across: u64,
    pub(super) tokens_compared: u64,
}

#[derive(Deserialize)]
struct Line<'a> {
    seq: u64,
    kind: &'a str,
    policy_revision: Option<String>,
    policy_hash: Option<String>,
    context: Option<u64>,
}

impl Journal {
    pub(super) fn add(&mut self, other: &Self) {
        self.decisions += other.decisions;
        self.wrong += other.wrong;
        self.across += other.across;
        self.tokens_compared += other.tokens_compared;
    }

    /// Reads the journal below `dir`, whose sidecar has stopped.
    pub(super) fn read(
        binaries: &Binaries,
        dir: &Path,
        revisions: &[&str],
        tokens: &[Token],
    ) -> Result<Self> {
        let mut export = Command::new(&binaries.sidecar)
            .args(["audit", "export", "--data-dir"])
            .arg(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot run `audit export`")?;
        let lines = BufReader::new(export.stdout.take().context("no stdout")?);
        let journal = Self::of(lines, revisions, tokens)?;
        let status = export.wait()?;
        ensure!(status.success(), "`audit export` failed ({status})");
        Ok(journal)
    }

    fn of(lines: impl BufRead, revisions: &[&str], tokens: &[Token]) -> Result<Self> {
        let mut journal = Self::default();
        let tokens: BTreeMap<u64, &Token> = tokens.iter().map(|token| (token.seq, token)).collect();
        let mut policies: BTreeMap<u64, (String, String)> = BTreeMap::new();
        let mut hashes: BTreeMap<String, String> = BTreeMap::new();
        for line in lines.lines() {
            let line = line?;
            let line: Line<'_> = serde_json::from_str(&line).context("a line of the export")?;
            match line.kind {
                "context" => {
                    let named = line.policy_revision.zip(line.policy_hash);
                    policies.insert(line.seq, named.context("a context without a policy")?);
                }
                "decision" => {
                    journal.decisions += 1;
                    let own = line.context.context("a decision without a context")?;
                    let back = policies.keys().rev().position(|seq| *seq == own);
                    journal.across += u64::from(back == Some(1));
                    let policy = policies.get(&own);
                    // One revision is one content, throughout.
                    let known = policy.is_some_and(|(revision, hash)| {
                        let first = hashes.entry(revision.clone()).or_insert(hash.clone());
                        revisions.contains(&revision.as_str()) && first == hash
                    });
                    let token = tokens.get(&line.seq);
                    journal.tokens_compared += u64::from(token.is_some());
                    let is_told = token.is_none_or(|token| {
                        policy.is_some_and(|(revision, hash)| {
                            (revision, hash) == (&token.revision, &token.hash)
                        })
                    });
                    if !known || !is_told || back.is_none_or(|back| back > 1) {
                        journal.wrong += 1;
                    }
                }
                _ => {}
            }
        }
        let asked = tokens.len() as u64;
        ensure!(
            journal.tokens_compared == asked,
            "of {asked} tokens {} are in the journal",
            journal.tokens_compared
        );
        Ok(journal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(seq: u64, revision: &str, hash: &str) -> String {
        format!(
            r#"{{"seq":{seq},"kind":"context","policy_revision":"{revision}","policy_hash":"{hash}"}}"#
        )
    }

    fn decision(seq: u64, context: u64) -> String {
        format!(r#"{{"seq":{seq},"kind":"decision","client_id":"c","context":{context}}}"#)
    }

    #[track_caller]
    fn check(lines: &[String], tokens: &[Token], decisions: u64, across: u64, wrong: u64) {
        let journal = Journal::of(lines.join("\n").as_bytes(), &["a", "b"], tokens).unwrap();
        let found = (journal.decisions, journal.across, journal.wrong);
        assert_eq!(found, (decisions, across, wrong));
    }

    #[test]
    fn a_decision_may_be_under_the_policy_in_force_or_the_one_just_replaced() {
        let mut lines = vec![
            context(1, "a", "0a"),
            decision(2, 1),
            context(3, "b", "0b"),
            decision(4, 1),
            decision(5, 3),
        ];
        check(&lines, &[], 3, 1, 0);
        lines.extend([context(6, "a", "0a"), decision(7, 1)]);
        check(&lines, &[], 4, 1, 1);
        lines.push(decision(8, 9));
        check(&lines, &[], 5, 1, 2);
    }

    #[test]
    fn a_revision_of_another_content_or_of_nobody_is_wrong() {
        let lines = [
            context(1, "a", "0a"),
            decision(2, 1),
            context(3, "a", "ff"),
            decision(4, 3),
            context(5, "c", "0c"),
            decision(6, 5),
        ];
        check(&lines, &[], 3, 0, 2);
    }

    #[test]
    fn a_token_must_name_what_the_journal_names() {
        let lines = [context(1, "a", "0a"), decision(2, 1), decision(3, 1)];
        let token = |seq, revision: &str| Token {
            seq,
            revision: revision.to_owned(),
            hash: "0a".to_owned(),
        };
        check(&lines, &[token(2, "a"), token(3, "a")], 2, 0, 0);
        check(&lines, &[token(2, "a"), token(3, "b")], 2, 0, 1);
        assert!(Journal::of(lines.join("\n").as_bytes(), &["a"], &[token(9, "a")]).is_err());
    }
}
