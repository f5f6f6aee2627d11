//! `gate-sidecar ledger`: what a store amounts to, without the sidecar that writes it, and the
//! pruning of one that no sidecar writes.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use gate_state::{Exposure, Journal, LedgerConfig, OpenError, OrderView, StoreView};
use gate_token::KeyFile;
use gate_types::{Notional, Timestamp};

use super::{NO, say};
use crate::cli::{Ledger, Serve};
use crate::clock::SystemClock;
use crate::config::NANOS_PER_SECOND;
use crate::{build, config, retention};

pub(crate) fn run(command: Ledger) -> Result<ExitCode> {
    match command {
        Ledger::Show {
            client,
            data_dir,
            ended_within,
            in_doubt,
        } => show(client, &data_dir, ended_within, in_doubt),
        Ledger::Prune {
            keep_days,
            settings,
        } => prune(keep_days, &settings),
    }
}

/// Cuts off the beginning of the journal, and says what was done.
fn prune(keep_days: Option<u64>, settings: &Serve) -> Result<ExitCode> {
    let (file, variables) = (settings.config.as_deref(), config::variables());
    let config = config::load(file, variables, settings.given(), 1)?;
    let kept = keep_days.or((config.retention_days > 0).then_some(config.retention_days));
    let kept = kept.context("say how much to keep: --keep-days DAYS")?;
    let shown = config.data_dir.display();
    // Opening a ledger would make one.
    Journal::open(&config.data_dir).with_context(|| format!("the journal in `{shown}`"))?;
    let key_file = build::key_file(&config);
    let keys = KeyFile::new(&key_file)
        .read()
        .with_context(|| format!("the key file `{}` to sign with", key_file.display()))?;
    let clock = SystemClock::shared();
    let ledger_config = LedgerConfig {
        // Nothing is decided here.
        in_doubt_release_ns: None,
        lengthen_wal: false,
        ..build::ledger_config(&config)
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

fn show(
    client: Option<String>,
    data_dir: &Path,
    ended_within: u64,
    in_doubt: bool,
) -> Result<ExitCode> {
    let window_ns = ended_within.saturating_mul(NANOS_PER_SECOND);
    let view = StoreView::open(data_dir, window_ns)
        .with_context(|| format!("the journal in `{}`", data_dir.display()))?;
    let now = SystemClock::shared().now();
    for kill in view.kills() {
        say(&format!(
            "kill switch for {} by {}: {}",
            kill.scope, kill.actor, kill.reason
        ))?;
    }
    if in_doubt {
        return show_in_doubt(&view, now);
    }
    let clients = view.clients(now);
    match client {
        None => {
            for (client, exposure) in &clients {
                say(&line(client, exposure))?;
            }
            say(&format!(
                "{} clients, as of record {}",
                clients.len(),
                view.end().seq
            ))?;
        }
        Some(client) => {
            let known = clients.iter().find(|(name, _)| **name == *client);
            let Some((_, exposure)) = known else {
                eprintln!("no client `{client}` in this ledger");
                return Ok(NO);
            };
            say(&line(&client, exposure))?;
            for (symbol, net) in view.positions(&client) {
                say(&format!("  {symbol}\tnet {net}"))?;
            }
            let orders = view.orders(&client, now);
            for order in orders.context("the orders cannot be read")? {
                say(&order_line(&order))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn line(client: &str, exposure: &Exposure) -> String {
    let Exposure {
        reserved,
        filled,
        gross,
        open_orders,
        ..
    } = exposure;
    format!("{client}\treserved {reserved}\tfilled {filled}\tgross {gross}\topen {open_orders}")
}

/// Whose fate the venue must be asked for.
fn show_in_doubt(view: &StoreView, now: Timestamp) -> Result<ExitCode> {
    let found = view.in_doubt(now).context("the orders cannot be read")?;
    for (client, order) in &found {
        say(&format!("{client}{}", order_line(order)))?;
    }
    let held = found.iter().try_fold(Notional::ZERO, |held, (_, order)| {
        held.checked_add(order.state.held)
    });
    let held = held.map_or_else(|error| error.to_string(), |held| held.to_string());
    say(&format!(
        "{} orders in doubt, held {held}, as of record {}",
        found.len(),
        view.end().seq
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn order_line(OrderView { state, decision }: &OrderView) -> String {
    let (name, symbol) = decision.as_ref().map_or(("(pruned)", ""), |decision| {
        (&*decision.order_id, &*decision.symbol)
    });
    format!(
        "  {name}\t{symbol}\t{}\t{}\tordered {}\tfilled {}\topen {}\theld {}{}",
        state.side,
        state.phase.as_str(),
        state.ordered,
        state.filled,
        state.open,
        state.held,
        if state.in_doubt { "\tin doubt" } else { "" }
    )
}
