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
use object::{each_member, each_member_of_body, extra_value};

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
    /// The members of `context` beside `client_id`, for the policy and the digest.
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
        let (mut order, mut context) = (None, None);
        each_member_of_body(body, |key, raw| {
            match &*key {
                "order" => order = Some(Order::parse(raw)?),
                "context" => context = Some(parse_context(raw)?),
                _ => return Err(unknown(&key)),
            }
            Ok(())
        })?;
        let order = required(order, "order")?;
        let (client_id, context_extra) = required(context, "context")?;
        Ok(Self {
            order,
            client_id,
            context_extra,
        })
    }
}

impl<'a> Order<'a> {
    fn parse(raw: &'a RawValue) -> Result<Self, Problem> {
        let (mut order_id, mut symbol, mut order_side) = (None, None, None);
        let (mut order_qty, mut order_price) = (None, None);
        let mut extra = Map::new();
        each_member(raw, "order", |key, raw| {
            match &*key {
                "client_order_id" => {
                    order_id = Some(id(raw, "order.client_order_id", OrderId::new)?);
                }
                "symbol" => symbol = Some(id(raw, "order.symbol", Symbol::new)?),
                "side" => order_side = Some(side(raw, "order.side")?),
                "qty" => order_qty = Some(qty(raw, "order.qty")?),
                "price" => order_price = Some(price(raw, "order.price")?),
                _ => {
                    let value = extra_value(raw, "order", &key)?;
                    extra.insert(key.into_owned(), value);
                }
            }
            Ok(())
        })?;
        Ok(Self {
            client_order_id: required(order_id, "order.client_order_id")?,
            symbol: required(symbol, "order.symbol")?,
            side: required(order_side, "order.side")?,
            qty: required(order_qty, "order.qty")?,
            price: required(order_price, "order.price")?,
            extra,
        })
    }
}

fn parse_context(raw: &RawValue) -> Result<(ClientId<'_>, Map<String, Value>), Problem> {
    let mut client = None;
    let mut extra = Map::new();
    each_member(raw, "context", |key, raw| {
        if key == "client_id" {
            client = Some(id(raw, "context.client_id", ClientId::new)?);
        } else {
            let value = extra_value(raw, "context", &key)?;
            extra.insert(key.into_owned(), value);
        }
        Ok(())
    })?;
    Ok((required(client, "context.client_id")?, extra))
}

impl<'a> ReleaseRequest<'a> {
    /// Reads the body of `POST /v1/release`.
    ///
    /// # Errors
    /// As [`AuthorizeRequest::parse`].
    pub fn parse(body: &'a [u8]) -> Result<Self, Problem> {
        let (mut client, mut order, mut reason, mut amount) = (None, None, None, None);
        each_member_of_body(body, |key, raw| {
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
        each_member_of_body(body, |key, raw| {
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
        qty: &order.qty.value.to_string(),
        price: &order.price.value.to_string(),
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
        each_member_of_body(body, |key, raw| {
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

fn unknown(key: &str) -> Problem {
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
    Ok(words)
}

#[cfg(test)]
mod tests;
