//! The stream repeats, spreads, and says on the wire what it says in types.

use std::collections::BTreeMap;

use super::*;

fn config() -> WorkloadConfig {
    WorkloadConfig {
        run_id: "t1".into(),
        ..WorkloadConfig::default()
    }
}

fn body(bytes: &[u8]) -> serde_json::Value {
    let text = std::str::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let length = format!("Content-Length: {}", body.len());
    assert!(head.contains(&length), "{head}");
    serde_json::from_str(body).unwrap()
}

#[test]
fn an_order_is_the_contracts_order() {
    let mut workload = Workload::new(&config(), "127.0.0.1:8080");
    let (request, bytes) = workload.request(42);
    assert_eq!(request.kind, Kind::Authorize);
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    assert!(text.starts_with("POST /v1/authorize HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n"));
    let body = body(bytes);
    assert_eq!(body["order"]["client_order_id"], "t1-0000000042");
    assert_eq!(body["order"]["qty"], 1);
    assert_eq!(body["order"]["price"], 185.5);
    assert_eq!(
        body["context"]["client_id"],
        config().client_name(request.order)
    );
    assert_eq!(
        body["order"]["client_order_id"],
        config().order_name(request.order)
    );
    let order = config().order_json(request.kind, request.order);
    assert!(
        text.contains(&format!(r#"{{"order":{order},"context":"#)),
        "{text}"
    );
}

#[test]
fn the_same_seed_asks_the_same_and_every_order_is_new() {
    let mut one = Workload::new(&config(), "h");
    let mut two = Workload::new(&config(), "h");
    let mut ids = std::collections::BTreeSet::new();
    for index in 0..1000 {
        let bytes = one.request(index).1.to_vec();
        assert_eq!(bytes, two.request(index).1);
        ids.insert(bytes);
    }
    assert_eq!(ids.len(), 1000);
}

#[test]
fn uniform_clients_are_all_used_and_none_much_more() {
    let mut workload = Workload::new(
        &WorkloadConfig {
            clients: 100,
            ..config()
        },
        "h",
    );
    let mut counts = BTreeMap::new();
    for index in 0..100_000 {
        *counts
            .entry(workload.request(index).0.order.client)
            .or_insert(0) += 1;
    }
    assert_eq!(counts.len(), 100);
    assert!(counts.values().all(|n| (850..1150).contains(n)));
}

#[test]
fn zipf_clients_follow_their_rank() {
    let mut workload = Workload::new(
        &WorkloadConfig {
            clients: 1000,
            spread: Spread::Zipf(1.0),
            ..config()
        },
        "h",
    );
    let mut counts = [0_u32; 1000];
    for index in 0..100_000 {
        counts[workload.request(index).0.order.client as usize] += 1;
    }
    // H(1000) = 7.485: the first client has 13.4 per cent, the tenth a tenth of that.
    assert!((12_800..13_900).contains(&counts[0]), "{}", counts[0]);
    assert!((1_100..1_600).contains(&counts[9]), "{}", counts[9]);
}

#[test]
fn a_mix_keeps_its_shares_and_names_only_open_orders() {
    let config = WorkloadConfig {
        mix: "blocked=5,release=20,fill=10,replay=2.5".parse().unwrap(),
        ..config()
    };
    let mut workload = Workload::new(&config, "h");
    let mut counts = BTreeMap::new();
    let mut open = std::collections::BTreeSet::new();
    for index in 0..100_000 {
        let (request, bytes) = workload.request(index);
        *counts.entry(request.kind.name()).or_insert(0) += 1;
        let body = body(bytes);
        match request.kind {
            Kind::Authorize => {
                open.insert(request.order.index);
                workload.opened(request.order);
            }
            Kind::Blocked => assert_eq!(body["order"]["symbol"], "GME"),
            Kind::Release | Kind::Fill => {
                assert!(open.remove(&request.order.index));
                let name = config.order_name(request.order);
                assert_eq!(body["client_order_id"], name);
            }
            Kind::Replay => {
                assert!(open.contains(&request.order.index));
                assert_ne!(request.order.index, index);
            }
        }
    }
    let near = |name: &str, share: i32| (counts[name] - share * 100).abs() < 500;
    assert!(
        near("blocked", 50) && near("release", 200) && near("fill", 100),
        "{counts:?}"
    );
}

#[test]
fn mixes_are_read_and_printed() {
    let mix: Mix = "blocked=5,release=40.5".parse().unwrap();
    assert_eq!(mix.to_string(), "authorize=54.5,blocked=5,release=40.5");
    assert_eq!(mix.to_string().parse(), Ok(mix));
    assert_eq!(Mix::default().to_string(), "authorize=100");
    for wrong in [
        "blocked",
        "blocked=x",
        "nonsense=1",
        "blocked=60,release=60",
        "fill=1.25",
        "fill=1,fill=2",
        "authorize=50,authorize=50",
    ] {
        assert!(wrong.parse::<Mix>().is_err(), "{wrong}");
    }
}
