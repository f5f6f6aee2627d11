//! The same order again gets the same answer and holds nothing twice; another order under its id:
//! 409.

use crate::sidecar::{Sidecar, authorize, order};

#[test]
fn a_retry_gets_the_same_bytes_even_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let first = {
        let sidecar = Sidecar::start(dir.path(), &[]);
        let first = authorize(&mut sidecar.client(), &order("c1", "o-1", 10, "185.55"));
        let again = authorize(&mut sidecar.client(), &order("c1", "o-1", 10, "185.550"));
        assert_eq!(again.json()["replayed"], true);
        assert_eq!(token(&first.body), token(&again.body));
        assert_eq!(sidecar.exposure("c1")["gross"], "1855.5");
        first
    };
    let sidecar = Sidecar::start(dir.path(), &[]);
    let again = authorize(&mut sidecar.client(), &order("c1", "o-1", 10, "185.55"));
    assert_eq!(again.json()["replayed"], true);
    assert_eq!(token(&first.body), token(&again.body));
    assert_eq!(sidecar.exposure("c1")["gross"], "1855.5");
}

#[test]
fn a_blocked_order_is_replayed_as_blocked() {
    let dir = tempfile::tempdir().unwrap();
    let sidecar = Sidecar::start(dir.path(), &[]);
    let mut client = sidecar.client();
    let first = authorize(&mut client, &order("bad1", "o-1", 10, "185.55"));
    let again = authorize(&mut client, &order("bad1", "o-1", 10, "185.55"));
    assert_eq!(first.json()["status"], "BLOCKED");
    assert_eq!(again.json()["replayed"], true);
    assert_eq!(token(&first.body), token(&again.body));
}

#[test]
fn another_order_under_the_same_id_is_a_conflict() {
    let dir = tempfile::tempdir().unwrap();
    let sidecar = Sidecar::start(dir.path(), &[]);
    let mut client = sidecar.client();
    authorize(&mut client, &order("c1", "o-1", 10, "185.55"));
    let other = order("c1", "o-1", 11, "185.55");
    let tagged = order("c1", "o-1", 10, "185.55").replace("\"side\"", "\"tif\":\"IOC\",\"side\"");
    for body in [other, tagged] {
        let reply = authorize(&mut client, &body);
        assert_eq!(
            (reply.status, &reply.json()["code"]),
            (409, &"order_conflict".into())
        );
    }
    assert_eq!(sidecar.exposure("c1")["gross"], "1855.5");
    // The id is the client's own: another client may use it.
    let same_id = authorize(&mut client, &order("c2", "o-1", 11, "185.55"));
    assert_eq!(same_id.json()["status"], "AUTHORIZED");
}

/// The token as it stands in the reply, byte for byte.
fn token(body: &[u8]) -> String {
    let text = std::str::from_utf8(body).unwrap();
    let start = text.find("\"decision_token\":").unwrap();
    let end = text.find(",\"timing_ms\"").unwrap();
    text[start..end].to_owned()
}
