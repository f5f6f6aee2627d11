//! Replay: applies one journal record to the books.

use super::Books;
use crate::account::event::{Event, What};
use crate::account::key::{Mark, OrderKey};
use crate::account::net_notional;
use crate::account::order::Order;
use crate::error::{Damage, DamageKind};
use crate::record::{ContextId, Entry, PositionRecord, Record};

/// Most ended orders of a client that one of its decisions drops from memory.
pub(crate) const FORGET_PER_DECISION: usize = 4;

impl Books {
    /// Applies one record. A decision drops orders of its client that ended `window_ns` or longer
    /// before it. Fails if the record contradicts the state.
    pub(crate) fn replay(&mut self, entry: &Entry<'_>, window_ns: u64) -> Result<(), Damage> {
        let (seq, at) = (entry.seq.get(), entry.at);
        let place = (seq, at);
        let (client, event, freed) = match &entry.record {
            Record::Context(context) => {
                self.add_context(ContextId::of(seq), context.clone());
                return Ok(());
            }
            Record::Kill(kill) => {
                self.kills.apply(at, kill);
                return Ok(());
            }
            Record::Void => return Ok(()),
            Record::Position(position) => return self.put_right(seq, position),
            Record::Decision(decision) => {
                let key = OrderKey::of_text(&decision.order_id);
                let symbol = self.symbol_of(decision, usize::MAX).unwrap_or(u32::MAX);
                let event = Event::decided(place, key, decision, symbol);
                (&decision.client_id, event, 0)
            }
            Record::Release(release) => {
                let key = OrderKey::of_text(&release.order_id);
                let mark = release
                    .qty
                    .map(|qty| Mark::of_release(&release.reason, qty));
                let event = Event::released(place, key, release, mark);
                (&release.client_id, event, release.freed.micros())
            }
            Record::Fill(fill) => {
                let key = OrderKey::of_text(&fill.order_id);
                let mark = Mark::of_fill(&fill.exec_id, fill.qty, fill.price);
                let event = Event::filled(place, key, fill, mark);
                (&fill.client_id, event, fill.converted.micros())
            }
            Record::Expire(expire) => {
                let event = Event::expired(place, expire);
                (&expire.client_id, event, expire.freed.micros())
            }
        };
        self.apply_recorded(client, &event, freed, window_ns)
    }

    fn apply_recorded(
        &self,
        client: &str,
        event: &Event,
        freed: u128,
        window_ns: u64,
    ) -> Result<(), Damage> {
        let account = self.account(client);
        let mut account = account.lock();
        if account.last_seq() >= event.seq {
            // The snapshot already contains this record.
            return Ok(());
        }
        if matches!(event.what, What::Decide { .. }) {
            self.forget(&mut account, event.at, window_ns, FORGET_PER_DECISION);
            // Its hold would stay, and no order with it.
            if account.order(&event.order).is_some_and(Order::is_live) {
                return Err(Damage::at(event.seq, DamageKind::Contradiction));
            }
        }
        let effect = self.apply(&mut account, event);
        if effect.unknown || effect.freed != freed {
            return Err(Damage::at(event.seq, DamageKind::Contradiction));
        }
        Ok(())
    }

    fn put_right(&self, seq: u64, position: &PositionRecord<'_>) -> Result<(), Damage> {
        let account = self.account(&position.client_id);
        let mut account = account.lock();
        if account.last_seq() >= seq {
            // The snapshot already contains this record.
            return Ok(());
        }
        let symbol = self.symbols.number(&position.symbol);
        if net_notional(account.position(symbol)) != position.before {
            return Err(Damage::at(seq, DamageKind::Contradiction));
        }
        account.set_position(seq, symbol, position.after.micros());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use gate_types::{Exposure, Notional, Price, Qty, Side, Timestamp};

    use super::*;
    use crate::record::{DecisionRecord, Seq, Status};

    /// The hold of the first would stay for ever, and no order with it.
    #[test]
    fn an_order_that_lives_is_not_decided_again() {
        let decision = Record::Decision(DecisionRecord {
            client_id: "c5".into(),
            order_id: "o-1".into(),
            symbol: "AAPL".into(),
            side: Side::Buy,
            qty: Qty::parse("1").unwrap(),
            price: Price::parse("10").unwrap(),
            notional: Notional::parse("10").unwrap(),
            digest: [9; 32],
            trace_id: [8; 16],
            expires: Timestamp::from_unix_seconds(60),
            context: ContextId::of(1),
            status: Status::Authorized,
            reasons: Vec::new(),
            before: Exposure::default(),
            limit: None,
        });
        let entry = |seq| Entry {
            seq: Seq::new(seq),
            at: Timestamp::from_unix_seconds(1),
            record: decision.clone(),
        };
        let mut books = Books::default();
        books.replay(&entry(2), 1).unwrap();
        let again = books.replay(&entry(3), 1);
        assert_eq!(again, Err(Damage::at(3, DamageKind::Contradiction)));
    }
}
