"""Strict JSON and strict base64url, for gate_verify.py and gate_order.py. Copy it with them."""
import base64, json


def need(ok, what):
    if not ok:
        raise ValueError(what)


def members(pairs):
    need(len(dict(pairs)) == len(pairs), "a member stands twice")
    return dict(pairs)


def read(text, **hooks):
    """No member twice, no NaN. What else is unsafe (large integers, lone surrogates) rfc8785
    refuses. Python would read `-0` as an integer; JSON's other readers do not."""
    hooks = {"parse_int": lambda n: float(n) if n == "-0" else int(n), **hooks}
    return json.loads(text, object_pairs_hook=members, parse_constant=int, **hooks)


def b64decode(text):
    data = base64.urlsafe_b64decode(text + "==")
    need(base64.urlsafe_b64encode(data).decode().rstrip("=") == text, "not base64url")
    return data
