//! Generates bundles and orders at random, aimed at the edges of the limits in them. No assertion
//! lives here.

use gate_policy::Policy;
use gate_types::{Decimal, Exposure, Notional, Price, Qty, Side};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::support::Order;

const SYMBOLS: [&str; 7] = [
    "AAPL",
    "GME",
    "MSFT",
    "Ω≈ç√",
    "日本",
    "with space",
    "a\"b\\c",
];
const CLIENTS: [&str; 5] = ["c5", "bad1", "c1", "клиент", "default"];
/// Amounts where floats go wrong, and the ends of the range.
const AMOUNTS: [&str; 14] = [
    "1",
    "100",
    "185.55",
    "1.005",
    "0.1",
    "0.3",
    "0.000000001",
    "0.000001",
    "3",
    "1005",
    "90071992547409.93",
    "999999999999999999",
    "9007199254740993",
    "123456789.123456789",
];

/// A number that no float represents: `serde_json` would change it ([`written`]).
const BETWEEN_FLOATS: &str = "90071992547409.93";

/// The data as text; with `as_numbers` the limits that no float represents are numbers, too.
pub(crate) fn written(data: &Value, as_numbers: bool) -> String {
    let text = data.to_string();
    if as_numbers {
        text.replace(&format!("\"{BETWEEN_FLOATS}\""), BETWEEN_FLOATS)
    } else {
        text
    }
}

/// A limit: often one an order can hit exactly, as a string or a number.
fn limit() -> impl Strategy<Value = Option<Value>> {
    let text = prop_oneof![
        (1_u32..2_000).prop_map(|n| n.to_string()),
        (1_u32..2_000, 0_u32..100).prop_map(|(n, f)| format!("{n}.{f:02}")),
        (1_u32..2_000_000).prop_map(|n| format!("{}.{:06}", n / 1_000_000, n % 1_000_000)),
        Just("0".to_owned()),
        Just("185.55".to_owned()),
        Just("1.005".to_owned()),
        Just(BETWEEN_FLOATS.to_owned()),
        Just("999999999999999999".to_owned()),
    ];
    let value = (text, any::<bool>()).prop_map(|(text, as_number)| {
        if as_number && text != BETWEEN_FLOATS {
            serde_json::from_str(&text).unwrap()
        } else {
            Value::String(text)
        }
    });
    let value = prop_oneof![
        8 => value,
        // More digits than a product of 64 bits has.
        1 => (1_u64..100_000_000_000, 1_u32..1_000_000)
            .prop_map(|(whole, micros)| Value::String(format!("{whole}.{micros:06}"))),
        // An integer that is read as a float.
        1 => (1_u32..=u32::MAX).prop_map(|n| json!(f64::from(n) * 8.0)),
    ];
    proptest::option::weighted(0.6, value)
}

fn object(members: Vec<(&str, Option<Value>)>) -> Value {
    let set = members
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(set.collect())
}

fn limits() -> impl Strategy<Value = Value> {
    let rate = proptest::option::of((0_u64..5).prop_map(Value::from));
    let collar = proptest::option::of(prop_oneof![
        (0_u32..30).prop_map(|n| json!(n)),
        (0_u32..30, 0_u32..10).prop_map(|(n, f)| json!(format!("{n}.{f}"))),
    ]);
    (limit(), limit(), limit(), collar, rate).prop_map(|(qty, notional, exposure, collar, rate)| {
        object(vec![
            ("max_order_qty", qty),
            ("max_order_notional", notional),
            ("max_exposure", exposure),
            ("price_collar_pct", collar),
            ("max_orders_per_second", rate),
        ])
    })
}

fn instrument() -> impl Strategy<Value = Value> {
    let price = proptest::option::weighted(
        0.8,
        prop_oneof![
            Just(json!("185.00")),
            Just(json!(185.55)),
            Just(json!("1.005")),
            Just(json!(100)),
            Just(json!("90071.99")),
        ],
    );
    let size = proptest::option::weighted(
        0.3,
        prop_oneof![
            Just(json!("1")),
            Just(json!(100)),
            Just(json!("0.01")),
            Just(json!(2.5)),
        ],
    );
    let collar = proptest::option::weighted(0.3, (0_u32..30).prop_map(|n| json!(n)));
    let own = (limit(), limit(), collar, any::<bool>());
    (price, size, own).prop_map(|(price, size, (qty, notional, collar, tight))| {
        let own = |value: Option<Value>| value.filter(|_| tight);
        object(vec![
            ("reference_price", price),
            ("contract_size", size),
            ("max_order_qty", own(qty)),
            ("max_order_notional", own(notional)),
            ("price_collar_pct", own(collar)),
        ])
    })
}

fn map_of(
    names: &'static [&'static str],
    value: impl Strategy<Value = Value>,
) -> impl Strategy<Value = Value> {
    proptest::collection::btree_map(proptest::sample::select(names), value, 0..=names.len())
        .prop_map(|members| {
            let members: Map<_, _> = members
                .into_iter()
                .map(|(k, v)| (k.to_owned(), v))
                .collect();
            Value::Object(members)
        })
}

/// `data.json` of the built-in rules.
pub(crate) fn data() -> impl Strategy<Value = Value> {
    let limits = (
        proptest::option::weighted(0.85, limits()),
        proptest::option::weighted(0.7, map_of(&CLIENTS, limits())),
    )
        .prop_map(|(default, clients)| object(vec![("default", default), ("clients", clients)]));
    (
        proptest::option::weighted(0.95, limits),
        proptest::option::weighted(0.9, map_of(&SYMBOLS, instrument())),
        proptest::option::of(map_of(&SYMBOLS, any::<bool>().prop_map(Value::from))),
        proptest::option::of(map_of(&CLIENTS, any::<bool>().prop_map(Value::from))),
    )
        .prop_map(|(limits, instruments, restricted, suspended)| {
            object(vec![
                ("limits", limits),
                ("instruments", instruments),
                ("restricted_symbols", restricted),
                ("suspended_clients", suspended),
            ])
        })
}

/// Every number or decimal string in a document: the edges that orders are aimed at.
pub(crate) fn edges(value: &Value, found: &mut Vec<Decimal>) {
    match value {
        Value::Number(number) => found.extend(Decimal::parse(&number.to_string())),
        Value::String(text) => found.extend(Decimal::parse(text)),
        Value::Object(members) => members.values().for_each(|value| edges(value, found)),
        _ => {}
    }
}

/// The amount itself, or one unit (10⁻⁹, 10⁻⁶ or 1) to either side.
fn near(base: Decimal, nudge: i8) -> Decimal {
    let nanos = base.nanos();
    let moved = match nudge {
        1 => nanos + 1,
        2 => nanos.saturating_sub(1),
        3 => nanos + 1_000,
        4 => nanos.saturating_sub(1_000),
        5 => nanos + 1_000_000_000,
        6 => nanos.saturating_sub(1_000_000_000),
        _ => nanos,
    };
    Decimal::from_nanos(moved).unwrap_or(base)
}

/// Small random numbers that a seed gives; the orders of one bundle come from one seed, so that
/// 100,000 of them are cheap to make.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % sides as u64).unwrap()
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.roll(items.len())]
    }

    fn amount(&mut self, edges: &[Decimal]) -> Decimal {
        let base = match self.roll(3) {
            0 => Decimal::parse(self.pick::<&str>(&AMOUNTS)).unwrap(),
            _ if !edges.is_empty() => *self.pick(edges),
            _ => Decimal::ONE,
        };
        near(base, i8::try_from(self.roll(10)).unwrap())
    }

    /// An order at one of the edges; `None` when an amount came out beyond its range.
    pub(crate) fn order(&mut self, edges: &[Decimal]) -> Option<Order> {
        // One side of the notional is often 1, so that the other aims at a notional limit.
        let (mut qty, mut price) = (self.amount(edges), self.amount(edges));
        match self.roll(4) {
            0 => qty = Decimal::ONE,
            1 => price = Decimal::ONE,
            _ => {}
        }
        let gross = Notional::from_micros(self.amount(edges).nanos() / 1_000).ok()?;
        let mut order_extra = Map::new();
        let mut context_extra = Map::new();
        if self.roll(4) == 0 {
            order_extra.insert("tif".into(), json!({"x": [1, null, "é"], "qty": 0}));
            context_extra.insert("desk".into(), json!("日本"));
            // Names that Gate sets itself do not change anything.
            order_extra.insert("qty".into(), json!(0));
            context_extra.insert("client_id".into(), json!("nobody"));
        }
        Some(Order {
            client_id: (*self.pick(&CLIENTS)).to_owned(),
            symbol: (*self.pick(&SYMBOLS)).to_owned(),
            side: *self.pick(&[Side::Buy, Side::Sell]),
            qty: Qty::new(qty).ok()?,
            price: Price::new(price).ok()?,
            order_extra,
            context_extra,
            exposure: Exposure {
                reserved: gross,
                gross: if self.roll(3) == 0 {
                    gross
                } else {
                    Notional::ZERO
                },
                orders_last_second: self.roll(6) as u64,
                ..Exposure::default()
            },
        })
    }
}

/// The input document as the documentation gives it, as JSON text. `None` for amounts beyond 64
/// bits: JSON text would make them floats, where the typed order gives exact integers.
pub(crate) fn document(order: &Order, policy: &dyn Policy) -> Option<String> {
    let size = policy.contract_size(&order.symbol);
    let notional = Notional::of(order.qty, order.price, size).ok()?;
    let exposure = &order.exposure;
    let all = [
        order.qty.decimal().nanos(),
        order.price.decimal().nanos(),
        notional.micros(),
        exposure.gross.micros(),
    ];
    if all.iter().any(|amount| *amount > u128::from(u64::MAX)) {
        return None;
    }
    let quoted = |text: &str| Value::from(text).to_string();
    Some(format!(
        r#"{{"order":{{"symbol":{},"qty":{qty},"price":{price},"side":"{}","client_order_id":"o-1"}},
            "context":{{"client_id":{}}},
            "exposure":{{"reserved":{r},"filled":{f},"gross":{g},"open_orders":0,
            "orders_last_second":{}}},"now_ns":1700000000000000000,
            "amounts":{{"qty_nanos":{},"price_nanos":{},"notional_micros":{},
            "reserved_micros":{},"filled_micros":{},"gross_micros":{}}}}}"#,
        quoted(&order.symbol),
        order.side,
        quoted(&order.client_id),
        exposure.orders_last_second,
        order.qty.decimal().nanos(),
        order.price.decimal().nanos(),
        notional.micros(),
        exposure.reserved.micros(),
        exposure.filled.micros(),
        exposure.gross.micros(),
        qty = order.qty,
        price = order.price,
        r = exposure.reserved,
        f = exposure.filled,
        g = exposure.gross,
    ))
}
