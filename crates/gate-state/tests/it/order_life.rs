//! One order's life: decided, repeated, released, forgotten.

use gate_state::{
    DecideError, Decided, FillError, Judgement, NewFill, Phase, ReleaseError, Seq, Status,
    StoreView, StoredDecision,
};
use gate_types::{ClientId, Clock as _, ContractSize, ExecId, Notional, OrderId, Price, Qty};

use crate::kit::Kit;

fn release(
    kit: &Kit,
    client: &str,
    order: &str,
    qty: Option<&str>,
) -> Result<(Option<Seq>, String), ReleaseError> {
    let qty = qty.map(|qty| Qty::parse(qty).unwrap());
    let (client, order) = (ClientId::new(client).unwrap(), OrderId::new(order).unwrap());
    let released = kit.ledger.release(&client, &order, "canceled", qty)?;
    kit.ledger.wait(released.wait_for).unwrap();
    Ok((released.seq, released.freed.to_string()))
}

#[test]
fn a_repeated_order_is_replayed_and_a_different_one_refused() {
    let kit = Kit::new();
    let first = kit.authorize("c1", "o-1", "100");
    let again = kit.decide("c1", "o-1", "100", None);
    assert_eq!(again, Ok(Decided::Replayed { seq: first.seq }));
    let other = kit.decide("c1", "o-1", "101", None);
    assert_eq!(other, Err(DecideError::Conflict { seq: first.seq }));
    assert_eq!(kit.exposure("c1").gross.to_string(), "100");
    // Each client has its own ids.
    assert_eq!(kit.authorize("c2", "o-1", "101").status, Status::Authorized);
}

#[test]
fn a_blocked_order_holds_nothing_and_is_remembered() {
    let kit = Kit::new();
    kit.authorize("c1", "o-1", "100");
    let Ok(Decided::New(blocked)) = kit.decide("c1", "o-2", "51", Some("150")) else {
        panic!()
    };
    assert_eq!(blocked.status, Status::Blocked);
    assert_eq!(blocked.reasons, ["max_exposure"]);
    assert_eq!(blocked.headroom.unwrap().to_string(), "50");
    assert_eq!(blocked.after, blocked.before);
    let again = kit.decide("c1", "o-2", "51", None);
    assert_eq!(again, Ok(Decided::Replayed { seq: blocked.seq }));
    let exact = kit.decide("c1", "o-3", "50", Some("150")).unwrap();
    assert!(matches!(exact, Decided::New(decision) if decision.status == Status::Authorized));
    let nothing = release(&kit, "c1", "o-2", None).unwrap();
    assert_eq!(nothing, (None, "0".to_owned()));
}

#[test]
fn a_judge_who_refuses_without_a_reason_still_blocks_with_one() {
    let kit = Kit::new();
    let refuse = |_: &_| Judgement {
        allow: false,
        reasons: Vec::new(),
        max_exposure: None,
    };
    let decided = kit.order("c1", "o-1", "1", "5", |order| {
        kit.ledger.decide(order, refuse)
    });
    assert!(matches!(decided, Ok(Decided::New(decision)) if decision.reasons == ["policy_denied"]));
}

#[test]
fn the_journal_gives_a_decision_back_whole() {
    let kit = Kit::new();
    kit.authorize("c1", "o-0", "7");
    let decision = kit.authorize("c1", "o-1", "185.55");
    let stored: StoredDecision = kit.ledger.decision(decision.seq).unwrap();
    let record = &stored.record;
    assert_eq!(
        (stored.seq, record.order_id.as_ref()),
        (decision.seq, "o-1")
    );
    assert_eq!(record.notional.to_string(), "185.55");
    assert_eq!(
        (record.before, record.after()),
        (decision.before, decision.after)
    );
    assert_eq!(
        (record.context, stored.context.kid.as_str()),
        (kit.context, "k1")
    );
    assert_eq!(stored.at, gate_types::Clock::now(&*kit.clock));
    assert!(
        kit.ledger.decision(kit.context.seq()).is_err(),
        "a context is no decision"
    );
}

#[test]
fn releases_free_what_they_say_once() {
    let kit = Kit::new();
    kit.order("c1", "o-1", "3", "100", |order| {
        kit.ledger.decide(order, |_| crate::kit::allow(None))
    })
    .unwrap();
    let held = || kit.exposure("c1").reserved.to_string();
    assert_eq!(
        release(&kit, "c1", "o-1", Some("1")).unwrap().1,
        "33.333333"
    );
    assert_eq!(held(), "66.666667");
    // The same reason and quantity is a repetition.
    assert_eq!(
        release(&kit, "c1", "o-1", Some("1")).unwrap(),
        (None, "0".into())
    );
    assert_eq!(held(), "66.666667");
    assert_eq!(release(&kit, "c1", "o-1", None).unwrap().1, "66.666667");
    assert_eq!(
        release(&kit, "c1", "o-1", None).unwrap(),
        (None, "0".into())
    );
    assert_eq!(held(), "0");
    let state = kit
        .ledger
        .order(&ClientId::new("c1").unwrap(), &OrderId::new("o-1").unwrap())
        .unwrap();
    assert_eq!((state.phase, state.held), (Phase::Released, Notional::ZERO));
    assert_eq!(
        release(&kit, "c1", "o-9", None),
        Err(ReleaseError::UnknownOrder)
    );
    assert_eq!(
        release(&kit, "c9", "o-1", None),
        Err(ReleaseError::UnknownOrder)
    );
}

#[test]
fn an_ended_order_is_forgotten_after_the_window_and_a_live_one_never() {
    let kit = Kit::with(|config| config.dedupe_window_ns = 1_000);
    kit.authorize("c1", "ended", "1");
    kit.authorize("c1", "live", "1");
    release(&kit, "c1", "ended", None).unwrap();
    kit.clock.advance_ns(999);
    assert!(matches!(
        kit.decide("c1", "ended", "1", None),
        Ok(Decided::Replayed { .. })
    ));
    kit.clock.advance_ns(1);
    assert!(matches!(
        kit.decide("c1", "ended", "2", None),
        Ok(Decided::New(_))
    ));
    kit.clock.advance_ns(1_000_000);
    assert!(matches!(
        kit.decide("c1", "live", "1", None),
        Ok(Decided::Replayed { .. })
    ));
}

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

#[test]
fn open_orders_come_in_the_order_of_their_decisions_page_by_page() {
    let kit = Kit::with(|config| config.in_doubt_release_ns = None);
    let decided: Vec<Seq> = (0..7)
        .map(|number| kit.authorize("c1", &format!("o-{number}"), "10").seq)
        .collect();
    kit.authorize("c2", "o-0", "10");
    let blocked = kit.decide("c1", "o-7", "1", Some("1")).unwrap();
    assert!(matches!(blocked, Decided::New(decision) if decision.status == Status::Blocked));
    release(&kit, "c1", "o-1", None).unwrap();
    let fill = NewFill {
        client_id: &ClientId::new("c1").unwrap(),
        order_id: &OrderId::new("o-3").unwrap(),
        exec_id: &ExecId::new("x-1").unwrap(),
        qty: Qty::parse("1").unwrap(),
        price: Price::parse("10").unwrap(),
    };
    let filled = kit.ledger.fill(&fill, |_| ContractSize::ONE).unwrap();
    assert_eq!(filled.order.phase, Phase::Filled);
    let page = |after: Seq, most: usize| {
        let client = ClientId::new("c1").unwrap();
        let page = kit.ledger.open_orders(&client, after, most);
        assert_eq!(page.as_of, filled.seq);
        let seqs: Vec<Seq> = page.orders.iter().map(|order| order.decision).collect();
        (seqs, page.more)
    };
    let open = [0, 2, 4, 5, 6].map(|at| decided[at]);
    assert_eq!(page(Seq::ZERO, 5), (open.to_vec(), false));
    assert_eq!(page(Seq::ZERO, 2), (open[..2].to_vec(), true));
    assert_eq!(page(open[1], 2), (open[2..4].to_vec(), true));
    assert_eq!(page(open[3], 2), (open[4..].to_vec(), false));
    assert_eq!(page(open[4], 2), (vec![], false));
    let nobody = ClientId::new("c9").unwrap();
    assert_eq!(kit.ledger.open_orders(&nobody, Seq::ZERO, 5).orders, []);
}

#[test]
fn an_order_has_so_many_fills_and_releases_and_can_still_be_ended() {
    let kit = Kit::with(|config| config.max_reports_per_order = 2);
    kit.order("c1", "o-1", "10", "10", |order| {
        kit.ledger.decide(order, |_| crate::kit::allow(None))
    })
    .unwrap();
    let fill = |exec: &str| {
        let fill = NewFill {
            client_id: &ClientId::new("c1").unwrap(),
            order_id: &OrderId::new("o-1").unwrap(),
            exec_id: &ExecId::new(exec).unwrap(),
            qty: Qty::parse("1").unwrap(),
            price: Price::parse("1").unwrap(),
        };
        kit.ledger.fill(&fill, |_| ContractSize::ONE)
    };
    let before = fill("x-1").unwrap().seq;
    release(&kit, "c1", "o-1", Some("2")).unwrap();
    let open = kit.exposure("c1");
    assert_eq!(fill("x-2"), Err(FillError::TooManyReports));
    let third = release(&kit, "c1", "o-1", Some("3"));
    assert_eq!(third, Err(ReleaseError::TooManyReports));
    assert_eq!(kit.exposure("c1"), open);
    // Those that were taken are still recognized.
    let again = fill("x-1").unwrap();
    assert_eq!((again.repeated, again.seq), (true, before));
    assert_eq!(release(&kit, "c1", "o-1", Some("2")).unwrap().0, None);
    assert_eq!(release(&kit, "c1", "o-1", None).unwrap().1, "7");
}

#[test]
fn a_reason_that_came_with_an_allow_is_kept() {
    let kit = Kit::new();
    let judge = |_: &_| Judgement {
        allow: true,
        reasons: vec!["noted".into()],
        max_exposure: None,
    };
    let decided = kit.order("c1", "o-1", "1", "10", |order| {
        kit.ledger.decide(order, judge)
    });
    let Ok(Decided::New(decision)) = decided else {
        panic!("{decided:?}")
    };
    assert_eq!(decision.status, Status::Authorized);
    assert_eq!(decision.reasons, ["noted"]);
    let stored = kit.ledger.decision(decision.seq).unwrap().record;
    assert_eq!(
        (stored.status, &*stored.reasons),
        (Status::Authorized, &["noted".into()][..])
    );
}

#[test]
fn a_decision_in_a_context_that_was_replaced_is_refused() {
    let kit = Kit::new();
    kit.authorize("c1", "o-1", "10");
    let next = kit.ledger.set_context(crate::kit::context()).unwrap();
    let stale = kit.decide("c1", "o-2", "10", None);
    assert_eq!(stale, Err(DecideError::ContextReplaced));
    // An earlier decision is still replayed.
    let again = kit.decide("c1", "o-1", "10", None);
    assert!(matches!(again, Ok(Decided::Replayed { .. })), "{again:?}");
    let kit = Kit {
        context: next,
        ..kit
    };
    kit.authorize("c1", "o-2", "10");
}

/// An order that traded in part is at the venue, though its token expired.
#[test]
fn what_the_venue_has_spoken_of_is_not_in_doubt() {
    let kit = Kit::with(|config| config.in_doubt_release_ns = Some(0));
    for order in ["silent", "traded", "cut"] {
        kit.authorize("c1", order, "10");
    }
    let client = ClientId::new("c1").unwrap();
    let fill = NewFill {
        client_id: &client,
        order_id: &OrderId::new("traded").unwrap(),
        exec_id: &ExecId::new("e-1").unwrap(),
        qty: Qty::parse("0.25").unwrap(),
        price: Price::parse("10").unwrap(),
    };
    kit.ledger.fill(&fill, |_| ContractSize::ONE).unwrap();
    release(&kit, "c1", "cut", Some("0.5")).unwrap();
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
    let expired: usize = (0..16)
        .map(|_| kit.ledger.maintain().unwrap().expired)
        .sum();
    assert_eq!(expired, 1);
    assert_eq!(state("silent"), (Phase::Expired, false, "0".into()));
    assert_eq!(state("traded"), (Phase::Live, false, "7.5".into()));
    assert_eq!(state("cut"), (Phase::Live, false, "5".into()));
}

/// One order ends while the clock is ahead.
#[test]
fn an_order_that_ended_ahead_of_time_keeps_no_other_in_memory() {
    const HOUR_NS: u64 = 3_600_000_000_000;
    let kit = Kit::with(|config| config.dedupe_window_ns = 1_000);
    let now = kit.clock.now();
    kit.authorize("c1", "ahead", "10");
    kit.clock.advance_ns(HOUR_NS);
    release(&kit, "c1", "ahead", None).unwrap();
    kit.clock.set(now);
    for n in 0..5 {
        kit.authorize("c1", &format!("o-{n}"), "10");
        release(&kit, "c1", &format!("o-{n}"), None).unwrap();
    }
    kit.clock.advance_ns(2_000);
    let forgotten: usize = (0..16)
        .map(|_| kit.ledger.maintain().unwrap().forgotten)
        .sum();
    assert_eq!(forgotten, 5);
    assert_eq!(kit.ledger.health().remembered, 1);
}

#[test]
fn the_policy_sees_the_rate_of_the_last_second() {
    let kit = Kit::new();
    for n in 0..3 {
        kit.authorize("c1", &format!("o-{n}"), "1");
    }
    assert_eq!(kit.exposure("c1").orders_last_second, 3);
    kit.clock.advance_ns(2_000_000_000);
    assert_eq!(kit.exposure("c1").orders_last_second, 0);
}

#[test]
fn a_hold_stays_in_doubt_when_the_clock_is_put_back_and_comes_again() {
    let kit = Kit::with(|config| config.in_doubt_release_ns = Some(100_000_000_000));
    kit.authorize("c1", "o-1", "10");
    let began = gate_types::Clock::now(&*kit.clock);
    let maintain_at = |seconds: u64| {
        kit.clock
            .set(began.saturating_add_nanos(seconds * 1_000_000_000));
        let visits = (0..16).map(|_| kit.ledger.maintain().unwrap().expired);
        (visits.sum::<usize>(), kit.ledger.in_doubt().orders)
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
    let visit_all = || {
        let visits = (0..16).map(|_| kit.ledger.maintain().unwrap().expired);
        visits.sum::<usize>()
    };
    kit.authorize("c1", "o-1", "10");
    // Its token expires, and it is found in doubt; then it ends, and its id is free again.
    kit.clock.advance_ns(40 * SECOND_NS);
    assert_eq!(visit_all(), 0);
    assert_eq!(kit.ledger.in_doubt().orders, 1);
    release(&kit, "c1", "o-1", None).unwrap();
    kit.clock.advance_ns(2 * SECOND_NS);
    kit.authorize("c1", "o-1", "7");
    assert_eq!(visit_all(), 0);
    kit.clock.advance_ns(40 * SECOND_NS);
    assert_eq!(visit_all(), 0);
    assert_eq!(kit.ledger.in_doubt().orders, 1);
    kit.clock.advance_ns(60 * SECOND_NS);
    assert_eq!(visit_all(), 1);
    kit.reopen().unwrap();
}
