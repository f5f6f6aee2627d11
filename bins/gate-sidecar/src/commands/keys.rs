//! `gate-sidecar keys`: make, stage, rotate and list signing keys. No secret is ever printed.

use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use gate_token::{KeyFile, KeyRing};

use super::say;
use crate::cli::Keys;
use crate::clock::SystemClock;
use crate::config::LONGEST_WINDOW_S;

/// How long a rotated-out key verifies, in seconds: as long as an order id may be remembered after
/// its hold ended, so that its reply can be replayed. (Not for a hold that stays open longer; see
/// `docs/operating.md`.)
const KEEP_OLD_S: u64 = LONGEST_WINDOW_S;

pub(crate) fn run(command: Keys) -> Result<ExitCode> {
    let now_s = SystemClock::shared().now().unix_seconds();
    match command {
        Keys::Generate { keys } => {
            let ring = generate(&KeyFile::new(&keys))?;
            say(&format!(
                "generated `{}` in {}",
                ring.active().kid(),
                keys.display()
            ))?;
        }
        Keys::Stage { keys } => {
            let kid = new_kid();
            KeyFile::new(&keys).stage(&kid)?;
            say(&format!(
                "`{kid}` is staged; give it to every verifier, then `keys rotate --to {kid}`"
            ))?;
        }
        Keys::Rotate { keys, to } => {
            let file = KeyFile::new(&keys);
            let before = file.read()?;
            if let Some(kid) = &to {
                let shown = keys.display();
                ensure!(
                    before.get(kid).is_some(),
                    "the key file `{shown}` has no key `{kid}`"
                );
            }
            let ring = file.rotate(&to.unwrap_or_else(new_kid), now_s, KEEP_OLD_S)?;
            for gone in before.iter().filter(|key| ring.get(key.kid()).is_none()) {
                say(&format!(
                    "`{}` had ended and is dropped; an anchor of the journal that it signed needs it still (`audit verify --keys`)",
                    gone.kid()
                ))?;
            }
            let active = ring.active();
            say(&format!(
                "`{}` is active; reload the sidecar to sign with it",
                active.kid()
            ))?;
            // A key that was rotated out before has an end.
            if let Some(end) = active.not_after_s() {
                let end = gate_types::Timestamp::from_unix_seconds(end);
                say(&format!(
                    "it ends at {end}, and no order is decided with it then: rotate to a new key before"
                ))?;
            }
        }
        Keys::Show { keys } => show(&KeyFile::new(&keys).read()?)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes a key file with one active key, mode 0600; fails when the file exists.
pub(crate) fn generate(file: &KeyFile) -> Result<KeyRing> {
    let keys = KeyRing::generate(&new_kid())?;
    file.create(&keys)
        .with_context(|| format!("cannot make `{}`", file.path().display()))?;
    Ok(keys)
}

fn new_kid() -> String {
    let now = SystemClock::shared().now();
    format!(
        "gate-{}-{:04x}",
        now.unix_seconds(),
        now.unix_nanos() & 0xffff
    )
}

fn show(keys: &KeyRing) -> Result<()> {
    let time = |seconds: Option<u64>| {
        seconds.map_or("-".to_owned(), |seconds| {
            gate_types::Timestamp::from_unix_seconds(seconds).to_string()
        })
    };
    for key in keys.iter() {
        let state = if key.kid() == keys.active().kid() {
            "active"
        } else {
            "verify-only"
        };
        let (from, to) = (time(key.not_before_s()), time(key.not_after_s()));
        say(&format!("{}\t{state}\tfrom {from}\tto {to}", key.kid()))?;
    }
    Ok(())
}
