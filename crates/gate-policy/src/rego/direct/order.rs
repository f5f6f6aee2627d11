//! Serves an order as the input of a program: the members of the document that `input.rs` would
//! build, each made when it is read.

use regorus::Value;
use serde_json::{Map, Value as Json};

use super::value::{Datum, UNDEFINED};
use crate::policy::PolicyInput;
use crate::rego::input::{self, amount, currency, exact};

/// An object within the input, or the input itself. One word wide, like [`Datum`]'s tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Part {
    Input,
    Amounts,
    Context,
    Exposure,
    Order,
}

/// A member that Gate sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Member {
    Amounts,
    ClientId,
    ClientOrderId,
    Context,
    Exposure,
    Filled,
    FilledMicros,
    Gross,
    GrossMicros,
    NotionalMicros,
    NowNs,
    OpenOrders,
    Order,
    OrdersLastSecond,
    Price,
    PriceNanos,
    Qty,
    QtyNanos,
    Reserved,
    ReservedMicros,
    Side,
    Symbol,
}

impl Member {
    /// The member of that name.
    pub(super) fn named(name: &Value) -> Option<Self> {
        let Value::String(name) = name else {
            return None;
        };
        Some(match name.as_ref() {
            "amounts" => Self::Amounts,
            "client_id" => Self::ClientId,
            "client_order_id" => Self::ClientOrderId,
            "context" => Self::Context,
            "exposure" => Self::Exposure,
            "filled" => Self::Filled,
            "filled_micros" => Self::FilledMicros,
            "gross" => Self::Gross,
            "gross_micros" => Self::GrossMicros,
            "notional_micros" => Self::NotionalMicros,
            "now_ns" => Self::NowNs,
            "open_orders" => Self::OpenOrders,
            "order" => Self::Order,
            "orders_last_second" => Self::OrdersLastSecond,
            "price" => Self::Price,
            "price_nanos" => Self::PriceNanos,
            "qty" => Self::Qty,
            "qty_nanos" => Self::QtyNanos,
            "reserved" => Self::Reserved,
            "reserved_micros" => Self::ReservedMicros,
            "side" => Self::Side,
            "symbol" => Self::Symbol,
            _ => return None,
        })
    }
}

/// The value of a member of one of the input's objects; undefined where there is none.
pub(super) fn member<'a>(
    input: &'a PolicyInput<'a>,
    part: Part,
    name: &Value,
    member: Option<Member>,
) -> Datum<'a> {
    use Member as M;
    let exposure = &input.exposure;
    let value = match (part, member) {
        (Part::Input, Some(M::Amounts)) => return Datum::Part(Part::Amounts),
        (Part::Input, Some(M::Context)) => return Datum::Part(Part::Context),
        (Part::Input, Some(M::Exposure)) => return Datum::Part(Part::Exposure),
        (Part::Input, Some(M::Order)) => return Datum::Part(Part::Order),
        (Part::Input, Some(M::NowNs)) => input.now.unix_nanos().into(),

        (Part::Amounts, Some(M::FilledMicros)) => exact(exposure.filled.micros()),
        (Part::Amounts, Some(M::GrossMicros)) => exact(exposure.gross.micros()),
        (Part::Amounts, Some(M::NotionalMicros)) => exact(input.notional.micros()),
        (Part::Amounts, Some(M::PriceNanos)) => exact(input.price.decimal().nanos()),
        (Part::Amounts, Some(M::QtyNanos)) => exact(input.qty.decimal().nanos()),
        (Part::Amounts, Some(M::ReservedMicros)) => exact(exposure.reserved.micros()),

        (Part::Exposure, Some(M::Filled)) => currency(exposure.filled),
        (Part::Exposure, Some(M::Gross)) => currency(exposure.gross),
        (Part::Exposure, Some(M::OpenOrders)) => exposure.open_orders.into(),
        (Part::Exposure, Some(M::OrdersLastSecond)) => exposure.orders_last_second.into(),
        (Part::Exposure, Some(M::Reserved)) => currency(exposure.reserved),

        (Part::Order, Some(M::ClientOrderId)) => input.client_order_id.into(),
        (Part::Order, Some(M::Price)) => amount(input.price.decimal()),
        (Part::Order, Some(M::Qty)) => amount(input.qty.decimal()),
        (Part::Order, Some(M::Side)) => input.side.as_str().into(),
        (Part::Order, Some(M::Symbol)) => input.symbol.into(),
        (Part::Order, _) => return further(input.order_extra, name),

        (Part::Context, Some(M::ClientId)) => input.client_id.into(),
        (Part::Context, _) => return further(input.context_extra, name),

        (Part::Input | Part::Amounts | Part::Exposure, _) => return UNDEFINED,
    };
    Datum::Own(value)
}

/// A member that the caller added.
fn further(members: &Map<String, Json>, name: &Value) -> Datum<'static> {
    let Value::String(name) = name else {
        return UNDEFINED;
    };
    let json = members.get(name.as_ref());
    json.map_or(UNDEFINED, |json| Datum::Own(input::value(json)))
}
