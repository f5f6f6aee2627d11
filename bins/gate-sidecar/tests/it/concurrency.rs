//! Many orders at once: against an exposure limit that fits 37, and beyond `max_in_flight`.

use std::path::PathBuf;
use std::sync::Barrier;

use serde_json::Value;

use crate::sidecar::{Sidecar, authorize, builtin_bundle, fresh, order, rego_bundle};

/// 37 orders of 185.55 are 6,865.35; one more cent does not make room for another.
const FITS_37: &str = "6865.36";

fn exactly_37(bundle: impl Fn(&std::path::Path) -> PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let bundle = bundle(dir.path());
    let data = dir.path().join("data");
    let sidecar = Sidecar::start(&data, &["--bundle", bundle.to_str().unwrap()]);
    let start = Barrier::new(100);
    let replies: Vec<Value> = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..100)
            .map(|caller| {
                let (sidecar, start) = (&sidecar, &start);
                scope.spawn(move || {
                    let mut client = sidecar.client();
                    start.wait();
                    authorize(
                        &mut client,
                        &order("c1", &format!("o-{caller}"), 1, "185.55"),
                    )
                    .json()
                })
            })
            .collect();
        callers
            .into_iter()
            .map(|caller| caller.join().unwrap())
            .collect()
    });
    let authorized = replies
        .iter()
        .filter(|reply| reply["status"] == "AUTHORIZED")
        .count();
    assert_eq!(authorized, 37);
    let blocked: Vec<_> = replies
        .iter()
        .filter(|reply| reply["status"] == "BLOCKED")
        .collect();
    assert_eq!(blocked.len(), 63);
    for reply in blocked {
        assert_eq!(
            reply["reasons"],
            serde_json::json!(["max_exposure"]),
            "{reply}"
        );
        assert!(reply["headroom"].is_string(), "{reply}");
    }
    assert_eq!(sidecar.exposure("c1")["gross"], "6865.35");

    // The sequence has no gap and no number twice.
    let mut numbers: Vec<_> = replies
        .iter()
        .map(|reply| reply["decision_token"]["payload"]["seq"].as_u64().unwrap())
        .collect();
    numbers.sort_unstable();
    let expected: Vec<_> = (numbers[0]..numbers[0] + 100).collect();
    assert_eq!(numbers, expected);
}

#[test]
fn builtin_rules_let_exactly_37_of_100_through() {
    exactly_37(|dir| builtin_bundle(dir, "r1", FITS_37));
}

#[test]
fn rego_lets_exactly_37_of_100_through() {
    exactly_37(|dir| rego_bundle(dir, "r1", FITS_37));
}

/// Orders beyond `max_in_flight` are refused at once with a problem; only authorized orders are
/// held.
#[test]
fn orders_beyond_the_limit_are_refused_and_leave_no_trace() {
    let (sidecar, _dir) = fresh(&["--set", "max_in_flight=1", "--set", "workers=1"]);
    let start = Barrier::new(32);
    let replies: Vec<_> = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..32)
            .map(|caller| {
                let (sidecar, start) = (&sidecar, &start);
                scope.spawn(move || {
                    let mut client = sidecar.client();
                    start.wait();
                    let send = |number| {
                        let body = order("c1", &format!("o-{caller}-{number}"), 1, "1");
                        authorize(&mut client, &body)
                    };
                    (0..3).map(send).collect::<Vec<_>>()
                })
            })
            .collect();
        callers
            .into_iter()
            .flat_map(|caller| caller.join().unwrap())
            .collect()
    });
    let (taken, refused): (Vec<_>, Vec<_>) =
        replies.into_iter().partition(|reply| reply.status == 200);
    assert!(!taken.is_empty() && !refused.is_empty(), "{}", taken.len());
    for reply in refused {
        assert_eq!(
            (reply.status, &reply.json()["code"]),
            (503, &"overloaded".into())
        );
        assert_eq!(reply.header("retry-after"), Some("1"));
    }
    let authorized = taken
        .iter()
        .filter(|reply| reply.json()["status"] == "AUTHORIZED")
        .count();
    assert_eq!(
        sidecar.exposure("c1")["open_orders"].as_u64(),
        u64::try_from(authorized).ok()
    );
}
