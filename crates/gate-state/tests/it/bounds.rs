//! What a ledger remembers is bounded: of all clients, of one, and of one order.

use gate_state::{
    DecideError, Decided, FillError, Judgement, KillRecord, KillScope, PositionError, RecordError,
    ReleaseError, SetPosition, Status,
};
use gate_types::{ClientId, NetNotional, Notional, OrderId, Symbol};

use crate::kit::Kit;

#[test]
fn memory_is_bounded() {
    let kit = Kit::with(|config| config.max_orders = 2);
    kit.authorize("c1", "o-1", "1");
    kit.authorize("c2", "o-1", "1");
    assert_eq!(
        kit.decide("c3", "o-1", "1", None),
        Err(DecideError::MemoryFull)
    );
    assert!(matches!(
        kit.decide("c2", "o-1", "1", None),
        Ok(Decided::Replayed { .. })
    ));
    assert_eq!(kit.ledger.health().remembered, 2);
}

#[test]
fn one_client_does_not_take_the_room_of_all() {
    let kit = Kit::with(|config| config.max_orders_per_client = 2);
    kit.authorize("c1", "o-1", "1");
    let blocked = kit.decide("c1", "o-2", "1", Some("1")).unwrap();
    assert!(matches!(blocked, Decided::New(decision) if decision.status == Status::Blocked));
    let third = kit.decide("c1", "o-3", "1", None);
    assert_eq!(third, Err(DecideError::ClientFull));
    kit.authorize("c2", "o-1", "1");
}

/// A policy that takes any symbol lets its clients invent them.
#[test]
fn symbols_have_a_bound_and_blocked_orders_add_none() {
    let kit = Kit::with(|config| config.max_symbols = 2);
    let decide = |id: &str, symbol: &str, limit: Option<&str>| {
        let symbol = Symbol::new(symbol).unwrap();
        let limit = limit.map(|limit| Notional::parse(limit).unwrap());
        kit.order("c1", id, "1", "10", |order| {
            let order = gate_state::NewOrder {
                symbol: &symbol,
                ..*order
            };
            let decided = kit.ledger.decide(&order, |_| crate::kit::allow(limit))?;
            let Decided::New(decision) = decided else {
                return Ok(None);
            };
            Ok(Some(decision.status))
        })
    };
    assert_eq!(decide("o-1", "A", None), Ok(Some(Status::Authorized)));
    assert_eq!(decide("o-2", "B", Some("1")), Ok(Some(Status::Blocked)));
    assert_eq!(decide("o-3", "C", None), Ok(Some(Status::Authorized)));
    let before = kit.exposure("c1");
    assert_eq!(decide("o-4", "D", None), Err(DecideError::SymbolsFull));
    assert_eq!(kit.exposure("c1"), before);
    assert_eq!(decide("o-5", "A", None), Ok(Some(Status::Authorized)));
    assert_eq!(decide("o-6", "D", Some("1")), Ok(Some(Status::Blocked)));
}

#[test]
fn an_order_has_so_many_fills_and_releases_and_can_still_be_ended() {
    let kit = Kit::with(|config| config.max_reports_per_order = 4);
    kit.order("c1", "o-1", "10", "10", |order| {
        kit.ledger.decide(order, |_| crate::kit::allow(None))
    })
    .unwrap();
    let fill = |exec: &str| kit.fill("o-1", exec, "1", "1");
    let before = fill("x-1").unwrap().seq;
    kit.release("c1", "o-1", Some("2")).unwrap();
    let open = kit.exposure("c1");
    let third = kit.release("c1", "o-1", Some("3"));
    assert_eq!(third, Err(ReleaseError::TooManyReports));
    assert_eq!(kit.exposure("c1"), open);
    // Releases leave half of it to fills.
    fill("x-2").unwrap();
    fill("x-3").unwrap();
    let open = kit.exposure("c1");
    assert_eq!(fill("x-4"), Err(FillError::TooManyReports));
    assert_eq!(kit.exposure("c1"), open);
    // Those that were taken are still recognized.
    let again = fill("x-1").unwrap();
    assert_eq!((again.repeated, again.seq), (true, before));
    assert_eq!(kit.release("c1", "o-1", Some("2")).unwrap().0, None);
    assert_eq!(kit.release("c1", "o-1", None).unwrap().1, "5");
}

/// It would fail the commit, and with it everybody's.
#[test]
fn a_text_that_is_too_long_is_refused_before_anything_changes() {
    let kit = Kit::new();
    kit.authorize("c1", "o-1", "100");
    let long = "x".repeat(1 << 20);
    let (client, order) = (ClientId::new("c1").unwrap(), OrderId::new("o-1").unwrap());
    let released = kit.ledger.release(&client, &order, &long, None);
    assert_eq!(released, Err(ReleaseError::TooLarge));
    let kill = KillRecord {
        scope: KillScope::All,
        on: true,
        actor: "ops".into(),
        reason: long.as_str().into(),
    };
    assert_eq!(kit.ledger.kill(&kill), Err(RecordError::TooLarge));
    let position = SetPosition {
        client_id: &client,
        symbol: &Symbol::new("AAPL").unwrap(),
        net: NetNotional::parse("5").unwrap(),
        expected: None,
        actor: &long,
        reason: "carried over",
    };
    let set = kit.ledger.set_position(&position);
    assert_eq!(set, Err(PositionError::TooLarge));
    let decided = kit.order("c1", "o-2", "1", "1", |order| {
        kit.ledger.decide(order, |_| Judgement {
            allow: false,
            reasons: vec![long.clone().into()],
            max_exposure: None,
        })
    });
    assert_eq!(decided, Err(DecideError::TooLarge));
    assert_eq!(kit.exposure("c1").gross.to_string(), "100");
    assert!(kit.ledger.kills().is_empty());
    kit.authorize("c1", "o-2", "1");
}
