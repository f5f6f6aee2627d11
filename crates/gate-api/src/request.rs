//! Bytes → typed requests. Everything a caller can get wrong is found here, by name, before
//! any state is touched.

mod member;
mod object;

use std::borrow::Cow;

use gate_token::Digest;
use gate_token::order::OrderMembers;
use gate_types::{ClientId, ExecId, OrderId, Price, Qty, Side, Symbol};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::problem::{Code, Problem};
use member::{flag, id, price, qty, required, side, text};
use object::{Members, each_member, extra_value};

/// The most bytes a request body may have.
pub const MAX_BODY_BYTES: usize = 16 * 1024;

/// The most bytes a `reason` or an `actor` may have.
pub const MAX_REASON_BYTES: usize = 256;

/// `POST /v1/authorize`, parsed.
#[derive(Debug)]
pub struct AuthorizeRequest<'a> {
    /// The order.
    pub order: Order<'a>,
    /// Whose order it is.
    pub client_id: ClientId<'a>,
    /// The members of `context` beside `client_id`, for the policy alone: the digest, and so a replay,
    /// does not see them.
    pub context_extra: Map<String, Value>,
}

/// The order of an [`AuthorizeRequest`].
#[derive(Debug)]
pub struct Order<'a> {
    /// The client's name for it.
    pub client_order_id: OrderId<'a>,
    /// The instrument.
    pub symbol: Symbol<'a>,
    /// Which way.
    pub side: Side,
    /// How much.
    pub qty: Amount<Qty>,
    /// At which price.
    pub price: Amount<Price>,
    /// Further members, for the policy and the digest.
    pub extra: Map<String, Value>,
}

/// An amount, and whether the caller sent it as a JSON string or as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amount<T> {
    /// The exact amount.
    pub value: T,
    /// Sent as a string.
    pub is_text: bool,
}

/// `POST /v1/release`, parsed.
#[derive(Debug)]
pub struct ReleaseRequest<'a> {
    /// Whose order.
    pub client_id: ClientId<'a>,
    /// Which order.
    pub client_order_id: OrderId<'a>,
    /// Why, in the venue's words; recorded as it is.
    pub reason: Cow<'a, str>,
    /// How much of the open quantity; all of it when absent.
    pub qty: Option<Qty>,
}

/// `POST /v1/fill`, parsed.
#[derive(Debug)]
pub struct FillRequest<'a> {
    /// Whose order.
    pub client_id: ClientId<'a>,
    /// Which order.
    pub client_order_id: OrderId<'a>,
    /// The venue's name for the execution.
    pub exec_id: ExecId<'a>,
    /// How much was executed.
    pub qty: Qty,
    /// At which price.
    pub price: Price,
}

/// `POST /v1/kill` on the admin listener, parsed.
#[derive(Debug)]
pub struct KillRequest<'a> {
    /// What is stopped: one client, one symbol, or everything when neither is named.
    pub scope: KillTarget<'a>,
    /// Thrown, or lifted.
    pub on: bool,
    /// Who does it; recorded as it is.
    pub actor: Cow<'a, str>,
    /// Why; recorded as it is.
    pub reason: Cow<'a, str>,
}

/// What a kill switch stops.
#[derive(Debug)]
pub enum KillTarget<'a> {
    /// Every new order.
    All,
    /// New orders of one client.
    Client(ClientId<'a>),
    /// New orders in one instrument.
    Symbol(Symbol<'a>),
}

impl<'a> AuthorizeRequest<'a> {
    /// Reads the body of `POST /v1/authorize`.
    ///
    /// # Errors
    /// A [`Problem`] that names the member: malformed JSON, a duplicate, missing, unknown or
    /// invalid member.
    pub fn parse(body: &'a [u8]) -> Result<Self, Problem> {
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

/// As much of an [`AuthorizeRequest`] as was read.
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
    qty: Option<Amount<Qty>>,
    price: Option<Amount<Price>>,
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

impl<'a> ReleaseRequest<'a> {
    /// Reads the body of `POST /v1/release`.
    ///
    /// # Errors
    /// As [`AuthorizeRequest::parse`].
    pub fn parse(body: &'a [u8]) -> Result<Self, Problem> {
        let (mut client, mut order, mut reason, mut amount) = (None, None, None, None);
        each_member(body, &mut |key: Cow<'a, str>, raw: &'a RawValue| {
            match &*key {
                "client_id" => client = Some(id(raw, "client_id", ClientId::new)?),
                "client_order_id" => order = Some(id(raw, "client_order_id", OrderId::new)?),
                "reason" => reason = Some(words(raw, "reason")?),
                "qty" => amount = Some(qty(raw, "qty")?.value),
                _ => return Err(unknown(&key)),
            }
            Ok(())
        })?;
        Ok(Self {
            client_id: required(client, "client_id")?,
            client_order_id: required(order, "client_order_id")?,
            reason: required(reason, "reason")?,
            qty: amount,
        })
    }
}

impl<'a> FillRequest<'a> {
    /// Reads the body of `POST /v1/fill`.
    ///
    /// # Errors
    /// As [`AuthorizeRequest::parse`].
    pub fn parse(body: &'a [u8]) -> Result<Self, Problem> {
        let (mut client, mut order, mut exec) = (None, None, None);
        let (mut fill_qty, mut fill_price) = (None, None);
        each_member(body, &mut |key: Cow<'a, str>, raw: &'a RawValue| {
            match &*key {
                "client_id" => client = Some(id(raw, "client_id", ClientId::new)?),
                "client_order_id" => order = Some(id(raw, "client_order_id", OrderId::new)?),
                "exec_id" => exec = Some(id(raw, "exec_id", ExecId::new)?),
                "qty" => fill_qty = Some(qty(raw, "qty")?.value),
                "price" => fill_price = Some(price(raw, "price")?.value),
                _ => return Err(unknown(&key)),
            }
            Ok(())
        })?;
        Ok(Self {
            client_id: required(client, "client_id")?,
            client_order_id: required(order, "client_order_id")?,
            exec_id: required(exec, "exec_id")?,
            qty: required(fill_qty, "qty")?,
            price: required(fill_price, "price")?,
        })
    }
}

/// What binds a token to one order and a retry to its first try: see
/// [`gate_token::order`]. Amounts are normalised, further members of `order` count.
pub(crate) fn order_digest(request: &AuthorizeRequest<'_>) -> Result<Digest, Problem> {
    let order = &request.order;
    let members = OrderMembers {
        client_order_id: order.client_order_id.as_str(),
        symbol: order.symbol.as_str(),
        side: order.side.as_str(),
        qty: &order.qty.value.decimal().text(),
        price: &order.price.value.decimal().text(),
        others: &order.extra,
    };
    members
        .digest()
        .map_err(|error| Problem::of_member(Code::InvalidMember, "order", error))
}

impl<'a> KillRequest<'a> {
    /// Reads the body of `POST /v1/kill`.
    ///
    /// # Errors
    /// As [`AuthorizeRequest::parse`]; also when both a client and a symbol are named.
    pub fn parse(body: &'a [u8]) -> Result<Self, Problem> {
        let (mut client, mut symbol, mut on) = (None, None, None);
        let (mut actor, mut reason) = (None, None);
        each_member(body, &mut |key: Cow<'a, str>, raw: &'a RawValue| {
            match &*key {
                "client_id" => client = Some(id(raw, "client_id", ClientId::new)?),
                "symbol" => symbol = Some(id(raw, "symbol", Symbol::new)?),
                "on" => on = Some(flag(raw, "on")?),
                "actor" => actor = Some(words(raw, "actor")?),
                "reason" => reason = Some(words(raw, "reason")?),
                _ => return Err(unknown(&key)),
            }
            Ok(())
        })?;
        let scope = match (client, symbol) {
            (None, None) => KillTarget::All,
            (Some(client), None) => KillTarget::Client(client),
            (None, Some(symbol)) => KillTarget::Symbol(symbol),
            (Some(_), Some(_)) => {
                let what = "and `client_id` are two switches; throw them one by one";
                return Err(Problem::of_member(Code::InvalidMember, "symbol", what));
            }
        };
        Ok(Self {
            scope,
            on: required(on, "on")?,
            actor: required(actor, "actor")?,
            reason: required(reason, "reason")?,
        })
    }
}

pub(crate) fn unknown(key: &str) -> Problem {
    Problem::of_member(
        Code::UnknownMember,
        key.to_owned(),
        "is not a member of this request",
    )
}

/// A reason or a name that is recorded as it is.
fn words<'a>(raw: &'a RawValue, path: &'static str) -> Result<Cow<'a, str>, Problem> {
    let words = text(raw, path)?;
    if words.is_empty() || words.len() > MAX_REASON_BYTES {
        let what = format!("must have 1 to {MAX_REASON_BYTES} bytes");
        return Err(Problem::of_member(Code::InvalidMember, path, what));
    }
    // Whoever reads it in a log or at a terminal sees one line of text, as of an id.
    if words.chars().any(char::is_control) {
        let what = "must not contain a control character";
        return Err(Problem::of_member(Code::InvalidMember, path, what));
    }
    Ok(words)
}

#[cfg(test)]
mod tests;
