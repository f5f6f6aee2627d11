//! `gate-sidecar audit`: verifies and exports the journal of a running or stopped sidecar.

use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use gate_state::{Anchor, ChainHash, ChainPoint, Journal, OpenError, Seq};
use gate_token::{KeyFile, KeyRing};

use super::{NO, UNUSABLE, answer_or_why, say};
use crate::assemble::KEY_FILE;
use crate::cli::Audit;
use crate::retention;

pub(crate) fn run(command: Audit) -> ExitCode {
    let outcome = match command {
        Audit::Verify {
            data_dir,
            known,
            keys,
        } => verify(&data_dir, &known, keys.as_deref()),
        Audit::Export { data_dir, from } => export(&data_dir, from),
    };
    match outcome {
        Err(error) if is_damage(&error) => {
            eprintln!("{error:#}");
            NO
        }
        outcome => answer_or_why(outcome),
    }
}

/// Whether the error means that the journal is damaged, not merely that it could not be checked.
fn is_damage(error: &anyhow::Error) -> bool {
    error
        .downcast_ref()
        .is_some_and(|error: &OpenError| error.is_damage())
}

fn open(dir: &Path) -> Result<Journal> {
    Journal::open(dir).with_context(|| format!("the journal in `{}`", dir.display()))
}

fn verify(dir: &Path, known: &[String], keys: Option<&Path>) -> Result<ExitCode> {
    let known = known
        .iter()
        .map(|text| point(text))
        .collect::<Result<Vec<_>>>()?;
    let journal = open(dir)?;
    let verified = journal
        .verify(&known)
        .context("the journal cannot be verified")?;
    let begin = verified.begin.seq;
    if let Some(gone) = known.iter().find(|point| point.seq < begin) {
        eprintln!(
            "the record {} was pruned: whether it was the one noted cannot be told any more \
             (the journal begins after {begin})",
            gone.seq
        );
        return Ok(UNUSABLE.into());
    }
    let mut is_vouched = true;
    if let Some((anchor, signature)) = journal.anchor().context("its anchor cannot be read")? {
        let keys = key_ring(dir, keys)?;
        match beginning(&anchor, &signature, keys.as_ref()) {
            Ok(beginning) => say(&beginning)?,
            Err(fault) => {
                eprintln!("the journal was pruned, and {fault:#}");
                return Ok(NO);
            }
        }
        is_vouched = keys.is_some();
    }
    say(&format!(
        "intact: {} records, to {}:{}",
        verified.records, verified.end.seq, verified.end.hash
    ))?;
    if let Err(error) = journal.check_beginning() {
        let advice = match error {
            OpenError::SnapshotMissing => "; put `ledger.snapshot` back beside it",
            _ => "",
        };
        eprintln!("and no sidecar starts with it: {error}{advice}");
        return Ok(NO);
    }
    // Anyone who cuts off a beginning can write an anchor, but cannot sign it.
    Ok(if is_vouched {
        ExitCode::SUCCESS
    } else {
        UNUSABLE.into()
    })
}

/// The keys to check a pruned journal's anchor with, if there are any.
fn key_ring(dir: &Path, named: Option<&Path>) -> Result<Option<KeyRing>> {
    let generated = dir.join(KEY_FILE);
    let file = named.or_else(|| generated.exists().then_some(&*generated));
    file.map(|file| {
        let keys = KeyFile::new(file).read();
        keys.with_context(|| format!("the key file `{}` cannot be used", file.display()))
    })
    .transpose()
}

/// Describes a pruned journal's anchor and the key that signed it. Fails when the signature is
/// wrong; without keys it is not checked.
fn beginning(anchor: &Anchor, signature: &[u8], keys: Option<&KeyRing>) -> Result<String> {
    let vouched = match keys {
        None => "its signature was not checked: name the keys with --keys".to_owned(),
        Some(keys) => {
            let kid = retention::signer(keys, anchor, signature)?;
            format!("signed with the key `{kid}`")
        }
    };
    Ok(format!(
        "pruned at {}: begins after {}:{}, {vouched}",
        anchor.at, anchor.point.seq, anchor.point.hash
    ))
}

fn point(text: &str) -> Result<ChainPoint> {
    let parts = text.split_once(':');
    let seq = parts.and_then(|(seq, _)| seq.parse().ok()).map(Seq::new);
    let hash = parts.and_then(|(_, hash)| hash.parse::<ChainHash>().ok());
    let point = seq.zip(hash).map(|(seq, hash)| ChainPoint { seq, hash });
    point.with_context(|| format!("`{text}` is not SEQ:HASH as `audit verify` prints it"))
}

fn export(dir: &Path, from: u64) -> Result<ExitCode> {
    let journal = open(dir)?;
    let mut is_empty = true;
    let mut out = BufWriter::new(std::io::stdout().lock());
    for line in journal
        .lines(Seq::new(from))
        .context("the journal cannot be read")?
    {
        let line = line.context("the journal cannot be exported further")?;
        is_empty = false;
        let written = serde_json::to_writer(&mut out, &line)
            .map_err(std::io::Error::from)
            .and_then(|()| out.write_all(b"\n"));
        if let Err(error) = written {
            return ended(error);
        }
    }
    // An exporter that is up to date asks for the next record; one beyond that is of another store.
    let end = journal.end().context("the journal cannot be read")?.get();
    if is_empty && from > end.saturating_add(1) {
        eprintln!("error: there is no record {from}: the journal ends with record {end}");
        return Ok(UNUSABLE.into());
    }
    out.flush().map_or_else(ended, |()| Ok(ExitCode::SUCCESS))
}

/// A closed pipe is not an error.
fn ended(error: std::io::Error) -> Result<ExitCode> {
    if error.kind() == std::io::ErrorKind::BrokenPipe {
        return Ok(ExitCode::SUCCESS);
    }
    Err(error).context("cannot write to stdout")
}
