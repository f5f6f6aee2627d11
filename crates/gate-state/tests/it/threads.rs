//! Many threads on few clients.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::ScopedJoinHandle;

use gate_state::{ContextId, DecideError, Decided, Status};
use parking_lot::RwLock;

use crate::kit::{Kit, allow, context};

#[test]
fn of_a_hundred_orders_at_once_exactly_as_many_pass_as_fit() {
    for kit in [Kit::new(), Kit::relaxed()] {
        let passed = AtomicU64::new(0);
        let barrier = std::sync::Barrier::new(100);
        std::thread::scope(|scope| {
            for n in 0..100 {
                let (kit, passed, barrier) = (&kit, &passed, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    let decided = kit.decide("c1", &format!("o-{n}"), "10", Some("379.99"));
                    let Ok(Decided::New(decision)) = decided else {
                        panic!("{decided:?}")
                    };
                    kit.ledger.wait(decision.seq).unwrap();
                    if decision.status == Status::Authorized {
                        passed.fetch_add(1, Ordering::SeqCst);
                        assert!(decision.after.gross <= decision.limit.unwrap());
                    }
                });
            }
        });
        assert_eq!(passed.load(Ordering::SeqCst), 37);
        assert_eq!(kit.exposure("c1").gross.to_string(), "370");
        assert_eq!(kit.exposure("c1").open_orders, 37);
    }
}

#[test]
fn one_order_sent_by_many_threads_is_decided_once() {
    let kit = Kit::new();
    let new = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| match kit.decide("c1", "o-1", "10", None) {
                Ok(Decided::New(_)) => new.fetch_add(1, Ordering::SeqCst),
                Ok(Decided::Replayed { .. }) => 0,
                Err(error) => panic!("{error}"),
            });
        }
    });
    assert_eq!(new.load(Ordering::SeqCst), 1);
    assert_eq!(kit.exposure("c1").gross.to_string(), "10");
}

/// Readers of the journal take the newest context before a decision for its own.
#[test]
fn every_decision_is_made_in_the_context_before_it_on_the_record() {
    let kit = Kit::new();
    let in_force = RwLock::new(kit.context);
    let made = AtomicU64::new(0);
    let decided = |client: &str, order: &str| loop {
        let kit = &kit;
        let context: ContextId = *in_force.read();
        let decided = kit.order(client, order, "1", "1", |order| {
            let order = gate_state::NewOrder { context, ..*order };
            kit.ledger.decide(&order, |_| allow(None))
        });
        match decided {
            Ok(Decided::New(decision)) => {
                made.fetch_add(1, Ordering::SeqCst);
                return decision.seq;
            }
            Err(DecideError::ContextReplaced) => {}
            other => panic!("{other:?}"),
        }
    };
    let mut contexts = vec![kit.context.seq()];
    let mut decisions = Vec::new();
    std::thread::scope(|scope| {
        let deciding: Vec<_> = (0..4)
            .map(|thread| {
                let client = format!("c{thread}");
                let decided = &decided;
                scope.spawn(move || {
                    let orders = (0..2_000).map(|n| decided(&client, &format!("o-{n}")));
                    orders.collect::<Vec<_>>()
                })
            })
            .collect();
        for change in 1..=200 {
            // Spread over the first half of the 8,000 orders.
            let all_gone = || deciding.iter().all(ScopedJoinHandle::is_finished);
            while made.load(Ordering::SeqCst) < change * 20 && !all_gone() {
                std::thread::yield_now();
            }
            let put = |id| *in_force.write() = id;
            contexts.push(kit.ledger.change_context(context(), put).unwrap().seq());
        }
        for thread in deciding {
            decisions.extend(thread.join().unwrap());
        }
    });
    let between = decisions.iter().filter(|seq| **seq < contexts[200]);
    assert!(
        between.count() > 0,
        "the changes came before or after all orders"
    );
    for seq in decisions {
        let decision = kit.ledger.decision(seq).unwrap().record;
        let newest = contexts.iter().rfind(|context| **context < seq);
        assert_eq!(Some(&decision.context.seq()), newest, "of decision {seq}");
    }
}

#[test]
fn threads_on_few_clients_leave_a_journal_that_replays_to_the_same_state() {
    let kit = Kit::with(|config| config.checkpoint_bytes = 256 * 1024);
    std::thread::scope(|scope| {
        for thread in 0..16 {
            let kit = &kit;
            scope.spawn(move || {
                for n in 0..200 {
                    let client = format!("c{}", n % 3);
                    let decided = kit.decide(&client, &format!("{thread}-{n}"), "1", Some("500"));
                    let Ok(Decided::New(decision)) = decided else {
                        panic!("{decided:?}")
                    };
                    kit.ledger.wait(decision.seq).unwrap();
                }
            });
        }
    });
    assert_eq!(kit.ledger.durable_seq().get(), 1 + 16 * 200);
    let health = kit.ledger.health();
    assert_eq!(health.queue_depth, 0);
    let (_copy, crashed) = kit.crashed_copy();
    for client in ["c0", "c1", "c2"] {
        assert_eq!(crate::kit::exposure(&crashed, client), kit.exposure(client));
        assert_eq!(kit.exposure(client).gross.to_string(), "500");
    }
}
