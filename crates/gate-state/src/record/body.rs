//! Encoding and decoding of each record kind's fields.

use std::borrow::Cow;

use gate_types::{Decimal, Exposure, NetNotional, Notional, Price, Qty, Side, Timestamp};

use super::wire::{In, Malformed, Out};
use super::{
    ContextId, DecisionContext, DecisionRecord, ExpireRecord, FillRecord, KillRecord, KillScope,
    PositionRecord, Record, ReleaseRecord, Seq, Status,
};

/// A record's fields, which follow the common head.
pub(crate) trait Body {
    /// Code of the record's kind in the head.
    fn kind(&self) -> u8;

    /// Appends the fields.
    fn write(&self, out: &mut Out<'_>);
}

const CONTEXT: u8 = 1;
const DECISION: u8 = 2;
const RELEASE: u8 = 3;
const FILL: u8 = 4;
const EXPIRE: u8 = 5;
const KILL: u8 = 6;
const VOID: u8 = 7;
const POSITION: u8 = 8;

/// Reads the fields of a record of this kind.
pub(super) fn read<'a>(kind: u8, from: &mut In<'a>) -> Result<Record<'a>, Malformed> {
    Ok(match kind {
        CONTEXT => Record::Context(DecisionContext::read(from)?),
        DECISION => Record::Decision(DecisionRecord::read(from)?),
        RELEASE => Record::Release(ReleaseRecord::read(from)?),
        FILL => Record::Fill(FillRecord::read(from)?),
        EXPIRE => Record::Expire(ExpireRecord::read(from)?),
        KILL => Record::Kill(KillRecord::read(from)?),
        VOID => Record::Void,
        POSITION => Record::Position(PositionRecord::read(from)?),
        _ => return Err(Malformed),
    })
}

impl Body for Record<'_> {
    fn kind(&self) -> u8 {
        match self {
            Self::Context(context) => context.kind(),
            Self::Decision(decision) => decision.kind(),
            Self::Release(release) => release.kind(),
            Self::Fill(fill) => fill.kind(),
            Self::Expire(expire) => expire.kind(),
            Self::Kill(kill) => kill.kind(),
            Self::Void => VOID,
            Self::Position(position) => position.kind(),
        }
    }

    fn write(&self, out: &mut Out<'_>) {
        match self {
            Self::Context(context) => context.write(out),
            Self::Decision(decision) => decision.write(out),
            Self::Release(release) => release.write(out),
            Self::Fill(fill) => fill.write(out),
            Self::Expire(expire) => expire.write(out),
            Self::Kill(kill) => kill.write(out),
            Self::Void => {}
            Self::Position(position) => position.write(out),
        }
    }
}

impl Body for DecisionContext {
    fn kind(&self) -> u8 {
        CONTEXT
    }

    fn write(&self, out: &mut Out<'_>) {
        out.text(&self.policy_revision);
        out.fixed(&self.policy_hash);
        out.text(&self.engine);
        out.text(&self.kid);
        out.text(&self.iss);
        out.text(&self.aud);
    }
}

impl DecisionContext {
    fn read(from: &mut In<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            policy_revision: from.text()?.to_owned(),
            policy_hash: from.fixed()?,
            engine: from.text()?.to_owned(),
            kid: from.text()?.to_owned(),
            iss: from.text()?.to_owned(),
            aud: from.text()?.to_owned(),
        })
    }
}

impl Body for ReleaseRecord<'_> {
    fn kind(&self) -> u8 {
        RELEASE
    }

    fn write(&self, out: &mut Out<'_>) {
        out.text(&self.client_id);
        out.text(&self.order_id);
        out.text(&self.reason);
        match self.qty {
            None => out.byte(0),
            Some(qty) => {
                out.byte(1);
                decimal(qty.decimal(), out);
            }
        }
        out.uint(self.freed.micros());
    }
}

impl<'a> ReleaseRecord<'a> {
    fn read(from: &mut In<'a>) -> Result<Self, Malformed> {
        Ok(Self {
            client_id: text(from)?,
            order_id: text(from)?,
            reason: text(from)?,
            qty: match from.byte()? {
                0 => None,
                1 => Some(qty(from)?),
                _ => return Err(Malformed),
            },
            freed: money(from)?,
        })
    }
}

impl Body for FillRecord<'_> {
    fn kind(&self) -> u8 {
        FILL
    }

    fn write(&self, out: &mut Out<'_>) {
        out.text(&self.client_id);
        out.text(&self.order_id);
        out.text(&self.exec_id);
        decimal(self.qty.decimal(), out);
        decimal(self.price.decimal(), out);
        out.uint(self.notional.micros());
        out.uint(self.converted.micros());
        out.byte(u8::from(self.late) | (u8::from(self.over) << 1));
    }
}

impl<'a> FillRecord<'a> {
    fn read(from: &mut In<'a>) -> Result<Self, Malformed> {
        let mut fill = Self {
            client_id: text(from)?,
            order_id: text(from)?,
            exec_id: text(from)?,
            qty: qty(from)?,
            price: price(from)?,
            notional: money(from)?,
            converted: money(from)?,
            late: false,
            over: false,
        };
        (fill.late, fill.over) = flags(from.byte()?)?;
        Ok(fill)
    }
}

impl Body for ExpireRecord<'_> {
    fn kind(&self) -> u8 {
        EXPIRE
    }

    fn write(&self, out: &mut Out<'_>) {
        out.text(&self.client_id);
        out.uint(self.decision.get());
        out.fixed(&self.order_key);
        out.uint(self.freed.micros());
    }
}

impl<'a> ExpireRecord<'a> {
    fn read(from: &mut In<'a>) -> Result<Self, Malformed> {
        Ok(Self {
            client_id: text(from)?,
            decision: Seq::new(from.u64()?),
            order_key: from.fixed()?,
            freed: money(from)?,
        })
    }
}

impl Body for KillRecord<'_> {
    fn kind(&self) -> u8 {
        KILL
    }

    fn write(&self, out: &mut Out<'_>) {
        match &self.scope {
            KillScope::All => out.byte(0),
            KillScope::Client(client) => {
                out.byte(1);
                out.text(client);
            }
            KillScope::Symbol(symbol) => {
                out.byte(2);
                out.text(symbol);
            }
        }
        out.byte(u8::from(self.on));
        out.text(&self.actor);
        out.text(&self.reason);
    }
}

impl<'a> KillRecord<'a> {
    fn read(from: &mut In<'a>) -> Result<Self, Malformed> {
        Ok(Self {
            scope: match from.byte()? {
                0 => KillScope::All,
                1 => KillScope::Client(text(from)?),
                2 => KillScope::Symbol(text(from)?),
                _ => return Err(Malformed),
            },
            on: match from.byte()? {
                0 => false,
                1 => true,
                _ => return Err(Malformed),
            },
            actor: text(from)?,
            reason: text(from)?,
        })
    }
}

impl Body for PositionRecord<'_> {
    fn kind(&self) -> u8 {
        POSITION
    }

    fn write(&self, out: &mut Out<'_>) {
        out.text(&self.client_id);
        out.text(&self.symbol);
        out.signed(self.before.micros());
        out.signed(self.after.micros());
        out.text(&self.actor);
        out.text(&self.reason);
    }
}

impl<'a> PositionRecord<'a> {
    fn read(from: &mut In<'a>) -> Result<Self, Malformed> {
        Ok(Self {
            client_id: text(from)?,
            symbol: text(from)?,
            before: net(from)?,
            after: net(from)?,
            actor: text(from)?,
            reason: text(from)?,
        })
    }
}

impl Body for DecisionRecord<'_> {
    fn kind(&self) -> u8 {
        DECISION
    }

    fn write(&self, out: &mut Out<'_>) {
        let blocked = self.status == Status::Blocked;
        let sell = self.side == Side::Sell;
        out.byte(u8::from(blocked) | (u8::from(sell) << 1));
        out.text(&self.client_id);
        out.text(&self.order_id);
        out.text(&self.symbol);
        decimal(self.qty.decimal(), out);
        decimal(self.price.decimal(), out);
        out.uint(self.notional.micros());
        out.fixed(&self.digest);
        out.fixed(&self.trace_id);
        out.fixed(&self.expires.unix_nanos().to_le_bytes());
        out.uint(self.context.seq().get());
        out.count(self.reasons.len());
        for reason in &self.reasons {
            out.text(reason);
        }
        out.uint(self.before.reserved.micros());
        out.uint(self.before.filled.micros());
        out.uint(self.before.gross.micros());
        out.uint(self.before.open_orders);
        out.uint(self.before.orders_last_second);
        out.option(self.limit.map(Notional::micros));
    }
}

impl<'a> DecisionRecord<'a> {
    fn read(from: &mut In<'a>) -> Result<Self, Malformed> {
        let (blocked, sell) = flags(from.byte()?)?;
        Ok(Self {
            client_id: text(from)?,
            order_id: text(from)?,
            symbol: text(from)?,
            side: if sell { Side::Sell } else { Side::Buy },
            qty: qty(from)?,
            price: price(from)?,
            notional: money(from)?,
            digest: from.fixed()?,
            trace_id: from.fixed()?,
            expires: Timestamp::from_unix_nanos(from.u64_le()?),
            context: ContextId::of(from.u64()?),
            status: if blocked {
                Status::Blocked
            } else {
                Status::Authorized
            },
            reasons: (0..from.u64()?)
                .map(|_| text(from))
                .collect::<Result<_, _>>()?,
            before: Exposure {
                reserved: money(from)?,
                filled: money(from)?,
                gross: money(from)?,
                open_orders: from.u64()?,
                orders_last_second: from.u64()?,
            },
            limit: from.option()?.map(micros).transpose()?,
        })
    }
}

fn decimal(value: Decimal, out: &mut Out<'_>) {
    out.byte(value.scale());
    out.uint(value.mantissa());
}

fn read_decimal(from: &mut In<'_>) -> Result<Decimal, Malformed> {
    let scale = u32::from(from.byte()?);
    let steps = 9_u32.checked_sub(scale).ok_or(Malformed)?;
    let unit = 10_u128.checked_pow(steps).ok_or(Malformed)?;
    let nanos = u128::from(from.u64()?).checked_mul(unit).ok_or(Malformed)?;
    Decimal::from_nanos(nanos).map_err(|_| Malformed)
}

fn qty(from: &mut In<'_>) -> Result<Qty, Malformed> {
    Qty::new(read_decimal(from)?).map_err(|_| Malformed)
}

fn price(from: &mut In<'_>) -> Result<Price, Malformed> {
    Price::new(read_decimal(from)?).map_err(|_| Malformed)
}

fn money(from: &mut In<'_>) -> Result<Notional, Malformed> {
    micros(from.u128()?)
}

fn micros(value: u128) -> Result<Notional, Malformed> {
    Notional::from_micros(value).map_err(|_| Malformed)
}

fn net(from: &mut In<'_>) -> Result<NetNotional, Malformed> {
    NetNotional::from_micros(from.signed()?).map_err(|_| Malformed)
}

fn text<'a>(from: &mut In<'a>) -> Result<Cow<'a, str>, Malformed> {
    from.text().map(Cow::Borrowed)
}

fn flags(byte: u8) -> Result<(bool, bool), Malformed> {
    if byte > 3 {
        return Err(Malformed);
    }
    Ok((byte & 1 == 1, byte & 2 == 2))
}
