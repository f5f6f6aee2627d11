//! Operators' requests on the admin listener: kill switches and positions.

use std::borrow::Cow;

use gate_types::{ClientId, NetNotional, Symbol};
use serde_json::value::RawValue;

use super::member::{flag, id, net, required};
use super::object::each_member;
use super::{unknown, words};
use crate::problem::{Code, Problem};

/// `POST /v1/kill` on the admin listener, parsed.
#[derive(Debug)]
pub(crate) struct KillRequest<'a> {
    /// One client, one symbol, or everything if neither is named.
    pub(crate) scope: KillTarget<'a>,
    /// Thrown (`true`) or lifted.
    pub(crate) on: bool,
    /// Who does it; recorded as given.
    pub(crate) actor: Cow<'a, str>,
    /// Why; recorded as given.
    pub(crate) reason: Cow<'a, str>,
}

/// What a kill switch stops.
#[derive(Debug)]
pub(crate) enum KillTarget<'a> {
    /// Every new order.
    All,
    /// New orders of one client.
    Client(ClientId<'a>),
    /// New orders in one instrument.
    Symbol(Symbol<'a>),
}

/// `POST /v1/positions` on the admin listener, parsed.
#[derive(Debug)]
pub(crate) struct PositionRequest<'a> {
    /// The client.
    pub(crate) client_id: ClientId<'a>,
    /// The instrument.
    pub(crate) symbol: Symbol<'a>,
    /// The net position to set.
    pub(crate) net: NetNotional,
    /// The net position that the caller expects now.
    pub(crate) expected: Option<NetNotional>,
    /// Who says so; recorded as given.
    pub(crate) actor: Cow<'a, str>,
    /// Why; recorded as given.
    pub(crate) reason: Cow<'a, str>,
}

impl<'a> KillRequest<'a> {
    /// Reads the body of `POST /v1/kill`.
    ///
    /// # Errors
    /// Those of [`super::AuthorizeRequest::parse`]; also if both a client and a symbol are named.
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Problem> {
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

impl<'a> PositionRequest<'a> {
    /// Reads the body of `POST /v1/positions`.
    ///
    /// # Errors
    /// Those of [`super::AuthorizeRequest::parse`].
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Problem> {
        let (mut client, mut symbol, mut to, mut expected) = (None, None, None, None);
        let (mut actor, mut reason) = (None, None);
        each_member(body, &mut |key: Cow<'a, str>, raw: &'a RawValue| {
            match &*key {
                "client_id" => client = Some(id(raw, "client_id", ClientId::new)?),
                "symbol" => symbol = Some(id(raw, "symbol", Symbol::new)?),
                "net" => to = Some(net(raw, "net")?),
                "expected" => expected = Some(net(raw, "expected")?),
                "actor" => actor = Some(words(raw, "actor")?),
                "reason" => reason = Some(words(raw, "reason")?),
                _ => return Err(unknown(&key)),
            }
            Ok(())
        })?;
        Ok(Self {
            client_id: required(client, "client_id")?,
            symbol: required(symbol, "symbol")?,
            net: required(to, "net")?,
            expected,
            actor: required(actor, "actor")?,
            reason: required(reason, "reason")?,
        })
    }
}
