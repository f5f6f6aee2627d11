//! Holds in doubt: the token expired, and the venue reported nothing.

use gate_state::{Phase, StoreView};
use gate_types::{ClientId, Clock as _, OrderId};

use crate::kit::Kit;

/// Housekeeping's visit to every client: how many holds it gave back.
fn visit_all(kit: &Kit) -> usize {
    let visits = (0..16).map(|_| kit.ledger.maintain().unwrap().expired);
    visits.sum()
}

/// An order that traded in part is at the venue, though its token expired.
#[test]
fn what_the_venue_has_spoken_of_is_not_in_doubt() {
    let kit = Kit::with(|config| config.in_doubt_release_ns = Some(0));
    for order in ["silent", "traded", "cut"] {
        kit.authorize("c1", order, "10");
    }
    let client = ClientId::new("c1").unwrap();
    kit.fill("traded", "e-1", "0.25", "10").unwrap();
    kit.release("c1", "cut", Some("0.5")).unwrap();
    kit.clock.advance_ns(60_000_000_000);
    let state = |order: &str| {
        let order = OrderId::new(order).unwrap();
        let state = kit.ledger.order(&client, &order).unwrap();
        (state.phase, state.in_doubt, state.held.to_string())
    };
    assert_eq!(state("silent"), (Phase::Live, true, "10".into()));
    let view = StoreView::open(kit.dir.path(), 0).unwrap();
    let doubtful = view.in_doubt(kit.clock.now()).unwrap();
    let [(found, order)] = &doubtful[..] else {
        panic!("{doubtful:?}")
    };
    let id = &order.decision.as_ref().unwrap().order_id;
    assert_eq!((&**found, &**id), ("c1", "silent"));
    assert_eq!(visit_all(&kit), 1);
    assert_eq!(state("silent"), (Phase::Expired, false, "0".into()));
    assert_eq!(state("traded"), (Phase::Live, false, "7.5".into()));
    assert_eq!(state("cut"), (Phase::Live, false, "5".into()));
}

#[test]
fn a_hold_stays_in_doubt_when_the_clock_is_put_back_and_comes_again() {
    let kit = Kit::with(|config| config.in_doubt_release_ns = Some(100_000_000_000));
    kit.authorize("c1", "o-1", "10");
    let began = gate_types::Clock::now(&*kit.clock);
    let maintain_at = |seconds: u64| {
        kit.clock
            .set(began.saturating_add_nanos(seconds * 1_000_000_000));
        (visit_all(&kit), kit.ledger.in_doubt().orders)
    };
    assert_eq!(maintain_at(60), (0, 1));
    // As of this time the token has not expired.
    assert_eq!(maintain_at(1), (0, 0));
    assert_eq!(maintain_at(60), (0, 1));
    assert_eq!(maintain_at(1_000), (1, 0));
}

/// Else the journal would free the same hold twice, and no start would take it.
#[test]
fn an_id_that_is_used_again_is_given_back_once() {
    const SECOND_NS: u64 = 1_000_000_000;
    let kit = Kit::with(|config| {
        config.dedupe_window_ns = SECOND_NS;
        config.in_doubt_release_ns = Some(60 * SECOND_NS);
    });
    kit.authorize("c1", "o-1", "10");
    // Its token expires, and it is found in doubt; then it ends, and its id is free again.
    kit.clock.advance_ns(40 * SECOND_NS);
    assert_eq!(visit_all(&kit), 0);
    assert_eq!(kit.ledger.in_doubt().orders, 1);
    kit.release("c1", "o-1", None).unwrap();
    kit.clock.advance_ns(2 * SECOND_NS);
    kit.authorize("c1", "o-1", "7");
    assert_eq!(visit_all(&kit), 0);
    kit.clock.advance_ns(40 * SECOND_NS);
    assert_eq!(visit_all(&kit), 0);
    assert_eq!(kit.ledger.in_doubt().orders, 1);
    kit.clock.advance_ns(60 * SECOND_NS);
    assert_eq!(visit_all(&kit), 1);
    kit.reopen().unwrap();
}

/// It would stand before all that are decided once the clock is right again.
#[test]
fn an_order_of_a_clock_that_ran_ahead_hides_no_other() {
    const SECOND_NS: u64 = 1_000_000_000;
    let kit = Kit::with(|config| config.in_doubt_release_ns = Some(SECOND_NS));
    let began = kit.clock.now();
    kit.clock.advance_ns(3_600 * SECOND_NS);
    kit.authorize("c1", "ahead", "10");
    kit.release("c1", "ahead", None).unwrap();
    kit.clock.set(began);
    kit.authorize("c1", "o-1", "7");
    kit.clock.advance_ns(60 * SECOND_NS);
    assert_eq!(visit_all(&kit), 1);
    assert_eq!(kit.exposure("c1").gross.to_string(), "0");
}
