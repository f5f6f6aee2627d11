"""Verify a gate decision token, object form. Copy this and strict_json.py; needs rfc8785."""
import hmac

import rfc8785

from strict_json import b64decode, need, read

TEXTS = ("alg aud client_id client_order_id iss jti kid notional order_digest policy_hash "
         "policy_revision status typ").split()
INTEGERS = "exp iat seq".split()


def canonical(payload):
    need(set(payload) == {*TEXTS, *INTEGERS, "reasons"}, "a member is missing or unknown")
    need(all(type(payload[name]) is str for name in TEXTS), "not a text")
    need(all(type(payload[name]) is int and payload[name] >= 0 for name in INTEGERS), "not an integer")
    need(type(payload["reasons"]) is list, "reasons is not a list")
    need(all(type(reason) is str for reason in payload["reasons"]), "a reason is not a text")
    need(payload["status"] in ("AUTHORIZED", "BLOCKED"), "unknown status")
    need(len(b64decode(payload["order_digest"])) == 32, "not a digest")
    return rfc8785.dumps(payload)


def refuse_unless(ok, reason):
    if not ok:
        raise PermissionError(reason)


def find_secret(jwks, kid, now, leeway):
    key = next((key for key in jwks["keys"] if key["kid"] == kid), None)
    refuse_unless(key and key.get("nbf", 0) <= now + leeway, "unknown_key")
    refuse_unless(now < key.get("exp", 2**53) + leeway, "unknown_key")
    return b64decode(key["k"])


def judge(claims, aud, now, leeway, order_digest):
    refuse_unless((claims["typ"], claims["alg"]) == ("gate-decision+v1", "HS256"), "wrong_type")
    refuse_unless(claims["aud"] == aud, "wrong_audience")
    refuse_unless(claims["iat"] <= now + leeway, "not_yet_valid")
    refuse_unless(now < claims["exp"] + leeway, "expired")
    refuse_unless(order_digest in (None, claims["order_digest"]), "wrong_order")
    return claims


def verify(token, jwks, aud, now, leeway=0, order_digest=None):
    """The claims; PermissionError names the reason. A BLOCKED decision verifies too."""
    try:
        token = read(token)
        need(set(token) == {"payload", "signature"}, "not a token")
        claims, signature = token["payload"], b64decode(token["signature"])
        signed = canonical(claims)
        need(len(signature) == 32, "not a signature")
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise PermissionError("malformed") from None
    mac = hmac.digest(find_secret(jwks, claims["kid"], now, leeway), signed, "sha256")
    refuse_unless(hmac.compare_digest(mac, signature), "bad_signature")
    return judge(claims, aud, now, leeway, order_digest)
