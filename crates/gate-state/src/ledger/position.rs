//! Positions put right by an operator: what a client brought along, what traded elsewhere, a trade that
//! the venue took back.

use gate_types::{ClientId, Exposure, NetNotional, Symbol};

use super::Ledger;
use crate::account::net_notional;
use crate::error::PositionError;
use crate::record::{PositionRecord, Seq};

/// What an operator says of one client's net position in one instrument.
#[derive(Debug, Clone, Copy)]
pub struct SetPosition<'a> {
    /// The client; one that was never seen is taken, too.
    pub client_id: &'a ClientId<'a>,
    /// The instrument.
    pub symbol: &'a Symbol<'a>,
    /// What it is.
    pub net: NetNotional,
    /// What it is taken to be so far: if it is neither this nor `net`, that is an error. `None`: whatever
    /// it is.
    pub expected: Option<NetNotional>,
    /// Who says so; recorded as it is.
    pub actor: &'a str,
    /// Why; recorded as it is.
    pub reason: &'a str,
}

/// The outcome of [`Ledger::set_position`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PositionSet {
    /// The record this wrote; `None` when it was so already.
    pub seq: Option<Seq>,
    /// Answer once this is durable: what was said before may still be on its way to the disk.
    pub wait_for: Seq,
    /// What it was.
    pub before: NetNotional,
    /// The client after it.
    pub exposure: Exposure,
}

impl Ledger {
    /// Sets a client's net position in one instrument, whatever has traded here: fills go on from it, and
    /// the client's `filled` follows from it. No order changes. Repeating it changes nothing.
    ///
    /// # Errors
    /// [`PositionError`]; then nothing changed.
    pub fn set_position(&self, to: &SetPosition<'_>) -> Result<PositionSet, PositionError> {
        let now = self.clock.now();
        let (client, symbol) = (to.client_id.as_str(), to.symbol.as_str());
        let books = self.books.read();
        let account = books.account(client);
        let mut account = account.lock();
        let number = books.symbols.number(symbol);
        let before = net_notional(account.position(number));
        if to.net == before {
            return Ok(PositionSet {
                seq: None,
                wait_for: Seq::new(account.last_seq()),
                before,
                exposure: account.exposure(now),
            });
        }
        if to.expected.is_some_and(|expected| expected != before) {
            return Err(PositionError::Unexpected { found: before });
        }
        let record = PositionRecord {
            client_id: client.into(),
            symbol: symbol.into(),
            before,
            after: to.net,
            actor: to.actor.into(),
            reason: to.reason.into(),
        };
        let seq = self.push(now, &record)?;
        account.set_position(seq, number, to.net.micros());
        let exposure = account.exposure(now);
        drop(account);
        let (after, actor, reason) = (to.net, to.actor, to.reason);
        tracing::warn!(client, symbol, %before, %after, actor, reason, "position set");
        Ok(PositionSet {
            seq: Some(Seq::new(seq)),
            wait_for: Seq::new(seq),
            before,
            exposure,
        })
    }
}
