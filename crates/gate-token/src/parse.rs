//! Parses a token's bytes into claims and a signature. No keys here, and no judgement of the
//! claims.
//!
//! Strict: exactly the members of this version, each once and of its type.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

use crate::claims::{Claims, Status};
use crate::digest::Digest;
use crate::json::{MAX_SAFE_INTEGER, duplicate};
use crate::key::Signature;

/// The payload as read: `typ` and `alg` are text until the MAC has been checked.
pub(crate) struct Payload<'a> {
    pub(crate) typ: Cow<'a, str>,
    pub(crate) alg: Cow<'a, str>,
    pub(crate) claims: Claims<'a>,
}

/// `{"payload":{…},"signature":"…"}`.
pub(crate) struct ObjectToken<'a> {
    pub(crate) payload: Payload<'a>,
    pub(crate) signature: Signature,
}

/// The three parts of a compact JWS, and what is inside the first.
pub(crate) struct JwsToken<'a> {
    pub(crate) signing_input: &'a str,
    pub(crate) header: JwsHeader,
    pub(crate) payload: Vec<u8>,
    pub(crate) signature: Signature,
}

/// The protected header: exactly these members, so that `crit`, `jku` and the like are refused.
pub(crate) struct JwsHeader {
    pub(crate) alg: String,
    pub(crate) kid: String,
    pub(crate) typ: String,
}

pub(crate) fn object_token(token: &[u8]) -> Option<ObjectToken<'_>> {
    serde_json::from_slice(token).ok()
}

pub(crate) fn payload(bytes: &[u8]) -> Option<Payload<'_>> {
    serde_json::from_slice(bytes).ok()
}

pub(crate) fn jws_token(token: &[u8]) -> Option<JwsToken<'_>> {
    let token = std::str::from_utf8(token).ok()?;
    let (signing_input, signature) = token.rsplit_once('.')?;
    let (header, payload) = signing_input.split_once('.')?;
    let header = URL_SAFE_NO_PAD.decode(header).ok()?;
    Some(JwsToken {
        signing_input,
        header: serde_json::from_slice(&header).ok()?,
        // A fourth part would leave a point in here, which is not base64url.
        payload: URL_SAFE_NO_PAD.decode(payload).ok()?,
        signature: Signature::from_base64url(signature)?,
    })
}

/// A string, borrowed where the text has no escape in it.
struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(value)))
            }
            fn visit_str<E>(self, value: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(value.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

fn text<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Cow<'de, str>, A::Error> {
    Ok(map.next_value::<Text<'de>>()?.0)
}

fn integer<'de, A: MapAccess<'de>>(map: &mut A) -> Result<u64, A::Error> {
    let value = map.next_value::<u64>()?;
    if value > MAX_SAFE_INTEGER {
        return Err(A::Error::custom("integer beyond 2^53-1"));
    }
    Ok(value)
}

fn set<T, E: Error>(slot: &mut Option<T>, name: &'static str, value: T) -> Result<(), E> {
    if slot.replace(value).is_some() {
        return Err(duplicate(name));
    }
    Ok(())
}

fn need<T, E: Error>(slot: Option<T>, name: &'static str) -> Result<T, E> {
    slot.ok_or_else(|| E::missing_field(name))
}

/// Reads an object of exactly the given members, each into a local of its name. (A derived
/// `Deserialize` would take an array, too.)
macro_rules! read_members {
    ($map:ident, { $($name:ident: $read:expr),+ $(,)? }) => {
        $(let mut $name = None;)+
        while let Some(name) = $map.next_key::<Text<'de>>()? {
            match &*name.0 {
                $(stringify!($name) => {
                    let value = $read(&mut $map)?;
                    set(&mut $name, stringify!($name), value)?;
                })+
                other => return Err(A::Error::unknown_field(other, &[])),
            }
        }
        $(let $name = need($name, stringify!($name))?;)+
    };
}

macro_rules! deserialize_object {
    ($type:ty, $visitor:ident) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_map($visitor)
            }
        }
    };
}

deserialize_object!(Payload<'de>, PayloadVisitor);
deserialize_object!(ObjectToken<'de>, ObjectTokenVisitor);
deserialize_object!(JwsHeader, JwsHeaderVisitor);

struct PayloadVisitor;

impl<'de> Visitor<'de> for PayloadVisitor {
    type Value = Payload<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the payload of a decision token")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Payload<'de>, A::Error> {
        read_members!(map, {
            alg: text,
            aud: text,
            client_id: text,
            client_order_id: text,
            exp: integer,
            iat: integer,
            iss: text,
            jti: text,
            kid: text,
            notional: text,
            order_digest: read_digest,
            policy_hash: text,
            policy_revision: text,
            reasons: texts,
            seq: integer,
            status: read_status,
            typ: text,
        });
        let claims = Claims {
            kid,
            iss,
            aud,
            iat,
            exp,
            jti,
            seq,
            status,
            reasons,
            client_id,
            client_order_id,
            order_digest,
            notional,
            policy_revision,
            policy_hash,
        };
        Ok(Payload { typ, alg, claims })
    }
}

fn texts<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Vec<Cow<'de, str>>, A::Error> {
    let texts = map.next_value::<Vec<Text<'de>>>()?;
    Ok(texts.into_iter().map(|text| text.0).collect())
}

fn read_digest<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Digest, A::Error> {
    Digest::from_base64url(&text(map)?).map_err(A::Error::custom)
}

fn read_status<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Status, A::Error> {
    Status::from_text(&text(map)?).ok_or_else(|| A::Error::custom("unknown status"))
}

fn read_signature<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Signature, A::Error> {
    Signature::from_base64url(&text(map)?).ok_or_else(|| A::Error::custom("not a signature"))
}

fn owned<'de, A: MapAccess<'de>>(map: &mut A) -> Result<String, A::Error> {
    text(map).map(Cow::into_owned)
}

struct ObjectTokenVisitor;

impl<'de> Visitor<'de> for ObjectTokenVisitor {
    type Value = ObjectToken<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a decision token")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ObjectToken<'de>, A::Error> {
        fn read_payload<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Payload<'de>, A::Error> {
            map.next_value()
        }
        read_members!(map, { payload: read_payload, signature: read_signature });
        Ok(ObjectToken { payload, signature })
    }
}

struct JwsHeaderVisitor;

impl<'de> Visitor<'de> for JwsHeaderVisitor {
    type Value = JwsHeader;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the header of a decision token")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<JwsHeader, A::Error> {
        read_members!(map, { alg: owned, kid: owned, typ: owned });
        Ok(JwsHeader { alg, kid, typ })
    }
}
