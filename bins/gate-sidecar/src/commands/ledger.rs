//! `gate-sidecar ledger`: shows the state of a store, in use or not, and prunes one that is not in
//! use.

mod show;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use gate_state::{Journal, LedgerConfig, OpenError};
use gate_token::KeyFile;

use super::{answer_or_why, say};
use crate::cli::{Ledger, Settings};
use crate::clock::SystemClock;
use crate::{assemble, config, retention};

pub(crate) fn run(command: Ledger) -> Result<ExitCode> {
    match command {
        Ledger::Show {
            client,
            data_dir,
            ended_within,
            in_doubt,
            json,
        } => {
            let wanted = show::Wanted {
                client,
                ended_within,
                in_doubt,
            };
            Ok(answer_or_why(show::run(&wanted, &data_dir, json)))
        }
        Ledger::Prune {
            keep_days,
            settings,
        } => prune(keep_days, &settings),
    }
}

/// Prunes the journal, and prints what was pruned.
fn prune(keep_days: Option<u64>, settings: &Settings) -> Result<ExitCode> {
    let (file, variables) = (settings.config.as_deref(), config::variables()?);
    let config = config::load(file, variables, settings.given(), 1)?;
    let kept = keep_days.or((config.retention_days > 0).then_some(config.retention_days));
    let kept = kept.context("say how much to keep: --keep-days DAYS")?;
    let shown = config.data_dir.display();
    // Fails without a journal: opening a ledger would make one.
    Journal::open(&config.data_dir).with_context(|| format!("the journal in `{shown}`"))?;
    let key_file = assemble::key_file(&config);
    let keys = KeyFile::new(&key_file)
        .read()
        .with_context(|| format!("the key file `{}` to sign with", key_file.display()))?;
    let clock = SystemClock::shared();
    let ledger_config = LedgerConfig {
        // Pruning must release no hold, and needs no full-length write-ahead log.
        in_doubt_release_ns: None,
        lengthen_wal: false,
        ..assemble::ledger_config(&config)
    };
    let ledger = match gate_state::Ledger::open(ledger_config, Arc::clone(&clock)) {
        Err(OpenError::Locked) => bail!(
            "a running process holds the journal in `{shown}`; stop it, or have it prune by \
             itself with the setting `retention_days`"
        ),
        opened => opened.with_context(|| format!("the journal in `{shown}`"))?,
    };
    let begin = ledger.health().begin_seq.get();
    let older_than = retention::older_than(clock.now(), kept);
    let pruned = ledger
        .prune(older_than, |anchor| retention::sign(&keys, anchor))
        .with_context(|| format!("the journal in `{shown}` could not be pruned"))?;
    match pruned {
        Some(anchor) => say(&format!(
            "pruned records {} to {}, older than {older_than}; the journal now begins after \
             {}:{}, signed with the key `{}`",
            begin.saturating_add(1),
            anchor.point.seq,
            anchor.point.seq,
            anchor.point.hash,
            keys.active().kid(),
        ))?,
        None => say(&format!("nothing to prune before {older_than}"))?,
    }
    if let Some(needed) = ledger.oldest_remembered() {
        say(&format!(
            "record {needed} and all after it are kept: its order is still remembered"
        ))?;
    }
    ledger
        .shutdown()
        .context("the journal could not be closed")?;
    Ok(ExitCode::SUCCESS)
}
