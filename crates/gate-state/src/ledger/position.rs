//! Positions set by an operator: brought along by a client, traded elsewhere, or taken back by the
//! venue.

use gate_types::{ClientId, Exposure, NetNotional, Symbol};

use super::Ledger;
use crate::account::net_notional;
use crate::error::PositionError;
use crate::record::{PositionRecord, Seq};

/// An operator's statement of a client's net position in one instrument.
#[derive(Debug, Clone, Copy)]
pub struct SetPosition<'a> {
    /// The client; it may be new.
    pub client_id: &'a ClientId<'a>,
    /// The instrument.
    pub symbol: &'a Symbol<'a>,
    /// The net position to set.
    pub net: NetNotional,
    /// The position expected now: if it is neither this nor `net`, that is an error. `None`: any.
    pub expected: Option<NetNotional>,
    /// Who says so; recorded as given.
    pub actor: &'a str,
    /// Why; recorded as given.
    pub reason: &'a str,
}

/// The outcome of [`Ledger::set_position`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PositionSet {
    /// Number of the record written; `None` if the position was `net` already.
    pub seq: Option<Seq>,
    /// Answer once this is durable: earlier changes may still be on their way to the disk.
    pub wait_for: Seq,
    /// The position before.
    pub before: NetNotional,
    /// The client's exposure after it.
    pub exposure: Exposure,
}

impl Ledger {
    /// Sets a client's net position in one instrument, whatever has traded here. Later fills add to
    /// it, and the client's `filled` follows. No order changes; a repetition changes nothing.
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
        // Whoever reads the log may be slow.
        drop(books);
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
