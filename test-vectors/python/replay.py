"""Replays the vectors through the Python samples, and takes part in the random run.

    replay.py vectors        every row of ../*.json
    replay.py stream         NDJSON in, NDJSON out: see ../README.md
    --plant-fault            sort members by code point, as a verifier that is wrong would
"""
import base64, hmac, json, pathlib, sys

import jwt
import rfc8785

import gate_order, gate_verify, gate_verify_jws, strict_json

HERE = pathlib.Path(__file__).parent.parent


def b64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def outcome(form, *args):
    try:
        verify = gate_verify.verify if form == "object" else gate_verify_jws.verify_jws
        return "valid", verify(*args)
    except PermissionError as refusal:
        return str(refusal), None


def judge(name, row, keys):
    """-> "valid" or the reason, and what else the row fixes must hold"""
    if name == "tokens":
        order = row["order"] and gate_order.order_digest(row["order"])
        found, claims = outcome(row["form"], row["input"], keys, row["aud"], row["now"], row["leeway"], order)
        assert not claims or not row["canonical_hex"] or rfc8785.dumps(claims).hex() == row["canonical_hex"]
        return found
    if name == "macs":
        mac = hmac.digest(bytes.fromhex(row["key"]), bytes.fromhex(row["input"]), "sha256").hex()
        return "valid" if mac.startswith(row["mac"]) else "bad_signature"
    try:
        if name == "orders":
            assert gate_order.canonical_order(row["input"]).hex() == row["canonical_hex"]
            assert gate_order.order_digest(row["input"]) == row["order_digest"]
        else:
            assert rfc8785.dumps(strict_json.read(row["input"])).hex() == row["canonical_hex"]
        return "valid"
    except (ValueError, KeyError, TypeError, ArithmeticError):
        return row["reason"]  # refused; these samples do not tell the reasons apart


def vectors():
    wrong = rows = 0
    for name in ("canonical", "macs", "orders", "tokens"):
        content = json.loads((HERE / f"{name}.json").read_text())
        for row in content["rows"]:
            rows += 1
            try:
                found = judge(name, row, content.get("keys"))
            except AssertionError:
                found = "other bytes"
            if found != (row["reason"] or "valid"):
                wrong += 1
                print(f"{name}: {row['description']}: {found}, expected {row['reason'] or 'valid'}")
    print(f"python: {rows} rows, {wrong} disagreements")
    return wrong == 0


def stream():
    setup = json.loads(sys.stdin.readline())
    keys, aud, now = setup["keys"], setup["aud"], setup["now"]
    secrets = {key["kid"]: strict_json.b64decode(key["k"]) for key in keys["keys"]}
    for line in sys.stdin:
        task = json.loads(line)
        claims = json.loads(task["claims"])
        canonical, secret = rfc8785.dumps(claims), secrets[claims["kid"]]
        signature = b64(hmac.digest(secret, canonical, "sha256"))
        header = {"kid": claims["kid"], "typ": claims["typ"]}
        print(json.dumps({
            "token": '{"payload":%s,"signature":"%s"}' % (canonical.decode(), signature),
            "jws": jwt.encode(claims, secret, algorithm="HS256", headers=header),
            "verdicts": [outcome(form, text, keys, aud, now)[0] for form, text in task["tokens"]],
            "order_digest": gate_order.order_digest(task["order"]),
        }))


if "--plant-fault" in sys.argv:
    right = rfc8785.dumps

    def by_code_point(value):
        if isinstance(value, dict):
            members = (right(name) + b":" + by_code_point(value[name]) for name in sorted(value))
            return b"{" + b",".join(members) + b"}"
        if isinstance(value, list):
            return b"[" + b",".join(map(by_code_point, value)) + b"]"
        return right(value)

    rfc8785.dumps = by_code_point

if "stream" in sys.argv:
    stream()
elif not vectors():
    sys.exit(1)
