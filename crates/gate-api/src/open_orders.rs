//! The open orders of one client, for an operator who has to cancel them or ask the venue about
//! them.

use gate_state::{OpenOrders, Seq, WaitFor};
use gate_types::ClientId;
use serde::Serialize;

use crate::gate::Gate;
use crate::problem::{Code, Problem};
use crate::request::{duplicate, unknown};
use crate::views::{OrderView, json};

/// The most open orders in one answer, when the request does not say.
const USUAL: usize = 100;
/// The most that a request may ask for: each is read from the journal.
pub const MAX_OPEN_ORDERS: usize = 1_000;

/// Which of the open orders are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    after: Seq,
    limit: usize,
}

impl Page {
    /// Reads the members of a query: `after`, the number of a decision, and `limit`.
    ///
    /// # Errors
    /// `invalid_member`, `duplicate_member` or `unknown_member`, with the name.
    pub fn parse<'q>(
        members: impl IntoIterator<Item = (&'q str, &'q str)>,
    ) -> Result<Self, Problem> {
        let (mut after, mut limit) = (None, None);
        for (name, text) in members {
            let given = match name {
                "after" => after.replace(number("after", text, 0, u64::MAX)?).is_some(),
                "limit" => limit
                    .replace(number("limit", text, 1, MAX_OPEN_ORDERS as u64)?)
                    .is_some(),
                _ => return Err(unknown(name)),
            };
            if given {
                return Err(duplicate("", name));
            }
        }
        let limit = limit.and_then(|limit| usize::try_from(limit).ok());
        Ok(Self {
            after: Seq::new(after.unwrap_or(0)),
            limit: limit.unwrap_or(USUAL),
        })
    }
}

fn number(name: &'static str, text: &str, least: u64, most: u64) -> Result<u64, Problem> {
    let number = text.parse().ok();
    let within = number.filter(|number| (least..=most).contains(number));
    within.ok_or_else(|| {
        let what = format!("is not a whole number from {least} to {most}");
        Problem::of_member(Code::InvalidMember, name, what)
    })
}

/// Open orders found: [`Gate::show_open_orders`] shows them.
#[derive(Debug)]
pub struct FoundOpenOrders {
    client_id: ClientId<'static>,
    found: OpenOrders,
}

impl FoundOpenOrders {
    /// What must be durable before they are shown.
    #[must_use]
    pub const fn wait_for(&self) -> WaitFor {
        WaitFor::Disk(self.found.as_of)
    }
}

#[derive(Serialize)]
struct OpenOrdersView<'a> {
    client_id: &'a str,
    orders: Vec<OpenOrderView>,
    /// The `after` of the next page; `None` on the last one.
    next: Option<u64>,
}

#[derive(Serialize)]
struct OpenOrderView {
    client_order_id: String,
    symbol: String,
    price: String,
    decided_at: String,
    #[serde(flatten)]
    order: OrderView,
}

impl Gate {
    /// Finds some of a client's open orders, oldest first.
    #[must_use]
    pub fn find_open_orders(&self, client_id: &ClientId<'_>, page: Page) -> FoundOpenOrders {
        FoundOpenOrders {
            client_id: client_id.clone().into_owned(),
            found: self.ledger.open_orders(client_id, page.after, page.limit),
        }
    }

    /// The body of `GET /v1/orders/{client_id}`. Reads each decision from the disk, so it is not for
    /// a thread that others wait for.
    ///
    /// # Errors
    /// A 503 if what was found is not durable; a 500 if the journal cannot be read.
    pub fn show_open_orders(&self, found: &FoundOpenOrders) -> Result<Vec<u8>, Problem> {
        self.ensure_durable(found.wait_for())?;
        let OpenOrders { orders, more, .. } = &found.found;
        let shown: Result<Vec<OpenOrderView>, Problem> = orders
            .iter()
            .map(|order| {
                let decision = self.ledger.decision(order.decision)?;
                Ok(OpenOrderView {
                    client_order_id: decision.record.order_id.into_owned(),
                    symbol: decision.record.symbol.into_owned(),
                    price: decision.record.price.to_string(),
                    decided_at: decision.at.to_string(),
                    order: OrderView::of(order),
                })
            })
            .collect();
        let last = orders.last().filter(|_| *more);
        Ok(json(&OpenOrdersView {
            client_id: found.client_id.as_str(),
            orders: shown?,
            next: last.map(|order| order.decision.get()),
        }))
    }
}
