//! Fills turn holds into filled exposure. A late fill or an over-fill is never refused: the venue's
//! word is a fact.

use gate_types::{ClientId, ContractSize, ExecId, Exposure, Notional, OrderId, Price, Qty};

use super::Ledger;
use crate::account::event::Event;
use crate::account::key::{Mark, OrderKey};
use crate::account::notional;
use crate::account::state::{OrderState, Phase};
use crate::error::FillError;
use crate::record::{FillRecord, Seq};

/// An execution at the venue.
#[derive(Debug, Clone, Copy)]
pub struct NewFill<'a> {
    /// The client.
    pub client_id: &'a ClientId<'a>,
    /// The client's id of the order.
    pub order_id: &'a OrderId<'a>,
    /// The venue's id of the execution; a repetition changes nothing.
    pub exec_id: &'a ExecId<'a>,
    /// Quantity traded.
    pub qty: Qty,
    /// Price traded at.
    pub price: Price,
}

/// The outcome of [`Ledger::fill`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filled {
    /// Number of this execution's record, written now or before.
    pub seq: Seq,
    /// Answer once this is durable: the answer rests on it.
    pub wait_for: Seq,
    /// The execution was known already: nothing changed.
    pub repeated: bool,
    /// The hold turned into filled exposure; zero for a repetition.
    pub converted: Notional,
    /// Some of the quantity had been released or expired before.
    pub late: bool,
    /// Some of the quantity had never been ordered.
    pub over: bool,
    /// The order's state after it.
    pub order: OrderState,
    /// The client's exposure after it.
    pub exposure: Exposure,
}

impl Filled {
    /// The outcome for a repetition.
    const fn again(seq: Seq, wait_for: Seq, order: OrderState, exposure: Exposure) -> Self {
        Self {
            seq,
            wait_for,
            repeated: true,
            converted: Notional::ZERO,
            late: false,
            over: false,
            order,
            exposure,
        }
    }
}

impl Ledger {
    /// Applies an execution, once per order and `exec_id`. `contract_size` is asked for the
    /// order's symbol, under the client's lock; it must not call the ledger. Answer once
    /// [`Filled::wait_for`] is durable.
    ///
    /// # Errors
    /// [`FillError`]; then nothing changed.
    pub fn fill(
        &self,
        fill: &NewFill<'_>,
        contract_size: impl FnOnce(&str) -> ContractSize,
    ) -> Result<Filled, FillError> {
        let (now, key) = (self.clock.now(), OrderKey::of(fill.order_id));
        let books = self.books.read();
        let account = books
            .known_account(fill.client_id.as_str())
            .ok_or(FillError::UnknownOrder)?;
        let mut account = account.lock();
        let order = account
            .remembered(&key, now, self.config.dedupe_window_ns)
            .ok_or(FillError::UnknownOrder)?;
        if order.phase() == Phase::Blocked {
            return Err(FillError::BlockedOrder);
        }
        let mark = Mark::of_fill(fill.exec_id.as_str(), fill.qty, fill.price);
        if let Some(known) = order.mark(&mark.key) {
            let seq = Seq::new(known.seq);
            if known.content != mark.content {
                return Err(FillError::Conflict { seq });
            }
            let exposure = account.exposure(now);
            let wait_for = Seq::new(account.last_seq());
            return Ok(Filled::again(
                seq,
                wait_for,
                OrderState::of(order, now),
                exposure,
            ));
        }
        if order.reports() >= self.config.max_reports_per_order {
            return Err(FillError::TooManyReports);
        }

        let size = contract_size(&books.symbols.text(order.symbol));
        let traded = Notional::of(fill.qty, fill.price, size).map_err(|_| FillError::OutOfRange)?;
        let step = order.hold().fill(fill.qty.decimal().nanos());
        let record = FillRecord {
            client_id: fill.client_id.as_str().into(),
            order_id: fill.order_id.as_str().into(),
            exec_id: fill.exec_id.as_str().into(),
            qty: fill.qty,
            price: fill.price,
            notional: traded,
            converted: notional(step.converted),
            late: step.late,
            over: step.over,
        };
        let seq = self.push(now, &record)?;
        let event = Event::filled((seq, now), key, &record, mark);
        books.apply(&mut account, &event);
        let order = account.order(&key).ok_or(FillError::UnknownOrder)?;
        Ok(Filled {
            seq: Seq::new(seq),
            wait_for: Seq::new(seq),
            repeated: false,
            converted: notional(step.converted),
            late: step.late,
            over: step.over,
            order: OrderState::of(order, now),
            exposure: account.exposure(now),
        })
    }
}
