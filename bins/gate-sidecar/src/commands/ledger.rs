//! `gate-sidecar ledger show`: what a store amounts to, without the sidecar that writes it.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use gate_state::{Exposure, StoreView};
use gate_types::Timestamp;

use super::{NO, say};
use crate::cli::Ledger;
use crate::clock::SystemClock;

pub(crate) fn run(command: Ledger) -> Result<ExitCode> {
    let Ledger::Show {
        client,
        data_dir,
        ended_within,
    } = command;
    let window_ns = ended_within.saturating_mul(1_000_000_000);
    let view = StoreView::open(&data_dir, window_ns)
        .with_context(|| format!("the journal in `{}`", data_dir.display()))?;
    let now = SystemClock::shared().now();
    for kill in view.kills() {
        say(&format!(
            "kill switch {:?} by {}: {}",
            kill.scope, kill.actor, kill.reason
        ))?;
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
            orders(&view, &client, now)?;
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

fn orders(view: &StoreView, client: &str, now: Timestamp) -> Result<()> {
    for order in view
        .orders(client, now)
        .context("the orders cannot be read")?
    {
        let state = order.state;
        let (name, symbol) = order
            .decision
            .as_ref()
            .map_or(("(pruned)", ""), |decision| {
                (&*decision.order_id, &*decision.symbol)
            });
        say(&format!(
            "  {name}\t{symbol}\t{}\t{}\tordered {}\tfilled {}\topen {}\theld {}{}",
            state.side,
            state.phase.as_str(),
            state.ordered,
            state.filled,
            state.open,
            state.held,
            if state.in_doubt { "\tin doubt" } else { "" }
        ))?;
    }
    Ok(())
}
