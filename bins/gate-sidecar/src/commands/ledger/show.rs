//! `ledger show`: prints kill switches, exposure, positions and orders, as text or as JSON.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use gate_state::{Exposure, OrderView, StoreView, ThrownSwitch};
use gate_types::{NetNotional, Notional, Timestamp};
use serde::Serialize;

use crate::clock::SystemClock;
use crate::commands::{NO, say};
use crate::config::NANOS_PER_SECOND;

/// What to show.
pub(super) struct Wanted {
    pub(super) client: Option<String>,
    /// Seconds for which ended orders are shown.
    pub(super) ended_within: u64,
    pub(super) in_doubt: bool,
}

/// One line of output.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Line {
    KillSwitch {
        scope: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        at: String,
        actor: String,
        reason: String,
        /// The scope, for the text.
        #[serde(skip)]
        stopped: String,
    },
    Client {
        client_id: String,
        reserved: String,
        filled: String,
        gross: String,
        open_orders: u64,
    },
    Position {
        client_id: String,
        symbol: String,
        net: String,
    },
    Order {
        client_id: String,
        /// `None` once its decision was pruned.
        client_order_id: Option<String>,
        symbol: Option<String>,
        side: &'static str,
        state: &'static str,
        ordered: String,
        filled: String,
        open: String,
        held: String,
        in_doubt: bool,
    },
    Clients {
        count: usize,
        as_of: u64,
    },
    InDoubt {
        count: usize,
        held: String,
        as_of: u64,
    },
}

pub(super) fn run(wanted: &Wanted, data_dir: &Path, json: bool) -> Result<ExitCode> {
    let window_ns = wanted.ended_within.saturating_mul(NANOS_PER_SECOND);
    let view = StoreView::open(data_dir, window_ns)
        .with_context(|| format!("the journal in `{}`", data_dir.display()))?;
    let now = SystemClock::shared().now();
    let mut lines: Vec<Line> = view.kills().iter().map(kill_switch).collect();
    let is_there = match &wanted.client {
        _ if wanted.in_doubt => in_doubt(&view, now, &mut lines).map(|()| true)?,
        Some(client) => of_client(&view, client, now, &mut lines)?,
        None => {
            of_all(&view, now, &mut lines);
            true
        }
    };
    // With one client, the lines need not repeat its name.
    let is_of_one = wanted.client.is_some();
    for line in lines {
        if json {
            say(&serde_json::to_string(&line)?)?;
        } else {
            say(&line.text(is_of_one))?;
        }
    }
    if let (false, Some(client)) = (is_there, &wanted.client) {
        eprintln!("no client `{client}` in this ledger");
        return Ok(NO);
    }
    Ok(ExitCode::SUCCESS)
}

fn of_all(view: &StoreView, now: Timestamp, lines: &mut Vec<Line>) {
    let clients = view.clients(now);
    let exposed = |(name, exposure): &(Box<str>, Exposure)| exposed(name, exposure);
    lines.extend(clients.iter().map(exposed));
    lines.push(Line::Clients {
        count: clients.len(),
        as_of: view.end().seq.get(),
    });
}

/// Exposure, positions and orders of one client. `false`: no such client.
fn of_client(
    view: &StoreView,
    client: &str,
    now: Timestamp,
    lines: &mut Vec<Line>,
) -> Result<bool> {
    let clients = view.clients(now);
    let Some((_, exposure)) = clients.iter().find(|(name, _)| **name == *client) else {
        return Ok(false);
    };
    lines.push(exposed(client, exposure));
    let position = |(symbol, net): &(Arc<str>, NetNotional)| Line::Position {
        client_id: client.to_owned(),
        symbol: symbol.to_string(),
        net: net.to_string(),
    };
    lines.extend(view.positions(client).iter().map(position));
    let orders = view.orders(client, now);
    let orders = orders.context("the orders cannot be read")?;
    lines.extend(orders.iter().map(|found| order(client, found)));
    Ok(true)
}

/// The orders in doubt, whose state only the venue knows.
fn in_doubt(view: &StoreView, now: Timestamp, lines: &mut Vec<Line>) -> Result<()> {
    let found = view.in_doubt(now).context("the orders cannot be read")?;
    lines.extend(found.iter().map(|(client, found)| order(client, found)));
    let held = found.iter().fold(Notional::ZERO, |held, (_, order)| {
        let sum = held.checked_add(order.state.held);
        sum.unwrap_or(Notional::MAX)
    });
    lines.push(Line::InDoubt {
        count: found.len(),
        held: held.to_string(),
        as_of: view.end().seq.get(),
    });
    Ok(())
}

fn kill_switch(ThrownSwitch { at, kill }: &ThrownSwitch) -> Line {
    Line::KillSwitch {
        at: at.to_string(),
        scope: kill.scope.kind(),
        name: kill.scope.name().map(str::to_owned),
        actor: kill.actor.to_string(),
        reason: kill.reason.to_string(),
        stopped: kill.scope.to_string(),
    }
}

fn exposed(client: &str, exposure: &Exposure) -> Line {
    Line::Client {
        client_id: client.to_owned(),
        reserved: exposure.reserved.to_string(),
        filled: exposure.filled.to_string(),
        gross: exposure.gross.to_string(),
        open_orders: exposure.open_orders,
    }
}

fn order(client: &str, OrderView { state, decision }: &OrderView) -> Line {
    let decision = decision.as_ref();
    Line::Order {
        client_id: client.to_owned(),
        client_order_id: decision.map(|decision| decision.order_id.to_string()),
        symbol: decision.map(|decision| decision.symbol.to_string()),
        side: state.side.as_str(),
        state: state.phase.as_str(),
        ordered: state.ordered.to_string(),
        filled: state.filled.to_string(),
        open: state.open.to_string(),
        held: state.held.to_string(),
        in_doubt: state.in_doubt,
    }
}

impl Line {
    /// The line as text. `is_of_one`: without the client's name in positions and orders.
    fn text(self, is_of_one: bool) -> String {
        let whose = |client: String| if is_of_one { String::new() } else { client };
        match self {
            Self::KillSwitch {
                at,
                actor,
                reason,
                stopped,
                ..
            } => format!("kill switch for {stopped} by {actor} at {at}: {reason}"),
            Self::Client {
                client_id,
                reserved,
                filled,
                gross,
                open_orders,
            } => format!(
                "{client_id}\treserved {reserved}\tfilled {filled}\tgross {gross}\topen {open_orders}"
            ),
            Self::Position {
                client_id,
                symbol,
                net,
            } => format!("{}  {symbol}\tnet {net}", whose(client_id)),
            Self::Order {
                client_id,
                client_order_id,
                symbol,
                side,
                state,
                ordered,
                filled,
                open,
                held,
                in_doubt,
            } => format!(
                "{}  {}\t{}\t{side}\t{state}\tordered {ordered}\tfilled {filled}\topen {open}\theld {held}{}",
                whose(client_id),
                client_order_id.as_deref().unwrap_or("(pruned)"),
                symbol.unwrap_or_default(),
                if in_doubt { "\tin doubt" } else { "" }
            ),
            Self::Clients { count, as_of } => format!("{count} clients, as of record {as_of}"),
            Self::InDoubt { count, held, as_of } => {
                format!("{count} orders in doubt, held {held}, as of record {as_of}")
            }
        }
    }
}
