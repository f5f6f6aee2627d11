//! Records as bytes and back. The format is described in `docs/ledger.md`; a change to it is a
//! change of the schema version.

use std::borrow::Cow;

use gate_types::{Decimal, Exposure, NetNotional, Notional, Price, Qty, Side, Timestamp};

use crate::record::{
    ContextId, DecisionContext, DecisionRecord, Entry, ExpireRecord, FillRecord, KillRecord,
    KillScope, PositionRecord, Record, ReleaseRecord, Seq, Status,
};
use crate::wire::{In, Malformed, Out};

/// Bytes of a body before its fields: kind, sequence number, time.
pub(crate) const HEAD_BYTES: usize = 17;
/// Where the sequence number stands in a body.
pub(crate) const SEQ_AT: std::ops::Range<usize> = 1..9;

const CONTEXT: u8 = 1;
const DECISION: u8 = 2;
const RELEASE: u8 = 3;
const FILL: u8 = 4;
const EXPIRE: u8 = 5;
const KILL: u8 = 6;
const VOID: u8 = 7;
const POSITION: u8 = 8;

/// Appends the body of a record. Its sequence number is put in when it is allotted.
pub(crate) fn encode(at: Timestamp, record: &Record<'_>, buffer: &mut Vec<u8>) {
    let mut out = Out(buffer);
    out.byte(match record {
        Record::Context(_) => CONTEXT,
        Record::Decision(_) => DECISION,
        Record::Release(_) => RELEASE,
        Record::Fill(_) => FILL,
        Record::Expire(_) => EXPIRE,
        Record::Kill(_) => KILL,
        Record::Void => VOID,
        Record::Position(_) => POSITION,
    });
    out.fixed(&[0; 8]);
    out.fixed(&at.unix_nanos().to_le_bytes());
    match record {
        Record::Context(context) => {
            out.text(&context.policy_revision);
            out.fixed(&context.policy_hash);
            out.text(&context.engine);
            out.text(&context.kid);
            out.text(&context.iss);
            out.text(&context.aud);
        }
        Record::Decision(decision) => encode_decision(decision, &mut out),
        Record::Release(release) => {
            out.text(&release.client_id);
            out.text(&release.order_id);
            out.text(&release.reason);
            match release.qty {
                None => out.byte(0),
                Some(qty) => {
                    out.byte(1);
                    decimal(qty.decimal(), &mut out);
                }
            }
            out.uint(release.freed.micros());
        }
        Record::Fill(fill) => {
            out.text(&fill.client_id);
            out.text(&fill.order_id);
            out.text(&fill.exec_id);
            decimal(fill.qty.decimal(), &mut out);
            decimal(fill.price.decimal(), &mut out);
            out.uint(fill.notional.micros());
            out.uint(fill.converted.micros());
            out.byte(u8::from(fill.late) | (u8::from(fill.over) << 1));
        }
        Record::Expire(expire) => {
            out.text(&expire.client_id);
            out.uint(expire.decision.get());
            out.fixed(&expire.order_key);
            out.uint(expire.freed.micros());
        }
        Record::Kill(kill) => {
            match &kill.scope {
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
            out.byte(u8::from(kill.on));
            out.text(&kill.actor);
            out.text(&kill.reason);
        }
        Record::Void => {}
        Record::Position(position) => {
            out.text(&position.client_id);
            out.text(&position.symbol);
            net(position.before, &mut out);
            net(position.after, &mut out);
            out.text(&position.actor);
            out.text(&position.reason);
        }
    }
}

fn encode_decision(decision: &DecisionRecord<'_>, out: &mut Out<'_>) {
    let blocked = decision.status == Status::Blocked;
    let sell = decision.side == Side::Sell;
    out.byte(u8::from(blocked) | (u8::from(sell) << 1));
    out.text(&decision.client_id);
    out.text(&decision.order_id);
    out.text(&decision.symbol);
    decimal(decision.qty.decimal(), out);
    decimal(decision.price.decimal(), out);
    out.uint(decision.notional.micros());
    out.fixed(&decision.digest);
    out.fixed(&decision.trace_id);
    out.fixed(&decision.expires.unix_nanos().to_le_bytes());
    out.uint(decision.context.seq().get());
    out.uint(u64::try_from(decision.reasons.len()).unwrap_or(u64::MAX));
    for reason in &decision.reasons {
        out.text(reason);
    }
    out.uint(decision.before.reserved.micros());
    out.uint(decision.before.filled.micros());
    out.uint(decision.before.gross.micros());
    out.uint(decision.before.open_orders);
    out.uint(decision.before.orders_last_second);
    out.option(decision.limit.map(Notional::micros));
}

/// Reads a body.
pub(crate) fn decode(body: &[u8]) -> Result<Entry<'_>, Malformed> {
    let mut from = In(body);
    let kind = from.byte()?;
    let seq = Seq::new(from.u64_le()?);
    let at = Timestamp::from_unix_nanos(from.u64_le()?);
    let record = match kind {
        CONTEXT => Record::Context(DecisionContext {
            policy_revision: from.text()?.to_owned(),
            policy_hash: from.fixed()?,
            engine: from.text()?.to_owned(),
            kid: from.text()?.to_owned(),
            iss: from.text()?.to_owned(),
            aud: from.text()?.to_owned(),
        }),
        DECISION => Record::Decision(decode_decision(&mut from)?),
        RELEASE => Record::Release(ReleaseRecord {
            client_id: text(&mut from)?,
            order_id: text(&mut from)?,
            reason: text(&mut from)?,
            qty: match from.byte()? {
                0 => None,
                1 => Some(qty(&mut from)?),
                _ => return Err(Malformed),
            },
            freed: money(&mut from)?,
        }),
        FILL => {
            let mut fill = FillRecord {
                client_id: text(&mut from)?,
                order_id: text(&mut from)?,
                exec_id: text(&mut from)?,
                qty: qty(&mut from)?,
                price: price(&mut from)?,
                notional: money(&mut from)?,
                converted: money(&mut from)?,
                late: false,
                over: false,
            };
            (fill.late, fill.over) = flags(from.byte()?)?;
            Record::Fill(fill)
        }
        EXPIRE => Record::Expire(ExpireRecord {
            client_id: text(&mut from)?,
            decision: Seq::new(from.u64()?),
            order_key: from.fixed()?,
            freed: money(&mut from)?,
        }),
        KILL => Record::Kill(KillRecord {
            scope: match from.byte()? {
                0 => KillScope::All,
                1 => KillScope::Client(text(&mut from)?),
                2 => KillScope::Symbol(text(&mut from)?),
                _ => return Err(Malformed),
            },
            on: match from.byte()? {
                0 => false,
                1 => true,
                _ => return Err(Malformed),
            },
            actor: text(&mut from)?,
            reason: text(&mut from)?,
        }),
        VOID => Record::Void,
        POSITION => Record::Position(PositionRecord {
            client_id: text(&mut from)?,
            symbol: text(&mut from)?,
            before: read_net(&mut from)?,
            after: read_net(&mut from)?,
            actor: text(&mut from)?,
            reason: text(&mut from)?,
        }),
        _ => return Err(Malformed),
    };
    from.end()?;
    Ok(Entry { seq, at, record })
}

fn decode_decision<'a>(from: &mut In<'a>) -> Result<DecisionRecord<'a>, Malformed> {
    let (blocked, sell) = flags(from.byte()?)?;
    Ok(DecisionRecord {
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

fn net(value: NetNotional, out: &mut Out<'_>) {
    out.byte(u8::from(value.micros() < 0));
    out.uint(value.micros().unsigned_abs());
}

fn read_net(from: &mut In<'_>) -> Result<NetNotional, Malformed> {
    let is_short = from.byte()?;
    let size = i128::try_from(from.u128()?).map_err(|_| Malformed)?;
    let micros = match is_short {
        0 => size,
        1 => size.saturating_neg(),
        _ => return Err(Malformed),
    };
    NetNotional::from_micros(micros).map_err(|_| Malformed)
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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// One record of each kind.
    pub(crate) fn samples() -> Vec<Record<'static>> {
        let decision = DecisionRecord {
            client_id: "c5".into(),
            order_id: "o-1".into(),
            symbol: "AAPL".into(),
            side: Side::Sell,
            qty: Qty::parse("100").unwrap(),
            price: Price::parse("185.55").unwrap(),
            notional: Notional::parse("18555").unwrap(),
            digest: [9; 32],
            trace_id: [8; 16],
            expires: Timestamp::from_unix_seconds(60),
            context: ContextId::of(1),
            status: Status::Blocked,
            reasons: vec!["max_exposure".into(), "order_rate".into()],
            before: Exposure {
                orders_last_second: 3,
                ..Exposure::default()
            },
            limit: Some(Notional::parse("5.000001").unwrap()),
        };
        let authorized = DecisionRecord {
            status: Status::Authorized,
            reasons: Vec::new(),
            limit: None,
            ..decision.clone()
        };
        let kill = |scope| {
            Record::Kill(KillRecord {
                scope,
                on: true,
                actor: "ops".into(),
                reason: "runaway".into(),
            })
        };
        vec![
            Record::Context(DecisionContext {
                policy_revision: "r1".into(),
                policy_hash: [1; 32],
                engine: "builtin".into(),
                kid: "k".into(),
                iss: "i".into(),
                aud: "a".into(),
            }),
            Record::Decision(decision),
            Record::Decision(authorized),
            Record::Release(ReleaseRecord {
                client_id: "c5".into(),
                order_id: "o-1".into(),
                reason: "canceled".into(),
                qty: Some(Qty::parse("0.5").unwrap()),
                freed: Notional::parse("92.775").unwrap(),
            }),
            Record::Fill(FillRecord {
                client_id: "c5".into(),
                order_id: "o-1".into(),
                exec_id: "e".into(),
                qty: Qty::parse("7").unwrap(),
                price: Price::parse("1.25").unwrap(),
                notional: Notional::parse("8.75").unwrap(),
                converted: Notional::ZERO,
                late: true,
                over: false,
            }),
            Record::Expire(ExpireRecord {
                client_id: "c5".into(),
                decision: Seq::new(2),
                order_key: [3; 16],
                freed: Notional::ZERO,
            }),
            kill(KillScope::All),
            kill(KillScope::Client("c5".into())),
            kill(KillScope::Symbol("GME".into())),
            Record::Void,
            Record::Position(PositionRecord {
                client_id: "c5".into(),
                symbol: "AAPL".into(),
                before: NetNotional::parse("-18555.000001").unwrap(),
                after: NetNotional::parse("100").unwrap(),
                actor: "ops".into(),
                reason: "carried over".into(),
            }),
        ]
    }

    #[test]
    fn every_kind_reads_back_and_no_shortened_one_does() {
        for record in samples() {
            let at = Timestamp::from_unix_nanos(77);
            let mut body = Vec::new();
            encode(at, &record, &mut body);
            assert!(body.len() >= HEAD_BYTES);
            let entry = decode(&body).unwrap();
            assert_eq!(
                (entry.seq, entry.at, &entry.record),
                (Seq::ZERO, at, &record)
            );
            for len in 0..body.len() {
                assert!(decode(&body[..len]).is_err(), "{record:?} at {len}");
            }
            body.push(0);
            assert!(decode(&body).is_err(), "{record:?} with a trailing byte");
        }
    }
}
