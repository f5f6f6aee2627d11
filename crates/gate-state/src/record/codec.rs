//! Records as bytes and back. The format is described in `docs/ledger.md`; a change to it is a
//! change of the schema version.

use gate_types::Timestamp;

use super::body::{self, Body};
use super::wire::{In, Malformed, Out};
use super::{Entry, Seq};

/// Bytes of a body before its fields: kind, sequence number, time.
pub(crate) const HEAD_BYTES: usize = 17;
/// Where the sequence number is in a body.
pub(crate) const SEQ_AT: std::ops::Range<usize> = 1..9;

/// Appends a record's body. Its sequence number stays zero until it is allotted.
pub(crate) fn encode(at: Timestamp, record: &impl Body, buffer: &mut Vec<u8>) {
    let mut out = Out(buffer);
    out.byte(record.kind());
    out.fixed(&[0; 8]);
    out.fixed(&at.unix_nanos().to_le_bytes());
    record.write(&mut out);
}

/// Reads a body.
pub(crate) fn decode(body: &[u8]) -> Result<Entry<'_>, Malformed> {
    let mut from = In(body);
    let kind = from.byte()?;
    let seq = Seq::new(from.u64_le()?);
    let at = Timestamp::from_unix_nanos(from.u64_le()?);
    let record = body::read(kind, &mut from)?;
    from.end()?;
    Ok(Entry { seq, at, record })
}

#[cfg(test)]
mod tests {
    use gate_types::{Exposure, NetNotional, Notional, Price, Qty, Side};

    use super::*;
    use crate::record::{
        ContextId, DecisionContext, DecisionRecord, ExpireRecord, FillRecord, KillRecord,
        KillScope, PositionRecord, Record, ReleaseRecord, Status,
    };

    /// One record of each kind.
    fn samples() -> Vec<Record<'static>> {
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
