//! The request to authorize an order.

use std::borrow::Cow;

use gate_token::Digest;
use gate_token::order::OrderMembers;
use gate_types::{ClientId, OrderId, Price, Qty, Side, Symbol};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::member::{id, price, qty, required, side};
use super::object::{Members, each_member, extra_value};
use super::unknown;
use crate::problem::{Code, Problem};

/// `POST /v1/authorize`, parsed.
#[derive(Debug)]
pub(crate) struct AuthorizeRequest<'a> {
    /// The order.
    pub(crate) order: Order<'a>,
    /// The client that sends it.
    pub(crate) client_id: ClientId<'a>,
    /// The members of `context` other than `client_id`. Only the policy sees them: they are not in
    /// the digest, so a replay ignores them.
    pub(crate) context_extra: Map<String, Value>,
}

/// The order of an [`AuthorizeRequest`].
#[derive(Debug)]
pub(crate) struct Order<'a> {
    /// The client's id of the order.
    pub(crate) client_order_id: OrderId<'a>,
    /// The instrument.
    pub(crate) symbol: Symbol<'a>,
    /// Buy or sell.
    pub(crate) side: Side,
    /// Quantity.
    pub(crate) qty: Qty,
    /// Price of one unit.
    pub(crate) price: Price,
    /// Further members, for the policy and the digest.
    pub(crate) extra: Map<String, Value>,
}

impl<'a> AuthorizeRequest<'a> {
    /// Reads the body of `POST /v1/authorize`.
    ///
    /// # Errors
    /// A [`Problem`] that names the member: malformed JSON, a duplicate, missing, unknown or
    /// invalid member.
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Problem> {
        let mut parts = Parts::default();
        each_member(body, &mut parts)?;
        let order = required(parts.order, "order")?.whole()?;
        let context = required(parts.context, "context")?;
        Ok(Self {
            order,
            client_id: required(context.client_id, "context.client_id")?,
            context_extra: context.extra,
        })
    }
}

/// The parts of an [`AuthorizeRequest`] read so far.
#[derive(Default)]
struct Parts<'a> {
    order: Option<OrderParts<'a>>,
    context: Option<ContextParts<'a>>,
}

#[derive(Default)]
struct OrderParts<'a> {
    client_order_id: Option<OrderId<'a>>,
    symbol: Option<Symbol<'a>>,
    side: Option<Side>,
    qty: Option<Qty>,
    price: Option<Price>,
    extra: Map<String, Value>,
}

#[derive(Default)]
struct ContextParts<'a> {
    client_id: Option<ClientId<'a>>,
    extra: Map<String, Value>,
}

impl<'a> Members<'a> for Parts<'a> {
    fn within(&mut self, key: &str) -> Option<(&'static str, &mut dyn Members<'a>)> {
        match key {
            "order" => Some(("order", self.order.insert(OrderParts::default()))),
            "context" => Some(("context", self.context.insert(ContextParts::default()))),
            _ => None,
        }
    }

    fn take(&mut self, key: Cow<'a, str>, _: &'a RawValue) -> Result<(), Problem> {
        Err(unknown(&key))
    }
}

impl<'a> Members<'a> for OrderParts<'a> {
    fn take(&mut self, key: Cow<'a, str>, raw: &'a RawValue) -> Result<(), Problem> {
        match &*key {
            "client_order_id" => {
                self.client_order_id = Some(id(raw, "order.client_order_id", OrderId::new)?);
            }
            "symbol" => self.symbol = Some(id(raw, "order.symbol", Symbol::new)?),
            "side" => self.side = Some(side(raw, "order.side")?),
            "qty" => self.qty = Some(qty(raw, "order.qty")?),
            "price" => self.price = Some(price(raw, "order.price")?),
            _ => {
                let value = extra_value(raw, "order", &key)?;
                self.extra.insert(key.into_owned(), value);
            }
        }
        Ok(())
    }
}

impl<'a> Members<'a> for ContextParts<'a> {
    fn take(&mut self, key: Cow<'a, str>, raw: &'a RawValue) -> Result<(), Problem> {
        if key == "client_id" {
            self.client_id = Some(id(raw, "context.client_id", ClientId::new)?);
        } else {
            let value = extra_value(raw, "context", &key)?;
            self.extra.insert(key.into_owned(), value);
        }
        Ok(())
    }
}

impl<'a> OrderParts<'a> {
    fn whole(self) -> Result<Order<'a>, Problem> {
        Ok(Order {
            client_order_id: required(self.client_order_id, "order.client_order_id")?,
            symbol: required(self.symbol, "order.symbol")?,
            side: required(self.side, "order.side")?,
            qty: required(self.qty, "order.qty")?,
            price: required(self.price, "order.price")?,
            extra: self.extra,
        })
    }
}

/// The digest that binds a token to one order and a retry to its first try: see
/// [`gate_token::order`]. Amounts are normalised; further members of `order` count.
pub(crate) fn order_digest(request: &AuthorizeRequest<'_>) -> Result<Digest, Problem> {
    let order = &request.order;
    let members = OrderMembers {
        client_order_id: order.client_order_id.as_str(),
        symbol: order.symbol.as_str(),
        side: order.side.as_str(),
        qty: &order.qty.decimal().text(),
        price: &order.price.decimal().text(),
        others: &order.extra,
    };
    members
        .digest()
        .map_err(|error| Problem::of_member(Code::InvalidMember, "order", error))
}
