"""The digest of an order, to hold against a token's `order_digest`. Needs rfc8785."""
import base64, hashlib, re
from decimal import Decimal

import rfc8785

from strict_json import need, read

NUMBER = re.compile(r"(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")


def amount(text):
    """The canonical text of an amount: `185.50`, `1855e-1` and "185.5" are all `185.5`."""
    need(NUMBER.fullmatch(text), "not an amount")
    if not re.search("[1-9]", re.split("[eE]", text)[0]):
        return "0"
    need(abs(Decimal(text).adjusted()) <= 64, "an amount of more than 64 digits")
    whole, _, fraction = format(Decimal(text), "f").partition(".")
    fraction = fraction.rstrip("0")
    need(max(len(whole), len(fraction)) <= 64, "an amount of more than 64 digits")
    return f"{whole}.{fraction}" if fraction else whole


def canonical_order(text):
    order, exact = read(text), read(text, parse_int=str, parse_float=str)
    for name in ("qty", "price"):
        order[name] = amount(exact[name])
    return rfc8785.dumps(order)


def order_digest(text):
    digest = hashlib.sha256(canonical_order(text)).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
