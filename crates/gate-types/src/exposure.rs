//! What a client has at risk at one moment. A plain value: nothing here changes an account.

use crate::amount::Notional;

/// One client's exposure, all of it taken at the same instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Exposure {
    /// Held by open orders: Σ of their holds.
    pub reserved: Notional,
    /// Σ over symbols of the absolute net filled notional.
    pub filled: Notional,
    /// `reserved + filled`: what a limit is compared with.
    pub gross: Notional,
    /// Orders with a live hold.
    pub open_orders: u64,
    /// Orders authorized within the last second (sliding window).
    pub orders_last_second: u64,
}

impl Exposure {
    /// How much more would fit under `limit`; zero when it is reached or exceeded.
    #[must_use]
    pub const fn headroom(&self, limit: Notional) -> Notional {
        limit.saturating_sub(self.gross)
    }

    /// Whether a further hold of `notional` would still fit under `limit`.
    #[must_use]
    pub fn admits(&self, notional: Notional, limit: Option<Notional>) -> bool {
        match (self.gross.checked_add(notional), limit) {
            (Ok(gross), Some(limit)) => gross <= limit,
            (Ok(_), None) => true,
            // Beyond what an amount can hold: no limit can be that high.
            (Err(_), _) => false,
        }
    }

    /// The exposure once one more order holds `notional`.
    #[must_use]
    pub fn with_hold(self, notional: Notional) -> Self {
        let add = |sum: Notional| sum.checked_add(notional).unwrap_or(sum);
        Self {
            reserved: add(self.reserved),
            gross: add(self.gross),
            open_orders: self.open_orders.saturating_add(1),
            orders_last_second: self.orders_last_second.saturating_add(1),
            ..self
        }
    }
}
