//! The order digest: what binds a token to one order, and a retry to its first try.

use gate_token::{Digest, canonical};
use serde_json::{Map, Value};

use crate::request::{AuthorizeRequest, Order};

/// SHA-256 of the canonical form (RFC 8785) of the order as received, with `qty` and `price`
/// as canonical decimal strings, so that `185.50`, `185.5` and `"185.5"` are one order.
///
/// When `context` has members beside `client_id`, they shaped the decision too: the digest is
/// then that of `{"context":{those members},"order":{…}}`.
///
/// ```
/// use gate_api::{AuthorizeRequest, order_digest};
///
/// let digest = |price: &str| {
///     let body = format!(
///         r#"{{"order":{{"client_order_id":"o-1","symbol":"AAPL","side":"BUY","qty":100,
///             "price":{price}}},"context":{{"client_id":"c5"}}}}"#,
///     );
///     order_digest(&AuthorizeRequest::parse(body.as_bytes()).unwrap()).to_base64url()
/// };
/// assert_eq!(digest("185.50"), digest("\"185.5\""));
/// assert_ne!(digest("185.50"), digest("185.51"));
/// ```
#[must_use]
pub fn order_digest(request: &AuthorizeRequest<'_>) -> Digest {
    let mut text = Vec::with_capacity(256);
    if request.context_extra.is_empty() {
        write_order(&mut text, &request.order);
    } else {
        text.extend_from_slice(b"{\"context\":");
        write_object(&mut text, &mut members(&request.context_extra));
        text.extend_from_slice(b",\"order\":");
        write_order(&mut text, &request.order);
        text.push(b'}');
    }
    Digest::of(&text)
}

/// A member's value on its way into the canonical form.
enum Member<'a> {
    Text(&'a str),
    Amount(String),
    Json(&'a Value),
}

fn write_order(out: &mut Vec<u8>, order: &Order<'_>) {
    // In the canonical order already, when nothing else comes between.
    let mut all = vec![
        ("client_order_id", Member::Text(order.client_order_id.as_str())),
        ("price", Member::Amount(order.price.value.to_string())),
        ("qty", Member::Amount(order.qty.value.to_string())),
        ("side", Member::Text(order.side.as_str())),
        ("symbol", Member::Text(order.symbol.as_str())),
    ];
    all.extend(members(&order.extra));
    write_object(out, &mut all);
}

fn members(object: &Map<String, Value>) -> Vec<(&str, Member<'_>)> {
    object.iter().map(|(key, value)| (key.as_str(), Member::Json(value))).collect()
}

fn write_object(out: &mut Vec<u8>, members: &mut [(&str, Member<'_>)]) {
    members.sort_by(|(a, _), (b, _)| canonical::cmp_keys(a, b));
    out.push(b'{');
    for (index, (key, value)) in members.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        canonical::write_string(out, key);
        out.push(b':');
        match value {
            Member::Text(text) => canonical::write_string(out, text),
            Member::Amount(digits) => canonical::write_string(out, digits),
            Member::Json(value) => {
                // INVARIANT: parsing refused every value that has no canonical form.
                let written = canonical::write_value(out, value);
                debug_assert!(written.is_ok(), "a further member without canonical form");
            }
        }
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(order_extra: &str, context_extra: &str) -> String {
        let body = format!(
            r#"{{"order":{{"client_order_id":"o-1","symbol":"AAPL","side":"BUY","qty":100,"price":185.50{order_extra}}},"context":{{"client_id":"c5"{context_extra}}}}}"#
        );
        order_digest(&AuthorizeRequest::parse(body.as_bytes()).unwrap()).to_base64url()
    }

    /// The preimages are written out by hand from RFC 8785 and hashed by ring alone.
    fn sha256(text: &str) -> String {
        use base64::Engine as _;
        let hash = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(hash)
    }

    #[test]
    fn digest_is_that_of_the_canonical_order() {
        let order =
            r#"{"client_order_id":"o-1","price":"185.5","qty":"100","side":"BUY","symbol":"AAPL"}"#;
        assert_eq!(digest("", ""), sha256(order));
    }

    #[test]
    fn further_members_are_sorted_in_by_utf16() {
        let extra = ",\"tif\":\"IOC\",\"a\":1.50,\"\u{fb33}\":0,\"\u{1f600}\":{\"y\":1,\"x\":[]}";
        let order = "{\"a\":1.5,\"client_order_id\":\"o-1\",\"price\":\"185.5\",\"qty\":\"100\",\"side\":\"BUY\",\"symbol\":\"AAPL\",\"tif\":\"IOC\",\"\u{1f600}\":{\"x\":[],\"y\":1},\"\u{fb33}\":0}";
        assert_eq!(digest(extra, ""), sha256(order));
    }

    #[test]
    fn further_context_is_part_of_what_was_decided() {
        let both = r#"{"context":{"desk":"eq"},"order":{"client_order_id":"o-1","price":"185.5","qty":"100","side":"BUY","symbol":"AAPL"}}"#;
        assert_eq!(digest("", r#","desk":"eq""#), sha256(both));
    }
}
