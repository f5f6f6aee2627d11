//! Reads an order from JSON text, exactly: for decision vectors, `policy eval` and recorded
//! decisions.

use gate_types::{
    AmountError, ClientId, Exposure, IdError, Notional, OrderId, Price, Qty, Side, SideError,
    Symbol, Timestamp,
};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::data;
use crate::json::{self, StrictError};
use crate::policy::{Policy, PolicyInput};
use crate::verdict::{Verdict, reason};

/// One order and the exposure before it, owned; read from
/// `{"order":{…},"context":{…},"exposure":{…},"now_ns":…}`.
///
/// `exposure` and `now_ns` may be missing and are then zero, as may each member of `exposure`;
/// `gross` is then `reserved + filled`. Amounts are JSON numbers or strings.
#[derive(Debug, Clone)]
pub struct RecordedInput {
    client_id: String,
    client_order_id: String,
    symbol: String,
    side: Side,
    qty: Qty,
    price: Price,
    order_extra: Map<String, Value>,
    context_extra: Map<String, Value>,
    exposure: Exposure,
    now: Timestamp,
}

/// Why a text is not a recorded order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}", Named(member))]
pub struct RecordedError {
    /// The member, names joined with points; empty for the whole text.
    pub member: String,
    /// What is wrong with it.
    pub problem: RecordedProblem,
}

/// Shows a member before its problem; nothing for the whole text.
struct Named<'a>(&'a str);

impl std::fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            "" => Ok(()),
            member => write!(f, "`{member}` "),
        }
    }
}

/// Why a member of a recorded order is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordedProblem {
    /// Not strict JSON.
    #[error("is {0}")]
    Json(#[from] StrictError),
    /// Not there.
    #[error("is missing")]
    Missing,
    /// Not a known member.
    #[error("is not a known member")]
    Unknown,
    /// Of another type.
    #[error("must be {0}")]
    Type(&'static str),
    /// Not an amount.
    #[error("{0}")]
    Amount(#[from] AmountError),
    /// Not an id.
    #[error("{0}")]
    Id(#[from] IdError),
    /// Not a side.
    #[error("{0}")]
    Side(#[from] SideError),
}

impl RecordedInput {
    /// Reads one order.
    ///
    /// # Errors
    /// [`RecordedError`] names the first member that is refused.
    pub fn parse(text: &str) -> Result<Self, RecordedError> {
        json::check(text).map_err(|error| refused("", error))?;
        let mut parts = Parts::of("", text)?;
        let order = parts.take("order")?;
        let context = parts.take("context")?;
        let exposure = parts.maybe("exposure");
        let now = parts.maybe("now_ns");
        if let Some((name, _)) = parts.left.first() {
            return Err(refused(name, RecordedProblem::Unknown));
        }
        let mut order = Parts::of("order", order.get())?;
        let mut context = Parts::of("context", context.get())?;
        let side_text = order.text("side")?;
        Ok(Self {
            client_id: context.id("client_id", |id| ClientId::new(id).map(drop))?,
            client_order_id: order.id("client_order_id", |id| OrderId::new(id).map(drop))?,
            symbol: order.id("symbol", |id| Symbol::new(id).map(drop))?,
            side: Side::parse(&side_text).map_err(|error| refused("order.side", error))?,
            qty: order.amount("qty", Qty::parse)?,
            price: order.amount("price", Price::parse)?,
            order_extra: order.rest()?,
            context_extra: context.rest()?,
            exposure: match exposure {
                Some(exposure) => read_exposure(exposure.get())?,
                None => Exposure::default(),
            },
            now: match now {
                Some(now) => Timestamp::from_unix_nanos(whole("now_ns", now)?),
                None => Timestamp::default(),
            },
        })
    }

    /// What `policy` says about the order.
    ///
    /// # Errors
    /// [`AmountError`] when the notional is out of range with the policy's contract size; such
    /// an order never reaches a policy.
    pub fn judge(&self, policy: &dyn Policy) -> Result<Verdict, AmountError> {
        let notional = self.notional(policy)?;
        Ok(policy.evaluate(&self.input(notional)))
    }

    /// The decision on the order: what `policy` says and, if that allows, its exposure limit as the
    /// ledger enforces it.
    ///
    /// # Errors
    /// As [`RecordedInput::judge`].
    pub fn decide(&self, policy: &dyn Policy) -> Result<Verdict, AmountError> {
        let verdict = self.judge(policy)?;
        let limit = verdict.max_exposure;
        if verdict.allow && !self.exposure.admits(self.notional(policy)?, limit) {
            return Ok(Verdict {
                max_exposure: limit,
                ..Verdict::blocked(reason::MAX_EXPOSURE)
            });
        }
        Ok(verdict)
    }

    /// What the order would put at risk, with the policy's contract size.
    ///
    /// # Errors
    /// [`AmountError`] when it is out of range.
    pub fn notional(&self, policy: &dyn Policy) -> Result<Notional, AmountError> {
        let size = policy.contract_size(&self.symbol);
        Notional::of(self.qty, self.price, size)
    }

    /// The order as a policy takes it.
    #[must_use]
    pub fn input(&self, notional: Notional) -> PolicyInput<'_> {
        PolicyInput {
            client_id: &self.client_id,
            client_order_id: &self.client_order_id,
            symbol: &self.symbol,
            side: self.side,
            qty: self.qty,
            price: self.price,
            order_extra: &self.order_extra,
            context_extra: &self.context_extra,
            notional,
            exposure: self.exposure,
            now: self.now,
        }
    }

    /// Who sent it.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The client's name for it.
    #[must_use]
    pub fn client_order_id(&self) -> &str {
        &self.client_order_id
    }
}

fn read_exposure(text: &str) -> Result<Exposure, RecordedError> {
    let mut parts = Parts::of("exposure", text)?;
    let mut money = |name| {
        let parse = |value| amount(&format!("exposure.{name}"), value, Notional::parse);
        parts.maybe(name).map(parse).transpose()
    };
    let reserved = money("reserved")?.unwrap_or_default();
    let filled = money("filled")?.unwrap_or_default();
    let gross = match money("gross")? {
        Some(gross) => gross,
        None => reserved
            .checked_add(filled)
            .map_err(|error| refused("exposure", error))?,
    };
    let mut count = |name| match parts.maybe(name) {
        Some(value) => whole(&format!("exposure.{name}"), value),
        None => Ok(0),
    };
    let (open_orders, orders_last_second) = (count("open_orders")?, count("orders_last_second")?);
    if let Some((name, _)) = parts.left.first() {
        return Err(refused(
            &format!("exposure.{name}"),
            RecordedProblem::Unknown,
        ));
    }
    Ok(Exposure {
        reserved,
        filled,
        gross,
        open_orders,
        orders_last_second,
    })
}

/// The members of one object that have not been taken yet.
struct Parts<'a> {
    path: &'static str,
    left: Vec<(String, &'a RawValue)>,
}

impl<'a> Parts<'a> {
    fn of(path: &'static str, text: &'a str) -> Result<Self, RecordedError> {
        let object = || refused(path, RecordedProblem::Type("an object"));
        let value = serde_json::from_str(text).map_err(|_| object())?;
        let left = data::object(value).ok_or_else(object)?;
        Ok(Self { path, left })
    }

    fn name(&self, member: &str) -> String {
        match self.path {
            "" => member.to_owned(),
            path => format!("{path}.{member}"),
        }
    }

    fn maybe(&mut self, member: &str) -> Option<&'a RawValue> {
        let at = self.left.iter().position(|(name, _)| name == member)?;
        Some(self.left.remove(at).1)
    }

    fn take(&mut self, member: &str) -> Result<&'a RawValue, RecordedError> {
        self.maybe(member)
            .ok_or_else(|| refused(&self.name(member), RecordedProblem::Missing))
    }

    fn text(&mut self, member: &str) -> Result<String, RecordedError> {
        let value = self.take(member)?;
        serde_json::from_str(value.get())
            .map_err(|_| refused(&self.name(member), RecordedProblem::Type("a string")))
    }

    fn id(
        &mut self,
        member: &str,
        check: impl Fn(&str) -> Result<(), IdError>,
    ) -> Result<String, RecordedError> {
        let text = self.text(member)?;
        check(&text).map_err(|error| refused(&self.name(member), error))?;
        Ok(text)
    }

    fn amount<T>(
        &mut self,
        member: &str,
        parse: impl Fn(&str) -> Result<T, AmountError>,
    ) -> Result<T, RecordedError> {
        let value = self.take(member)?;
        amount(&self.name(member), value, parse)
    }

    fn rest(self) -> Result<Map<String, Value>, RecordedError> {
        let mut rest = Map::new();
        for (name, value) in &self.left {
            let value = serde_json::from_str(value.get())
                .map_err(|_| refused(&self.name(name), RecordedProblem::Type("JSON")))?;
            rest.insert(name.clone(), value);
        }
        Ok(rest)
    }
}

fn amount<T>(
    member: &str,
    value: &RawValue,
    parse: impl Fn(&str) -> Result<T, AmountError>,
) -> Result<T, RecordedError> {
    let text = value.get();
    let parsed = if text.starts_with('"') {
        let digits: String = serde_json::from_str(text)
            .map_err(|_| refused(member, RecordedProblem::Type("a number")))?;
        parse(&digits)
    } else {
        parse(text)
    };
    parsed.map_err(|error| refused(member, error))
}

fn whole(member: &str, value: &RawValue) -> Result<u64, RecordedError> {
    serde_json::from_str(value.get()).map_err(|_| {
        refused(
            member,
            RecordedProblem::Type("a whole number, zero or more"),
        )
    })
}

fn refused(member: &str, problem: impl Into<RecordedProblem>) -> RecordedError {
    RecordedError {
        member: member.to_owned(),
        problem: problem.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let shown = match RecordedInput::parse(text) {
            Ok(input) => format!("{} × {}", input.qty, input.price),
            Err(error) => error.to_string(),
        };
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn reads_amounts_exactly_and_names_the_member_it_refuses() {
        let order = |order: &str| {
            format!(
                r#"{{"order":{{"client_order_id":"o","symbol":"S","side":"BUY",{order}}},
                    "context":{{"client_id":"c"}},"exposure":{{"reserved":"1.5"}},"now_ns":7}}"#
            )
        };
        check(
            &order(r#""qty":"1.50","price":90071992547409.93"#),
            "1.5 × 90071992547409.93",
        );
        check(&order(r#""qty":1"#), "`order.price` is missing");
        check(
            &order(r#""qty":0,"price":1"#),
            "`order.qty` must be greater than zero",
        );
        check(
            &order(r#""qty":1,"price":1,"qty":2"#),
            "is member `order.qty` twice",
        );
        check(
            &order(r#""qty":true,"price":1"#),
            "`order.qty` is not a decimal number",
        );
        check(r#"{"order":{}}"#, "`context` is missing");
        check("[]", "must be an object");
    }
}
