//! The venue's requests: an order ended, or traded.

use std::borrow::Cow;

use gate_types::{ClientId, ExecId, OrderId, Price, Qty};
use serde_json::value::RawValue;

use super::member::{id, price, qty, required};
use super::object::each_member;
use super::{unknown, words};
use crate::problem::Problem;

/// `POST /v1/release`, parsed.
#[derive(Debug)]
pub(crate) struct ReleaseRequest<'a> {
    /// The client.
    pub(crate) client_id: ClientId<'a>,
    /// The client's id of the order.
    pub(crate) client_order_id: OrderId<'a>,
    /// Why, in the venue's words; recorded as given.
    pub(crate) reason: Cow<'a, str>,
    /// Quantity to release; all that is open if absent.
    pub(crate) qty: Option<Qty>,
}

/// `POST /v1/fill`, parsed.
#[derive(Debug)]
pub(crate) struct FillRequest<'a> {
    /// The client.
    pub(crate) client_id: ClientId<'a>,
    /// The client's id of the order.
    pub(crate) client_order_id: OrderId<'a>,
    /// The venue's id of the execution.
    pub(crate) exec_id: ExecId<'a>,
    /// Quantity traded.
    pub(crate) qty: Qty,
    /// Price traded at.
    pub(crate) price: Price,
}

impl<'a> ReleaseRequest<'a> {
    /// Reads the body of `POST /v1/release`.
    ///
    /// # Errors
    /// Those of [`super::AuthorizeRequest::parse`].
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Problem> {
        let (mut client, mut order, mut reason, mut amount) = (None, None, None, None);
        each_member(body, &mut |key: Cow<'a, str>, raw: &'a RawValue| {
            match &*key {
                "client_id" => client = Some(id(raw, "client_id", ClientId::new)?),
                "client_order_id" => order = Some(id(raw, "client_order_id", OrderId::new)?),
                "reason" => reason = Some(words(raw, "reason")?),
                "qty" => amount = Some(qty(raw, "qty")?),
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
    /// Those of [`super::AuthorizeRequest::parse`].
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Problem> {
        let (mut client, mut order, mut exec) = (None, None, None);
        let (mut fill_qty, mut fill_price) = (None, None);
        each_member(body, &mut |key: Cow<'a, str>, raw: &'a RawValue| {
            match &*key {
                "client_id" => client = Some(id(raw, "client_id", ClientId::new)?),
                "client_order_id" => order = Some(id(raw, "client_order_id", OrderId::new)?),
                "exec_id" => exec = Some(id(raw, "exec_id", ExecId::new)?),
                "qty" => fill_qty = Some(qty(raw, "qty")?),
                "price" => fill_price = Some(price(raw, "price")?),
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
