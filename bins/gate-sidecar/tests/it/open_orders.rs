//! Whoever stops a client learns what is still open at the venue.

use serde_json::json;

use crate::client::assert_problem;
use crate::sidecar::{authorize, fresh, order};

#[test]
fn the_open_orders_of_a_client_are_listed_with_what_a_cancellation_needs() {
    let (sidecar, _dir) = fresh(&[]);
    let mut client = sidecar.client();
    for number in 1..=5 {
        let order = order("c1", &format!("o-{number}"), number, "185.50");
        assert_eq!(
            authorize(&mut client, &order).json()["status"],
            "AUTHORIZED"
        );
    }
    authorize(&mut client, &order("c2", "o-1", 1, "185.50"));
    let fill = r#"{"client_id":"c1","client_order_id":"o-4","exec_id":"e-1","qty":1,"price":185}"#;
    assert_eq!(client.post("/v1/fill", fill).status, 200);
    let release = r#"{"client_id":"c1","client_order_id":"o-2","reason":"canceled"}"#;
    assert_eq!(client.post("/v1/release", release).status, 200);

    let mut admin = sidecar.admin();
    let listed = admin.get("/v1/orders/c1").json();
    assert_eq!(listed["client_id"], "c1", "{listed}");
    assert_eq!(listed["next"], json!(null));
    let ids = |listed: &serde_json::Value| -> Vec<String> {
        let orders = listed["orders"].as_array().unwrap();
        let id = |order: &serde_json::Value| order["client_order_id"].as_str().unwrap().to_owned();
        orders.iter().map(id).collect()
    };
    assert_eq!(ids(&listed), ["o-1", "o-3", "o-4", "o-5"]);
    let partly = &listed["orders"][2];
    for (member, value) in [
        ("symbol", json!("AAPL")),
        ("side", json!("BUY")),
        ("price", json!("185.5")),
        ("state", json!("live")),
        ("ordered", json!("4")),
        ("filled", json!("1")),
        ("open", json!("3")),
        ("held", json!("556.5")),
        ("in_doubt", json!(false)),
    ] {
        assert_eq!(partly[member], value, "{member}: {partly}");
    }
    // Each is the same as when it is asked for alone.
    let mut alone = client.get("/v1/orders/c1/o-4").json()["order"].clone();
    for member in ["client_order_id", "symbol", "price", "decided_at"] {
        alone[member] = partly[member].clone();
    }
    assert_eq!(*partly, alone);

    // Page by page it is the same list.
    let (mut paged, mut after) = (Vec::new(), String::new());
    loop {
        let page = admin.get(&format!("/v1/orders/c1?limit=3{after}")).json();
        paged.extend(ids(&page));
        let Some(next) = page["next"].as_u64() else {
            break;
        };
        after = format!("&after={next}");
    }
    assert_eq!(paged, ids(&listed));
    let nobody = admin.get("/v1/orders/c9").json();
    assert_eq!(
        nobody,
        json!({"client_id": "c9", "orders": [], "next": null})
    );
    // Only the admin listener serves it.
    assert_eq!(client.get("/v1/orders/c1").status, 404);
}

#[test]
fn a_wrong_page_is_refused_by_name() {
    let (sidecar, _dir) = fresh(&[]);
    let mut admin = sidecar.admin();
    for (query, status, code, member) in [
        ("limit=0", 422, "invalid_member", "limit"),
        ("limit=1001", 422, "invalid_member", "limit"),
        ("after=-1", 422, "invalid_member", "after"),
        ("after=", 422, "invalid_member", "after"),
        ("limit=1&limit=2", 400, "duplicate_member", "limit"),
        ("state=live", 422, "unknown_member", "state"),
    ] {
        let refused = admin.get(&format!("/v1/orders/c1?{query}"));
        assert_problem(&refused, status, code, Some(member));
    }
    let refused = admin.get("/v1/orders/c%001");
    assert_problem(&refused, 422, "invalid_member", Some("client_id"));
}
