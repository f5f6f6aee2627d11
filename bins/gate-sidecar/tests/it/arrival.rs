//! How a body may arrive: with its head, after it, in pieces, behind another request, or never; and
//! what an answer says of its connection.

use std::thread::sleep;
use std::time::Duration;

use serde_json::json;

use crate::client::Client;
use crate::sidecar::{fresh, order};

/// Long enough for the sidecar to read what was sent.
const A_WHILE: Duration = Duration::from_millis(100);

/// The head of an order's request, and its body.
fn request(order_id: &str) -> (String, String) {
    let body = order("c1", order_id, 1, "185.50");
    let head = format!(
        "POST /v1/authorize HTTP/1.1\r\nhost: gate\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    (head, body)
}

fn assert_authorized(client: &mut Client, order_id: &str) {
    let reply = client.read_reply().unwrap();
    let payload = &reply.json()["decision_token"]["payload"];
    assert_eq!(payload["status"], json!("AUTHORIZED"), "{order_id}");
    assert_eq!(payload["client_order_id"], json!(order_id));
}

#[test]
fn a_body_may_come_after_its_head_and_in_pieces() {
    let (sidecar, _dir) = fresh(&[]);
    let mut client = sidecar.client();
    let (head, body) = request("o-1");
    client.write(head.as_bytes());
    for piece in body.as_bytes().chunks(body.len() / 3) {
        sleep(A_WHILE);
        client.write(piece);
    }
    assert_authorized(&mut client, "o-1");
}

#[test]
fn requests_that_come_together_are_answered_in_their_order() {
    let (sidecar, _dir) = fresh(&[]);
    let mut client = sidecar.client();
    let ids: Vec<String> = (0..10).map(|number| format!("o-{number}")).collect();
    let all: String = ids
        .iter()
        .map(|id| {
            let (head, body) = request(id);
            head + &body
        })
        .collect();
    client.write(all.as_bytes());
    for id in &ids {
        assert_authorized(&mut client, id);
    }
}

#[test]
fn a_body_may_be_late_behind_another_request() {
    let (sidecar, _dir) = fresh(&[]);
    let mut client = sidecar.client();
    let ((head, body), (late_head, late_body)) = (request("o-1"), request("o-2"));
    client.write(format!("{head}{body}{late_head}").as_bytes());
    assert_authorized(&mut client, "o-1");
    sleep(A_WHILE);
    client.write(late_body.as_bytes());
    assert_authorized(&mut client, "o-2");
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    let (sidecar, _dir) = fresh(&[]);
    let (head, body) = request("o-1");
    let mut alone = sidecar.client();
    alone.write(head.as_bytes());
    let mut behind = sidecar.client();
    behind.write(format!("{head}{body}{head}").as_bytes());
    assert_authorized(&mut behind, "o-1");
    let mut too_much = sidecar.client();
    let length = format!("content-length: {}\r\n", body.len());
    assert!(head.contains(&length), "{head}");
    too_much.write(
        head.replace(&length, "content-length: 16385\r\n")
            .as_bytes(),
    );
    for (client, status, code) in [
        (&mut alone, 408, "request_timeout"),
        (&mut behind, 408, "request_timeout"),
        (&mut too_much, 413, "body_too_large"),
    ] {
        let reply = client.read_reply().unwrap();
        assert_eq!(reply.status, status);
        assert_eq!(reply.json()["code"], code);
    }
}

/// Java's client asks for HTTP/2 with each connection's first request, and reuses the connection
/// unless it is told not to.
#[test]
fn a_connection_that_ends_after_an_answer_says_so() {
    let (sidecar, _dir) = fresh(&[]);
    let asks = [
        ("connection", "Upgrade, HTTP2-Settings"),
        ("upgrade", "h2c"),
        ("http2-settings", "AAEAAEAAAAIAAAAA"),
        ("content-type", "application/json"),
    ];
    let order = order("c1", "o-1", 1, "185.00");
    for (method, path, body) in [
        ("POST", "/v1/authorize", order.as_str()),
        ("GET", "/health", ""),
    ] {
        let mut client = sidecar.client();
        let reply = client.send(method, path, &asks, body.as_bytes()).unwrap();
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("connection"), Some("close"), "{path}");
        let usual = sidecar
            .client()
            .send(method, path, &asks[3..], body.as_bytes());
        assert_eq!(usual.unwrap().header("connection"), None, "{path}");
    }
}
