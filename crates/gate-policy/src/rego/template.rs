//! Reuses one input document for orders without extra members, which differ only in their values.

use regorus::Value;

use super::input::{Names, amount, currency, exact};
use crate::input_bounds::TooLarge;
use crate::policy::PolicyInput;

/// A document that is refilled for every order.
pub(super) struct Template {
    names: Names,
    /// INVARIANT: has the members of [`Names::input`] for an order without extra members.
    document: Value,
}

impl Template {
    pub(super) fn new() -> Self {
        let names = Names::new();
        let document = names.blank();
        Self { names, document }
    }

    /// The document of this order. One that is still referenced is copied, not changed.
    pub(super) fn fill(&mut self, input: &PolicyInput<'_>) -> Result<Value, TooLarge> {
        if !input.order_extra.is_empty() || !input.context_extra.is_empty() {
            return self.names.input(input);
        }
        let exposure = &input.exposure;
        let side = self.names.side(input.side);
        // Members in name order, here and below.
        let parts = members(&mut self.document)?;
        let [amounts, context, exposures, now_ns, order] = parts;
        set(
            amounts,
            [
                exact(exposure.filled.micros()),
                exact(exposure.gross.micros()),
                exact(input.notional.micros()),
                exact(input.price.decimal().nanos()),
                exact(input.qty.decimal().nanos()),
                exact(exposure.reserved.micros()),
            ],
        )?;
        set(context, [input.client_id.into()])?;
        set(
            exposures,
            [
                currency(exposure.filled),
                currency(exposure.gross),
                exposure.open_orders.into(),
                exposure.orders_last_second.into(),
                currency(exposure.reserved),
            ],
        )?;
        *now_ns = input.now.unix_nanos().into();
        set(
            order,
            [
                input.client_order_id.into(),
                amount(input.price.decimal()),
                amount(input.qty.decimal()),
                side,
                input.symbol.into(),
            ],
        )?;
        Ok(self.document.clone())
    }
}

/// The values of an object's members, in name order.
fn members<const N: usize>(object: &mut Value) -> Result<[&mut Value; N], TooLarge> {
    let object = object.as_object_mut().map_err(|_| TooLarge)?;
    let values: Vec<&mut Value> = object.iter_mut().map(|(_, value)| value).collect();
    values.try_into().map_err(|_| TooLarge)
}

fn set<const N: usize>(object: &mut Value, values: [Value; N]) -> Result<(), TooLarge> {
    let object = object.as_object_mut().map_err(|_| TooLarge)?;
    if object.len() != N {
        return Err(TooLarge);
    }
    for ((_, slot), value) in object.iter_mut().zip(values) {
        *slot = value;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use gate_types::{Exposure, Notional, Price, Qty, Side, Timestamp};
    use proptest::prelude::*;
    use serde_json::Map;

    use super::*;

    proptest! {
        /// The law: filling in place gives the document that building it anew gives, whatever
        /// stood there before and whoever still holds it.
        #[test]
        fn in_place_is_as_good_as_anew(
            orders in proptest::collection::vec(
                ("[a-z]{1,9}", 1_u64..u64::MAX, 1_u64..1_000_000_000, any::<bool>()), 1..8,
            ),
            keep in any::<bool>(),
        ) {
            let (mut template, none) = (Template::new(), Map::new());
            let mut kept = Vec::new();
            for (name, big, small, buy) in &orders {
                let money = |micros: u64| Notional::from_micros(u128::from(micros)).unwrap();
                let input = PolicyInput {
                    client_id: name,
                    client_order_id: name,
                    symbol: name,
                    side: if *buy { Side::Buy } else { Side::Sell },
                    qty: Qty::parse(&small.to_string()).unwrap(),
                    price: Price::parse(&format!("{small}.25")).unwrap(),
                    order_extra: &none,
                    context_extra: &none,
                    notional: money(*big),
                    exposure: Exposure {
                        reserved: money(*small),
                        filled: money(big / 2),
                        gross: money(*big),
                        open_orders: *small,
                        orders_last_second: big % 100,
                    },
                    now: Timestamp::from_unix_nanos(*big),
                };
                let anew = Names::new().input(&input).unwrap();
                let filled = template.fill(&input).unwrap();
                prop_assert_eq!(&filled, &anew);
                if keep {
                    kept.push((filled, anew));
                }
            }
            for (filled, anew) in &kept {
                prop_assert_eq!(filled, anew);
            }
        }
    }
}
