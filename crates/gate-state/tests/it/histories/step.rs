//! The events of a history, and how they are generated.

use proptest::prelude::*;

use crate::model::SECOND;

pub(super) const CLIENTS: u8 = 3;
pub(super) const ORDERS: u8 = 5;

/// One event. Few clients and orders, so that events often concern the same ones.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Reserve {
        client: u8,
        order: u8,
        variant: u8,
    },
    Fill {
        client: u8,
        order: u8,
        exec: u8,
        qty: u128,
        price: u128,
    },
    Release {
        client: u8,
        order: u8,
        reason: u8,
        qty: Option<u128>,
    },
    Kill {
        kind: u8,
        which: u8,
        on: bool,
    },
    Position {
        client: u8,
        symbol: u8,
        net: i128,
        expected: Option<i128>,
    },
    Limit {
        client: u8,
        limit: u128,
    },
    Wait {
        ns: u64,
    },
    Maintain,
    Restart {
        crash: bool,
    },
    Snapshot,
}

/// Any event, orders and fills most often.
pub(super) fn step() -> impl Strategy<Value = Step> {
    let (client, order) = (0..CLIENTS, 0..ORDERS);
    prop_oneof![
        8 => (client.clone(), order.clone(), 0_u8..2)
            .prop_map(|(client, order, variant)| Step::Reserve { client, order, variant }),
        8 => (client.clone(), order.clone(), 0_u8..4, 1_u128..25, 1_u128..4).prop_map(
            |(client, order, exec, qty, price)| Step::Fill { client, order, exec, qty, price }
        ),
        6 => (client.clone(), order, 0_u8..2, proptest::option::of(1_u128..20)).prop_map(
            |(client, order, reason, qty)| Step::Release { client, order, reason, qty }
        ),
        1 => (0_u8..3, 0..CLIENTS, any::<bool>())
            .prop_map(|(kind, which, on)| Step::Kill { kind, which, on }),
        2 => (client.clone(), 0_u8..2, position(), proptest::option::of(position())).prop_map(
            |(client, symbol, net, expected)| Step::Position { client, symbol, net, expected }
        ),
        2 => (client, 0_u128..20_000_000).prop_map(|(client, limit)| Step::Limit { client, limit }),
        3 => (1_u64..40 * SECOND).prop_map(|ns| Step::Wait { ns }),
        2 => Just(Step::Maintain),
        1 => any::<bool>().prop_map(|crash| Step::Restart { crash }),
        1 => Just(Step::Snapshot),
    ]
}

/// Few values, so that an expected position sometimes is the real one.
fn position() -> impl Strategy<Value = i128> {
    prop_oneof![
        Just(0),
        Just(5_000_000),
        Just(-5_000_000),
        -9_000_000_i128..9_000_000
    ]
}
