//! The checks of `pretrade.rego` as a Cedar policy over the sample's data. For the bench alone.
use std::collections::{HashMap, HashSet};

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid,
    PolicySet, Request, RestrictedExpression,
};
use gate_policy::PolicyInput;
use gate_types::{Decimal, Notional};
use serde_json::Value;

pub struct Cedar {
    authorizer: Authorizer,
    policies: PolicySet,
    entities: Entities,
    client: EntityTypeName,
    instrument: EntityTypeName,
    order: EntityUid,
}

impl Cedar {
    /// Over a `data.json` of the built-in rules: default limits, a client's own, a price collar.
    pub fn new(data: &Value, clients: &[&str]) -> Self {
        let client: EntityTypeName = "Client".parse().unwrap();
        let instrument: EntityTypeName = "Instrument".parse().unwrap();
        let limits = &data["limits"];
        let mut entities = Vec::new();
        for id in clients {
            let limit = |name| match &limits["clients"][id][name] {
                Value::Null => &limits["default"][name],
                own => own,
            };
            let attributes = HashMap::from([
                long("qty_nanos", nanos(limit("max_order_qty"))),
                long("notional_micros", micros(limit("max_order_notional"))),
                long("exposure_micros", micros(limit("max_exposure"))),
                long(
                    "orders_per_second",
                    limit("max_orders_per_second").as_u64().unwrap().into(),
                ),
                flag("suspended", &data["suspended_clients"][id]),
            ]);
            entities.push(Entity::new(uid(&client, id), attributes, HashSet::new()).unwrap());
        }
        let percent = nanos(&limits["default"]["price_collar_pct"]);
        for (symbol, entry) in data["instruments"].as_object().unwrap() {
            let reference = nanos(&entry["reference_price"]);
            let distance = reference * percent / 100_000_000_000;
            let attributes = HashMap::from([
                long("low_nanos", reference - distance),
                long("high_nanos", reference + distance),
                flag("restricted", &data["restricted_symbols"][symbol]),
            ]);
            let uid = uid(&instrument, symbol);
            entities.push(Entity::new(uid, attributes, HashSet::new()).unwrap());
        }
        Self {
            authorizer: Authorizer::new(),
            policies: include_str!("policy.cedar").parse().unwrap(),
            entities: Entities::from_entities(entities, None).unwrap(),
            client,
            instrument,
            order: r#"Action::"order""#.parse().unwrap(),
        }
    }

    /// One decision, its request built from the typed order.
    pub fn allows(&self, input: &PolicyInput<'_>) -> bool {
        let context = Context::from_pairs([
            long("qty_nanos", input.qty.decimal().nanos()),
            long("price_nanos", input.price.decimal().nanos()),
            long("notional_micros", input.notional.micros()),
            long("gross_micros", input.exposure.gross.micros()),
            long(
                "orders_last_second",
                input.exposure.orders_last_second.into(),
            ),
        ]);
        let request = Request::new(
            uid(&self.client, input.client_id),
            self.order.clone(),
            uid(&self.instrument, input.symbol),
            context.unwrap(),
            None,
        );
        let response =
            self.authorizer
                .is_authorized(&request.unwrap(), &self.policies, &self.entities);
        response.decision() == Decision::Allow && response.diagnostics().errors().next().is_none()
    }
}

fn uid(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}

fn long(name: &str, value: u128) -> (String, RestrictedExpression) {
    let value = i64::try_from(value).unwrap();
    (name.to_owned(), RestrictedExpression::new_long(value))
}

fn flag(name: &str, value: &Value) -> (String, RestrictedExpression) {
    let value = value.as_bool().unwrap_or_default();
    (name.to_owned(), RestrictedExpression::new_bool(value))
}

fn nanos(value: &Value) -> u128 {
    Decimal::parse(value.as_str().unwrap()).unwrap().nanos()
}

fn micros(value: &Value) -> u128 {
    Notional::parse(value.as_str().unwrap()).unwrap().micros()
}
