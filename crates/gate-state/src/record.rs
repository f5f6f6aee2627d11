//! Journal records as values: one [`Record`] for each thing that happened. Their bytes are in
//! `codec` and `body`.

pub(crate) mod body;
pub(crate) mod chain;
pub(crate) mod codec;
pub(crate) mod wire;

use std::borrow::Cow;

use gate_types::{Exposure, NetNotional, Notional, Price, Qty, Side, Timestamp};

/// The number of a record in the journal: from 1, without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seq(u64);

impl Seq {
    /// Before the first record.
    pub const ZERO: Self = Self(0);

    /// The record numbered `value`.
    #[must_use]
    pub const fn new(value: u64) -> Self {
        Self(value)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl std::fmt::Display for Seq {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Number of the record that holds a [`DecisionContext`]; decisions name their context by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContextId(u64);

impl ContextId {
    pub(crate) const fn of(seq: u64) -> Self {
        Self(seq)
    }

    /// The record that holds the context.
    #[must_use]
    pub const fn seq(self) -> Seq {
        Seq(self.0)
    }
}

/// What many decisions share: the policy in force and how tokens are addressed and signed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DecisionContext {
    /// The bundle's revision.
    pub policy_revision: String,
    /// SHA-256 of the bundle.
    pub policy_hash: [u8; 32],
    /// The engine that evaluates it.
    pub engine: String,
    /// Id of the signing key.
    pub kid: String,
    /// Issuer of the tokens.
    pub iss: String,
    /// Audience of the tokens.
    pub aud: String,
}

/// Whether an order may go to the venue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// It may, and its exposure is held.
    Authorized,
    /// It may not; nothing is held.
    Blocked,
}

impl Status {
    /// `"AUTHORIZED"` or `"BLOCKED"`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authorized => "AUTHORIZED",
            Self::Blocked => "BLOCKED",
        }
    }
}

/// One decision, with everything its token was made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionRecord<'a> {
    /// The client.
    pub client_id: Cow<'a, str>,
    /// The client's id of the order.
    pub order_id: Cow<'a, str>,
    /// The instrument.
    pub symbol: Cow<'a, str>,
    /// Buy or sell.
    pub side: Side,
    /// Quantity ordered.
    pub qty: Qty,
    /// Price of one unit.
    pub price: Price,
    /// What the order puts at risk; the hold, when it was authorized.
    pub notional: Notional,
    /// SHA-256 of the order in canonical form.
    pub digest: [u8; 32],
    /// The request's trace id.
    pub trace_id: [u8; 16],
    /// Expiry of the token.
    pub expires: Timestamp,
    /// The context it was made in.
    pub context: ContextId,
    /// The verdict.
    pub status: Status,
    /// Reason codes of the ruling; never empty when blocked.
    pub reasons: Vec<Cow<'a, str>>,
    /// The client's exposure that the verdict was made on.
    pub before: Exposure,
    /// The limit on the client's gross exposure, if the policy set one.
    pub limit: Option<Notional>,
}

impl DecisionRecord<'_> {
    /// The same record, owning its texts.
    #[must_use]
    pub fn into_owned(self) -> DecisionRecord<'static> {
        let owned = |text: Cow<'_, str>| -> Cow<'static, str> { text.into_owned().into() };
        DecisionRecord {
            client_id: owned(self.client_id),
            order_id: owned(self.order_id),
            symbol: owned(self.symbol),
            reasons: self.reasons.into_iter().map(owned).collect(),
            side: self.side,
            qty: self.qty,
            price: self.price,
            notional: self.notional,
            digest: self.digest,
            trace_id: self.trace_id,
            expires: self.expires,
            context: self.context,
            status: self.status,
            before: self.before,
            limit: self.limit,
        }
    }

    /// What the decision holds: the notional when authorized, nothing when blocked.
    #[must_use]
    pub const fn hold(&self) -> Notional {
        match self.status {
            Status::Authorized => self.notional,
            Status::Blocked => Notional::ZERO,
        }
    }

    /// The client's exposure right after the decision.
    #[must_use]
    pub fn after(&self) -> Exposure {
        match self.status {
            Status::Authorized => self.before.with_hold(self.notional),
            Status::Blocked => self.before,
        }
    }
}

/// A hold given back, wholly or in part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseRecord<'a> {
    /// The client.
    pub client_id: Cow<'a, str>,
    /// The client's id of the order.
    pub order_id: Cow<'a, str>,
    /// Why (canceled, rejected, …), in the caller's words.
    pub reason: Cow<'a, str>,
    /// How much of the order; `None` for all that is open.
    pub qty: Option<Qty>,
    /// The hold given back.
    pub freed: Notional,
}

/// An execution at the venue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FillRecord<'a> {
    /// The client.
    pub client_id: Cow<'a, str>,
    /// The client's id of the order.
    pub order_id: Cow<'a, str>,
    /// The venue's id of the execution.
    pub exec_id: Cow<'a, str>,
    /// Quantity traded.
    pub qty: Qty,
    /// Price traded at.
    pub price: Price,
    /// Traded notional.
    pub notional: Notional,
    /// The hold turned into filled exposure.
    pub converted: Notional,
    /// Some of the quantity had been released or expired before.
    pub late: bool,
    /// Some of the quantity had never been ordered.
    pub over: bool,
}

/// A hold in doubt, given back after the configured time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpireRecord<'a> {
    /// The client.
    pub client_id: Cow<'a, str>,
    /// Number of the order's decision.
    pub decision: Seq,
    /// First 16 bytes of the SHA-256 of the order's id (its length first, 8 bytes little-endian).
    pub order_key: [u8; 16],
    /// The hold given back.
    pub freed: Notional,
}

/// A client's net position in one instrument, set by an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PositionRecord<'a> {
    /// The client.
    pub client_id: Cow<'a, str>,
    /// The instrument.
    pub symbol: Cow<'a, str>,
    /// Net position before.
    pub before: NetNotional,
    /// Net position after.
    pub after: NetNotional,
    /// Who did it.
    pub actor: Cow<'a, str>,
    /// Why.
    pub reason: Cow<'a, str>,
}

/// What a kill switch stops.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KillScope<'a> {
    /// Every new order.
    All,
    /// New orders of one client.
    Client(Cow<'a, str>),
    /// New orders in one instrument.
    Symbol(Cow<'a, str>),
}

/// As people read it.
impl std::fmt::Display for KillScope<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::All => f.write_str("all orders"),
            Self::Client(client) => write!(f, "client `{client}`"),
            Self::Symbol(symbol) => write!(f, "symbol `{symbol}`"),
        }
    }
}

/// A kill switch, thrown or lifted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KillRecord<'a> {
    /// What it stops.
    pub scope: KillScope<'a>,
    /// Thrown (`true`) or lifted.
    pub on: bool,
    /// Who did it.
    pub actor: Cow<'a, str>,
    /// Why.
    pub reason: Cow<'a, str>,
}

impl KillScope<'_> {
    /// `"all"`, `"client"`, `"symbol"`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Client(_) => "client",
            Self::Symbol(_) => "symbol",
        }
    }

    /// Which client or symbol.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::All => None,
            Self::Client(name) | Self::Symbol(name) => Some(name),
        }
    }

    /// The same scope, owning its text.
    #[must_use]
    pub fn into_owned(self) -> KillScope<'static> {
        match self {
            Self::All => KillScope::All,
            Self::Client(client) => KillScope::Client(client.into_owned().into()),
            Self::Symbol(symbol) => KillScope::Symbol(symbol.into_owned().into()),
        }
    }
}

impl KillRecord<'_> {
    /// The same record, owning its texts.
    #[must_use]
    pub fn into_owned(self) -> KillRecord<'static> {
        KillRecord {
            scope: self.scope.into_owned(),
            on: self.on,
            actor: self.actor.into_owned().into(),
            reason: self.reason.into_owned().into(),
        }
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record<'a> {
    /// A policy or signing key came into force.
    Context(DecisionContext),
    /// An order was decided.
    Decision(DecisionRecord<'a>),
    /// A hold was given back.
    Release(ReleaseRecord<'a>),
    /// An order traded.
    Fill(FillRecord<'a>),
    /// A hold in doubt was given back.
    Expire(ExpireRecord<'a>),
    /// A kill switch was thrown or lifted.
    Kill(KillRecord<'a>),
    /// An operator set a position.
    Position(PositionRecord<'a>),
    /// A number whose record never became durable: the caller was told so, and nothing is held for
    /// it.
    Void,
}

/// A record with its number and time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its number.
    pub seq: Seq,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub record: Record<'a>,
}
