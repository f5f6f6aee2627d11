"""Verify a gate decision token, compact JWS. Needs PyJWT, and gate_verify.py beside it.

With PyJWT alone it is one line, whose reasons and strictness are PyJWT's own:
    jwt.decode(token, secret, algorithms=["HS256"], audience="venue-gateway")
"""
import jwt

from gate_verify import canonical, find_secret, judge, refuse_unless
from strict_json import b64decode, need, read


def verify_jws(token, jwks, aud, now, leeway=0, order_digest=None):
    """The claims; PermissionError names the reason. A BLOCKED decision verifies too."""
    try:
        header, payload, signature = token.split(".")
        header, claims = (read(b64decode(part).decode()) for part in (header, payload))
        need(set(header) == {"alg", "kid", "typ"}, "a header is missing or unknown")
        need(all(type(text) is str for text in header.values()), "a header is not a text")
        canonical(claims), canonical({**claims, **header})
        need(header["kid"] == claims["kid"], "two kids")
        need(len(b64decode(signature)) == 32, "not a signature")
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise PermissionError("malformed") from None
    secret = find_secret(jwks, claims["kid"], now, leeway)
    try:
        jwt.PyJWS().decode(token, secret, algorithms=["HS256"])
    except jwt.PyJWTError:
        raise PermissionError("bad_signature") from None
    refuse_unless(header["typ"] == "gate-decision+v1", "wrong_type")
    return judge(claims, aud, now, leeway, order_digest)
