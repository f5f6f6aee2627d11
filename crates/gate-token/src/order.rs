//! Which order a token speaks for: the digest of the order as received, amounts normalised.
//!
//! The digest is SHA-256 over the canonical form (RFC 8785) of the `order` object in which the
//! members `qty` and `price` are replaced by canonical decimal text: `100`, `1e2` and `"100.0"`
//! all become `"100"`. Every other member stays as received, so a token cannot be moved to an
//! order that differs anywhere. No limit on amounts is judged here.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::canonical::{CanonicalError, cmp_keys, write_string, write_value};
use crate::digest::Digest;
use crate::json::{self, JsonError, duplicate};

/// The most digits a canonical amount may have.
const MAX_DIGITS: usize = 64;

/// Why an order has no digest.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// Not strict JSON, not an object, or without `qty` or `price`.
    #[error("the order is not readable")]
    Json(#[from] JsonError),
    /// `qty` or `price` is not a decimal number.
    #[error("member `{member}` is not a decimal number")]
    NotAnAmount {
        /// Which.
        member: &'static str,
    },
    /// A further member repeats a fixed one.
    #[error("duplicate member `{member}`")]
    Duplicate {
        /// Which.
        member: String,
    },
    /// A further member has no canonical form.
    #[error("the order has no canonical form")]
    Canonical(#[from] CanonicalError),
}

/// The digest of an `order` object given as JSON text.
///
/// ```
/// use gate_token::order::digest_of_json;
/// let a = digest_of_json(br#"{"client_order_id":"o-1","qty":100,"price":185.50}"#)?;
/// let b = digest_of_json(br#"{"price":"185.5","client_order_id":"o-1","qty":1e2}"#)?;
/// assert_eq!(a, b);
/// # Ok::<(), gate_token::order::OrderError>(())
/// ```
///
/// # Errors
/// [`OrderError`].
pub fn digest_of_json(order: &[u8]) -> Result<Digest, OrderError> {
    let read: ReadOrder<'_> = serde_json::from_slice(order).map_err(JsonError::Syntax)?;
    let qty = amount_of(read.qty, "qty")?;
    let price = amount_of(read.price, "price")?;
    digest(&read.others, &qty, &price)
}

/// The digest of an `order` object whose amounts have been read already: `qty` and `price` are
/// their canonical text and replace the members of those names.
///
/// # Errors
/// [`OrderError::Canonical`].
pub fn digest(order: &Map<String, Value>, qty: &str, price: &str) -> Result<Digest, OrderError> {
    let mut members: Vec<(&str, Member<'_>)> = order
        .iter()
        .filter(|(name, _)| *name != "qty" && *name != "price")
        .map(|(name, value)| (name.as_str(), Member::Value(value)))
        .collect();
    members.push(("qty", Member::Text(qty)));
    members.push(("price", Member::Text(price)));
    digest_of_members(members)
}

/// An order whose members have been read into their types.
#[derive(Debug, Clone, Copy)]
pub struct OrderMembers<'a> {
    /// Member `client_order_id`.
    pub client_order_id: &'a str,
    /// Member `symbol`.
    pub symbol: &'a str,
    /// Member `side`.
    pub side: &'a str,
    /// Member `qty` as canonical text.
    pub qty: &'a str,
    /// Member `price` as canonical text.
    pub price: &'a str,
    /// All further members.
    pub others: &'a Map<String, Value>,
}

impl OrderMembers<'_> {
    /// The digest, the same as [`digest_of_json`] of the text these members came from.
    ///
    /// # Errors
    /// [`OrderError::Duplicate`], [`OrderError::Canonical`].
    pub fn digest(&self) -> Result<Digest, OrderError> {
        // INVARIANT: in canonical order.
        let fixed = [
            ("client_order_id", Member::Text(self.client_order_id)),
            ("price", Member::Text(self.price)),
            ("qty", Member::Text(self.qty)),
            ("side", Member::Text(self.side)),
            ("symbol", Member::Text(self.symbol)),
        ];
        if self.others.is_empty() {
            return digest_of_sorted(fixed);
        }
        let others = self
            .others
            .iter()
            .map(|(name, value)| (name.as_str(), Member::Value(value)));
        digest_of_members(fixed.into_iter().chain(others).collect())
    }
}

enum Member<'a> {
    Text(&'a str),
    Value(&'a Value),
}

fn digest_of_members(mut members: Vec<(&str, Member<'_>)>) -> Result<Digest, OrderError> {
    members.sort_by(|(a, _), (b, _)| cmp_keys(a, b));
    digest_of_sorted(members)
}

fn digest_of_sorted<'a>(
    members: impl IntoIterator<Item = (&'a str, Member<'a>)>,
) -> Result<Digest, OrderError> {
    let mut out = Vec::with_capacity(256);
    let mut last = None;
    for (name, value) in members {
        if last == Some(name) {
            return Err(OrderError::Duplicate {
                member: name.to_owned(),
            });
        }
        out.push(if last.is_none() { b'{' } else { b',' });
        last = Some(name);
        write_string(&mut out, name);
        out.push(b':');
        match value {
            Member::Text(text) => write_string(&mut out, text),
            Member::Value(value) => write_value(&mut out, value)?,
        }
    }
    out.push(b'}');
    Ok(Digest::of(&out))
}

/// The canonical text of a decimal number that is at least zero, in JSON's grammar: no exponent,
/// no zero that could be left out. Exact at any size up to 64 digits.
///
/// ```
/// use gate_token::order::canonical_amount;
/// assert_eq!(canonical_amount("185.50").as_deref(), Some("185.5"));
/// assert_eq!(canonical_amount("1.5E+1").as_deref(), Some("15"));
/// assert_eq!(canonical_amount("-1"), None);
/// ```
#[must_use]
pub fn canonical_amount(text: &str) -> Option<String> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, read_exponent(exponent)?),
        None => (text, 0),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (mantissa, ""),
    };
    let digits_only = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = whole.len() > 1 && whole.starts_with('0');
    if whole.is_empty() || leading_zero || !digits_only(whole) || !digits_only(fraction) {
        return None;
    }
    let all = format!("{whole}{fraction}");
    let significant = all.trim_start_matches('0');
    // Where the point stands, counted from the first significant digit.
    let skipped = i64::try_from(all.len().checked_sub(significant.len())?).ok()?;
    let point = i64::try_from(whole.len())
        .ok()?
        .checked_add(exponent)?
        .checked_sub(skipped)?;
    let significant = significant.trim_end_matches('0');
    if significant.is_empty() {
        return Some("0".into());
    }
    let size = i64::try_from(MAX_DIGITS).ok()?;
    let count = i64::try_from(significant.len()).ok()?;
    if point > size || count.checked_sub(point)? > size {
        return None;
    }
    Some(place_point(significant, point))
}

/// `0.significant × 10^point`, written out. INVARIANT: both ends are within [`MAX_DIGITS`].
fn place_point(significant: &str, point: i64) -> String {
    let zeros = |count: u64| "0".repeat(usize::try_from(count).unwrap_or(0));
    match usize::try_from(point) {
        Err(_) | Ok(0) => format!("0.{}{significant}", zeros(point.unsigned_abs())),
        Ok(point) => match significant.split_at_checked(point) {
            Some((whole, "")) => whole.to_owned(),
            Some((whole, fraction)) => format!("{whole}.{fraction}"),
            None => format!("{significant:0<point$}"),
        },
    }
}

fn read_exponent(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // An exponent this large is beyond every limit, or that of a zero: clamp it.
    let size = digits.parse::<i64>().unwrap_or(i64::MAX).min(1_000_000);
    Some(if negative { size.wrapping_neg() } else { size })
}

/// The canonical text of `qty` or `price`, which is a number or a string of one.
fn amount_of(raw: &RawValue, member: &'static str) -> Result<String, OrderError> {
    let text = raw.get();
    let number: Cow<'_, str> = if text.starts_with('"') {
        serde_json::from_str::<String>(text)
            .map_err(JsonError::Syntax)?
            .into()
    } else {
        text.into()
    };
    canonical_amount(&number).ok_or(OrderError::NotAnAmount { member })
}

struct ReadOrder<'a> {
    qty: &'a RawValue,
    price: &'a RawValue,
    others: Map<String, Value>,
}

impl<'de: 'a, 'a> Deserialize<'de> for ReadOrder<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ReadOrderVisitor)
    }
}

struct ReadOrderVisitor;

impl<'de> Visitor<'de> for ReadOrderVisitor {
    type Value = ReadOrder<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an order object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ReadOrder<'de>, A::Error> {
        let mut amounts: BTreeMap<String, &'de RawValue> = BTreeMap::new();
        let mut others = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            if others.contains_key(&name) || amounts.contains_key(&name) {
                return Err(duplicate(&name));
            }
            if name == "qty" || name == "price" {
                amounts.insert(name, map.next_value()?);
            } else {
                // The amounts may have 18 digits, so integers are judged member by member.
                let raw: &'de RawValue = map.next_value()?;
                let value = json::parse(raw.get().as_bytes()).map_err(A::Error::custom)?;
                others.insert(name, value);
            }
        }
        let qty = amounts
            .get("qty")
            .ok_or_else(|| A::Error::missing_field("qty"))?;
        let price = amounts
            .get("price")
            .ok_or_else(|| A::Error::missing_field("price"))?;
        Ok(ReadOrder { qty, price, others })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_has_one_text() {
        for (text, expected) in [
            ("0", "0"),
            ("0.000", "0"),
            ("0e99999999999999999999", "0"),
            ("100", "100"),
            ("1e2", "100"),
            ("100.0", "100"),
            ("185.50", "185.5"),
            ("1.005", "1.005"),
            ("90071992547409.93", "90071992547409.93"),
            ("0.000000001", "0.000000001"),
            ("1E-9", "0.000000001"),
            ("25e-1", "2.5"),
            ("12345e-3", "12.345"),
            ("0.0012e3", "1.2"),
        ] {
            assert_eq!(
                canonical_amount(text).as_deref(),
                Some(expected),
                "`{text}`"
            );
            assert_eq!(canonical_amount(expected).as_deref(), Some(expected));
        }
        for text in [
            "", "-1", "-0", "+1", "01", ".5", "1.", "1e", "1e+", "1e400", "1e-400", "NaN", " 1",
            "1_0", "\u{661}", "1e1e1", "1.2.3",
        ] {
            assert_eq!(canonical_amount(text), None, "`{text}`");
        }
    }

    #[test]
    fn the_three_ways_to_a_digest_agree() {
        let text = r#"{"symbol":"AAPL","qty":"100.0","\ud83d\ude00":1.50,"\ufb33":[null],
            "side":"BUY","price":185.50,"client_order_id":"o-1"}"#;
        let expected = Digest::of(
            "{\"client_order_id\":\"o-1\",\"price\":\"185.5\",\"qty\":\"100\",\"side\":\"BUY\",\
             \"symbol\":\"AAPL\",\"\u{1f600}\":1.5,\"\u{fb33}\":[null]}"
                .as_bytes(),
        );
        assert_eq!(digest_of_json(text.as_bytes()).unwrap(), expected);
        let Ok(Value::Object(order)) = crate::json::parse(text.as_bytes()) else {
            panic!()
        };
        assert_eq!(digest(&order, "100", "185.5").unwrap(), expected);
        let mut others = order;
        for name in ["symbol", "qty", "side", "price", "client_order_id"] {
            others.remove(name);
        }
        let members = OrderMembers {
            client_order_id: "o-1",
            symbol: "AAPL",
            side: "BUY",
            qty: "100",
            price: "185.5",
            others: &others,
        };
        assert_eq!(members.digest().unwrap(), expected);
        let mut twice = others.clone();
        twice.insert("side".into(), "SELL".into());
        let twice = OrderMembers {
            others: &twice,
            ..members
        };
        assert!(matches!(twice.digest(), Err(OrderError::Duplicate { .. })));
    }

    #[test]
    fn an_order_that_two_readers_could_read_differently_has_no_digest() {
        for text in [
            r#"{"qty":1,"price":1,"qty":2}"#,
            r#"{"qty":1,"price":1,"x":{"a":1,"a":1}}"#,
            r#"{"qty":1,"price":1,"x":9007199254740992}"#,
            r#"{"qty":1,"price":1,"x":123456789012345678901234567890}"#,
            r#"{"qty":1}"#,
            r#"{"qty":null,"price":1}"#,
            r#"{"qty":[1],"price":1}"#,
            r#"{"qty":-1,"price":1}"#,
            r#"[1,1]"#,
        ] {
            assert!(digest_of_json(text.as_bytes()).is_err(), "{text}");
        }
    }
}
