//! Releases: the venue says that an order, or some of it, will not trade.

use gate_types::{ClientId, Exposure, Notional, OrderId, Qty};

use super::Ledger;
use crate::account::event::Event;
use crate::account::key::{Mark, OrderKey};
use crate::account::notional;
use crate::account::state::OrderState;
use crate::error::ReleaseError;
use crate::record::{ReleaseRecord, Seq};

/// The outcome of [`Ledger::release`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Released {
    /// Number of the record written; `None` if nothing was open or it was a repetition.
    pub seq: Option<Seq>,
    /// Answer once this is durable: earlier changes may still be on their way to the disk.
    pub wait_for: Seq,
    /// The hold given back.
    pub freed: Notional,
    /// The order's state after it.
    pub order: OrderState,
    /// The client's exposure after it.
    pub exposure: Exposure,
}

impl Ledger {
    /// Gives back the hold of an order that will not trade: all that is open, or up to `qty` of it.
    /// A repetition changes nothing; the same reason and quantity for the same order counts as one.
    ///
    /// # Errors
    /// [`ReleaseError`]; then nothing changed.
    pub fn release(
        &self,
        client_id: &ClientId<'_>,
        order_id: &OrderId<'_>,
        reason: &str,
        qty: Option<Qty>,
    ) -> Result<Released, ReleaseError> {
        let (now, key) = (self.clock.now(), OrderKey::of(order_id));
        let books = self.books.read();
        let account = books
            .known_account(client_id.as_str())
            .ok_or(ReleaseError::UnknownOrder)?;
        let mut account = account.lock();
        let order = account
            .remembered(&key, now, self.config.dedupe_window_ns)
            .ok_or(ReleaseError::UnknownOrder)?;
        let mark = qty.map(|qty| Mark::of_release(reason, qty));
        let repeated = mark.is_some_and(|mark| order.mark(&mark.key).is_some());
        if repeated || !order.is_live() {
            let order = OrderState::of(order, now);
            return Ok(Released {
                seq: None,
                wait_for: Seq::new(account.last_seq()),
                freed: Notional::ZERO,
                order,
                exposure: account.exposure(now),
            });
        }
        // Releases leave room for fills, which are facts.
        let most = self.config.max_reports_per_order.div_euclid(2);
        if mark.is_some() && order.reports() >= most {
            return Err(ReleaseError::TooManyReports);
        }

        let open = qty.map(|qty| qty.decimal().nanos());
        let (_, freed) = order.hold().release(open);
        let record = ReleaseRecord {
            client_id: client_id.as_str().into(),
            order_id: order_id.as_str().into(),
            reason: reason.into(),
            qty,
            freed: notional(freed),
        };
        let seq = self.push(now, &record)?;
        let event = Event::released((seq, now), key, &record, mark);
        let effect = books.apply(&mut account, &event);
        let order = account.order(&key).ok_or(ReleaseError::UnknownOrder)?;
        Ok(Released {
            seq: Some(Seq::new(seq)),
            wait_for: Seq::new(seq),
            freed: notional(effect.freed),
            order: OrderState::of(order, now),
            exposure: account.exposure(now),
        })
    }
}
