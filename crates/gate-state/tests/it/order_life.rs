//! One order's life: decided, repeated, released, forgotten.

use gate_state::{
    DecideError, Decided, Judgement, Phase, ReleaseError, Seq, Status, StoredDecision,
};
use gate_types::{ClientId, Clock as _, Notional, OrderId};

use crate::kit::Kit;

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
    let nothing = kit.release("c1", "o-2", None).unwrap();
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
    assert_eq!(kit.release("c1", "o-1", Some("1")).unwrap().1, "33.333333");
    assert_eq!(held(), "66.666667");
    // The same reason and quantity is a repetition.
    assert_eq!(
        kit.release("c1", "o-1", Some("1")).unwrap(),
        (None, "0".into())
    );
    assert_eq!(held(), "66.666667");
    assert_eq!(kit.release("c1", "o-1", None).unwrap().1, "66.666667");
    assert_eq!(kit.release("c1", "o-1", None).unwrap(), (None, "0".into()));
    assert_eq!(held(), "0");
    let state = kit
        .ledger
        .order(&ClientId::new("c1").unwrap(), &OrderId::new("o-1").unwrap())
        .unwrap();
    assert_eq!((state.phase, state.held), (Phase::Released, Notional::ZERO));
    assert_eq!(
        kit.release("c1", "o-9", None),
        Err(ReleaseError::UnknownOrder)
    );
    assert_eq!(
        kit.release("c9", "o-1", None),
        Err(ReleaseError::UnknownOrder)
    );
}

#[test]
fn an_ended_order_is_forgotten_after_the_window_and_a_live_one_never() {
    let kit = Kit::with(|config| config.dedupe_window_ns = 1_000);
    kit.authorize("c1", "ended", "1");
    kit.authorize("c1", "live", "1");
    kit.release("c1", "ended", None).unwrap();
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
fn open_orders_come_in_the_order_of_their_decisions_page_by_page() {
    let kit = Kit::new();
    let decided: Vec<Seq> = (0..7)
        .map(|number| kit.authorize("c1", &format!("o-{number}"), "10").seq)
        .collect();
    kit.authorize("c2", "o-0", "10");
    let blocked = kit.decide("c1", "o-7", "1", Some("1")).unwrap();
    assert!(matches!(blocked, Decided::New(decision) if decision.status == Status::Blocked));
    kit.release("c1", "o-1", None).unwrap();
    let filled = kit.fill("o-3", "x-1", "1", "10").unwrap();
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

/// One order ends while the clock is ahead.
#[test]
fn an_order_that_ended_ahead_of_time_keeps_no_other_in_memory() {
    const HOUR_NS: u64 = 3_600_000_000_000;
    let kit = Kit::with(|config| config.dedupe_window_ns = 1_000);
    let now = kit.clock.now();
    kit.authorize("c1", "ahead", "10");
    kit.clock.advance_ns(HOUR_NS);
    kit.release("c1", "ahead", None).unwrap();
    kit.clock.set(now);
    for n in 0..5 {
        kit.authorize("c1", &format!("o-{n}"), "10");
        kit.release("c1", &format!("o-{n}"), None).unwrap();
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
