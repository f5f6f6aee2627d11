//! Builds the Rego input document from a typed order, without going through JSON text.

use std::collections::BTreeMap;

use gate_types::{Decimal, Notional};
use regorus::Value;
use serde_json::{Map, Value as Json};

use crate::input_bounds::{self, TooLarge, fits};
use crate::policy::PolicyInput;

/// The member names, allocated once per machine: documents share them by reference count.
pub(super) struct Names {
    amounts: Value,
    client_id: Value,
    client_order_id: Value,
    context: Value,
    exposure: Value,
    filled: Value,
    filled_micros: Value,
    gross: Value,
    gross_micros: Value,
    notional_micros: Value,
    now_ns: Value,
    open_orders: Value,
    order: Value,
    orders_last_second: Value,
    price: Value,
    price_nanos: Value,
    qty: Value,
    qty_nanos: Value,
    reserved: Value,
    reserved_micros: Value,
    side: Value,
    symbol: Value,
    buy: Value,
    sell: Value,
}

impl Names {
    pub(super) fn new() -> Self {
        Self {
            amounts: "amounts".into(),
            client_id: "client_id".into(),
            client_order_id: "client_order_id".into(),
            context: "context".into(),
            exposure: "exposure".into(),
            filled: "filled".into(),
            filled_micros: "filled_micros".into(),
            gross: "gross".into(),
            gross_micros: "gross_micros".into(),
            notional_micros: "notional_micros".into(),
            now_ns: "now_ns".into(),
            open_orders: "open_orders".into(),
            order: "order".into(),
            orders_last_second: "orders_last_second".into(),
            price: "price".into(),
            price_nanos: "price_nanos".into(),
            qty: "qty".into(),
            qty_nanos: "qty_nanos".into(),
            reserved: "reserved".into(),
            reserved_micros: "reserved_micros".into(),
            side: "side".into(),
            symbol: "symbol".into(),
            buy: "BUY".into(),
            sell: "SELL".into(),
        }
    }

    /// The document of an order without extra members, all values null.
    pub(super) fn blank(&self) -> Value {
        let members = |names: &[&Value]| -> Value {
            let blank = names.iter().map(|name| ((*name).clone(), Value::Null));
            blank.collect::<BTreeMap<Value, Value>>().into()
        };
        let amounts = members(&[
            &self.filled_micros,
            &self.gross_micros,
            &self.notional_micros,
            &self.price_nanos,
            &self.qty_nanos,
            &self.reserved_micros,
        ]);
        let exposure = members(&[
            &self.filled,
            &self.gross,
            &self.open_orders,
            &self.orders_last_second,
            &self.reserved,
        ]);
        let order = members(&[
            &self.client_order_id,
            &self.price,
            &self.qty,
            &self.side,
            &self.symbol,
        ]);
        BTreeMap::from([
            (self.amounts.clone(), amounts),
            (self.context.clone(), members(&[&self.client_id])),
            (self.exposure.clone(), exposure),
            (self.now_ns.clone(), Value::Null),
            (self.order.clone(), order),
        ])
        .into()
    }

    pub(super) fn side(&self, side: gate_types::Side) -> Value {
        match side {
            gate_types::Side::Buy => self.buy.clone(),
            gate_types::Side::Sell => self.sell.clone(),
        }
    }

    /// The whole input document.
    pub(super) fn input(&self, input: &PolicyInput<'_>) -> Result<Value, TooLarge> {
        if !fits(input) {
            return Err(TooLarge);
        }
        let mut order = extra(input.order_extra);
        // Gate's own members last, so that an extra member can never replace one.
        let mut set = |name: &Value, value: Value| order.insert(name.clone(), value);
        set(&self.client_order_id, input.client_order_id.into());
        set(&self.price, amount(input.price.decimal()));
        set(&self.qty, amount(input.qty.decimal()));
        set(&self.side, self.side(input.side));
        set(&self.symbol, input.symbol.into());

        let mut context = extra(input.context_extra);
        context.insert(self.client_id.clone(), input.client_id.into());

        let exposure = &input.exposure;
        let exposure_document = BTreeMap::from([
            (self.filled.clone(), currency(exposure.filled)),
            (self.gross.clone(), currency(exposure.gross)),
            (self.open_orders.clone(), exposure.open_orders.into()),
            (
                self.orders_last_second.clone(),
                exposure.orders_last_second.into(),
            ),
            (self.reserved.clone(), currency(exposure.reserved)),
        ]);
        let amounts = BTreeMap::from([
            (self.filled_micros.clone(), exact(exposure.filled.micros())),
            (self.gross_micros.clone(), exact(exposure.gross.micros())),
            (self.notional_micros.clone(), exact(input.notional.micros())),
            (
                self.price_nanos.clone(),
                exact(input.price.decimal().nanos()),
            ),
            (self.qty_nanos.clone(), exact(input.qty.decimal().nanos())),
            (
                self.reserved_micros.clone(),
                exact(exposure.reserved.micros()),
            ),
        ]);
        Ok(BTreeMap::from([
            (self.amounts.clone(), amounts.into()),
            (self.context.clone(), context.into()),
            (self.exposure.clone(), exposure_document.into()),
            (self.now_ns.clone(), input.now.unix_nanos().into()),
            (self.order.clone(), order.into()),
        ])
        .into())
    }
}

/// A JSON document as a Rego value, within the limits.
pub(super) fn from_json(json: &Json) -> Result<Value, TooLarge> {
    input_bounds::check(json)?;
    Ok(value(json))
}

fn extra(members: &Map<String, Json>) -> BTreeMap<Value, Value> {
    let members = members.iter();
    let members = members.map(|(name, member)| (name.as_str().into(), value(member)));
    members.collect()
}

/// Converts a JSON document whose size has been checked.
pub(super) fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::String(text) => text.as_str().into(),
        Json::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
            (Some(value), _, _) => value.into(),
            (None, Some(value), _) => value.into(),
            (None, None, Some(value)) => value.into(),
            // Only with serde_json's feature `arbitrary_precision`.
            (None, None, None) => Value::Undefined,
        },
        Json::Array(items) => items.iter().map(value).collect::<Vec<_>>().into(),
        Json::Object(members) => extra(members).into(),
    }
}

/// A quantity or price: a number, whether the caller wrote a number or a text, so that no rule is passed by
/// writing the same amount otherwise. With a fraction it is the nearest float; `input.amounts` is exact.
pub(super) fn amount(value: Decimal) -> Value {
    number(u128::from(value.mantissa()), value.scale())
}

pub(super) fn currency(value: Notional) -> Value {
    number(value.micros(), 6)
}

pub(super) fn exact(value: u128) -> Value {
    match u64::try_from(value) {
        Ok(small) => small.into(),
        Err(_) => value.into(),
    }
}

/// The number nearest to `mantissa × 10^-scale`; an integer, exactly, when it is whole.
fn number(mantissa: u128, scale: u8) -> Value {
    if mantissa == 0 {
        return 0_u64.into();
    }
    // Below 2^53 integers are exact floats, and IEEE division rounds their quotient correctly.
    const EXACT: u64 = 1 << 53;
    if let (Ok(small), Some(unit)) = (
        u64::try_from(mantissa),
        10_u64.checked_pow(u32::from(scale)),
    ) {
        // The usual case, without a division of 128 bits.
        if small.is_multiple_of(unit) {
            return small.wrapping_div(unit).into();
        }
        if small < EXACT {
            return (small as f64 / unit as f64).into();
        }
    }
    let unit = 10_u128.pow(u32::from(scale));
    if mantissa.is_multiple_of(unit) {
        return exact(mantissa.wrapping_div(unit));
    }
    let text = format!("{mantissa}e-{scale}");
    text.parse::<f64>().map_or(Value::Undefined, Value::from)
}
