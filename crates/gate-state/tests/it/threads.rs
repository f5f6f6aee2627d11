//! Many threads on few clients.

use std::sync::atomic::{AtomicU64, Ordering};

use gate_state::{Decided, Status};

use crate::kit::Kit;

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
