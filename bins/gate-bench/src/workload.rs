//! The requests: a seeded, repeatable stream over many clients.
//!
//! The kind of request i, and the client of a new order, depend only on the seed; the run id keeps
//! order ids of different runs apart. Which earlier order a release, fill or replay names depends
//! on which have been authorized by then, and so on the server's timing. Request bytes are built
//! once; for each request only the ids are written into their fixed places. No socket and no clock
//! here.

mod clients;
mod mix;
mod template;

use std::collections::VecDeque;

pub use clients::Spread;
pub use mix::{Kind, Mix};

use self::clients::Clients;
use self::template::Template;
use crate::rng::{self, Stream};

/// Everything that decides which requests are sent.
#[derive(Debug, Clone)]
pub struct WorkloadConfig {
    /// Runs with the same seed ask the same.
    pub seed: u64,
    /// Part of every order id, so that runs over one data directory do not collide.
    pub run_id: String,
    /// How many clients there are, `c00000` and up.
    pub clients: u64,
    /// How requests spread over them.
    pub spread: Spread,
    /// The instrument ordered.
    pub symbol: String,
    /// The instrument of orders that are meant to be blocked.
    pub blocked_symbol: String,
    /// Quantity and price, as they stand in the JSON.
    pub qty: String,
    /// See `qty`.
    pub price: String,
    /// Shares of the kinds of request.
    pub mix: Mix,
}

impl Default for WorkloadConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            run_id: "run".into(),
            // 100,000 req/s over 10,000 clients stay far below 100 orders/s each, and at 185.50
            // an order it takes 26,000 orders to fill one client's 5,000,000.
            clients: 10_000,
            spread: Spread::Uniform,
            symbol: "AAPL".into(),
            blocked_symbol: "GME".into(),
            qty: "1".into(),
            price: "185.50".into(),
            mix: Mix::default(),
        }
    }
}

/// An order that was sent: enough to name it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderRef {
    /// The index of the request that placed it.
    pub index: u64,
    /// The number of its client.
    pub client: u64,
}

/// A request on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Request {
    /// What is asked.
    pub kind: Kind,
    /// About which order.
    pub order: OrderRef,
}

impl Request {
    /// Whether this is the request that places its order.
    #[must_use]
    pub(crate) fn is_new_order(&self) -> bool {
        matches!(self.kind, Kind::Authorize | Kind::Blocked)
    }
}

/// Orders that releases, fills and replays may name; older ones are forgotten.
const KNOWN_ORDERS_MAX: usize = 16 * 1024;

/// One thread's supply of requests.
#[derive(Debug)]
pub(crate) struct Workload {
    config: WorkloadConfig,
    clients: Clients,
    templates: [Template; Kind::ALL.len()],
    /// Authorized orders of this thread whose hold is still open.
    open: VecDeque<OrderRef>,
}

impl Workload {
    /// Builds the request bytes for a server called `host`.
    #[must_use]
    pub(crate) fn new(config: &WorkloadConfig, host: &str) -> Self {
        Self {
            clients: Clients::new(config.clients, config.spread),
            templates: Kind::ALL.map(|kind| Template::new(kind, config, host)),
            open: VecDeque::new(),
            config: config.clone(),
        }
    }

    /// The request with this index, and its bytes. A release, fill or replay without an order to
    /// name becomes an order of its own.
    pub(crate) fn request(&mut self, index: u64) -> (Request, &[u8]) {
        let bits = rng::draw(self.config.seed, index, Stream::Kind);
        let drawn = self.config.mix.pick(bits);
        let known = match drawn {
            Kind::Authorize | Kind::Blocked => None,
            Kind::Release | Kind::Fill => self.open.pop_front(),
            Kind::Replay => self.open.back().copied(),
        };
        let request = match (drawn, known) {
            (kind, Some(order)) => Request { kind, order },
            (Kind::Blocked, None) => self.place(Kind::Blocked, index),
            (_, None) => self.place(Kind::Authorize, index),
        };
        let bytes = self
            .templates
            .get_mut(request.kind.position())
            .map(|template| template.patch(request.order, index))
            .unwrap_or_default();
        (request, bytes)
    }

    /// Records that `order` was authorized and may be released, filled or replayed.
    pub(crate) fn opened(&mut self, order: OrderRef) {
        if self.config.mix.names_earlier_orders() {
            if self.open.len() == KNOWN_ORDERS_MAX {
                self.open.pop_front();
            }
            self.open.push_back(order);
        }
    }

    fn place(&self, kind: Kind, index: u64) -> Request {
        let bits = rng::draw(self.config.seed, index, Stream::Client);
        let client = self.clients.pick(bits);
        Request {
            kind,
            order: OrderRef { index, client },
        }
    }
}

impl WorkloadConfig {
    /// The client's name, as it stands in the requests.
    #[must_use]
    pub fn client_name(&self, order: OrderRef) -> String {
        let width = template::client_digits(self.clients);
        format!("c{:0width$}", order.client)
    }

    /// The order's name, as it stands in the requests.
    #[must_use]
    pub fn order_name(&self, order: OrderRef) -> String {
        format!("{}-{:010}", self.run_id, order.index)
    }

    /// The `order` member of the request, as it was sent.
    #[must_use]
    pub fn order_json(&self, kind: Kind, order: OrderRef) -> String {
        template::order_json(kind, self, &self.order_name(order))
    }
}

#[cfg(test)]
mod tests;
