"""Writes the vectors. Python, so that they do not come from the code they test; needs rfc8785.

    python3 test-vectors/generate.py [--check]

Each row's `expect` and `reason` are written here by hand; bytes and MACs are computed.
"""
import base64, copy, hashlib, hmac, json, pathlib, struct, sys
from decimal import Decimal

import rfc8785

HERE = pathlib.Path(__file__).parent
NOW = 1_790_000_010


def b64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


# ---------------------------------------------------------------- canonical.json

# RFC 8785 appendix B: the double's bits, and the text that ECMAScript gives it.
NUMBERS = [
    ("0000000000000000", "0"), ("8000000000000000", "0"), ("0000000000000001", "5e-324"),
    ("8000000000000001", "-5e-324"), ("7fefffffffffffff", "1.7976931348623157e+308"),
    ("ffefffffffffffff", "-1.7976931348623157e+308"), ("4340000000000000", "9007199254740992"),
    ("c340000000000000", "-9007199254740992"), ("4430000000000000", "295147905179352830000"),
    ("44b52d02c7e14af5", "9.999999999999997e+22"), ("44b52d02c7e14af6", "1e+23"),
    ("44b52d02c7e14af7", "1.0000000000000001e+23"), ("444b1ae4d6e2ef4e", "999999999999999700000"),
    ("444b1ae4d6e2ef4f", "999999999999999900000"), ("444b1ae4d6e2ef50", "1e+21"),
    ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"), ("3eb0c6f7a0b5ed8d", "0.000001"),
    ("41b3de4355555553", "333333333.3333332"), ("41b3de4355555554", "333333333.33333325"),
    ("41b3de4355555555", "333333333.3333333"), ("41b3de4355555556", "333333333.3333334"),
    ("41b3de4355555557", "333333333.33333343"), ("becbf647612f3696", "-0.0000033333333333333333"),
    ("43143ff3c1cb0959", "1424953923781206.2"),
]


def canonical_rows():
    rows = []

    def ok(description, text, canonical):
        canonical = canonical if isinstance(canonical, bytes) else canonical.encode()
        assert canonical == rfc8785.dumps(json.loads(text)), description
        rows.append({"description": description, "input": text,
                     "canonical_hex": canonical.hex(), "expect": "valid", "reason": None})

    def bad(description, text, reason):
        rows.append({"description": description, "input": text, "canonical_hex": None,
                     "expect": "refused", "reason": reason})

    for bits, expected in NUMBERS:
        value = struct.unpack(">d", bytes.fromhex(bits))[0]
        exact = f"{Decimal(value):E}"
        exact = exact if "." in exact or "E" in exact else exact + ".0"
        ok(f"number {bits}, all its digits", exact, expected)
        ok(f"number {bits}, its shortest text", f"[{value!r}]", f"[{expected}]")
    for text, expected in [
        ("9007199254740991", "9007199254740991"), ("-9007199254740991", "-9007199254740991"),
        ("0.0", "0"), ("-0.0", "0"), ("1.0", "1"), ("1E0", "1"), ("100e-2", "1"),
        ("1e-6", "0.000001"), ("1e-7", "1e-7"), ("123e-7", "0.0000123"), ("1e20", "100000000000000000000"),
        ("0.1e22", "1e+21"), ("123456789012345678901.0", "123456789012345680000"),
        ("4.50", "4.5"), ("2e-3", "0.002"), ("0.000000000000000000000000001", "1e-27"),
        ("1.0715660391465826e-75", "1.0715660391465826e-75"),
        ("-1.81996730402717e-179", "-1.81996730402717e-179"),
        ("185.55", "185.55"), ("1.005", "1.005"), ("2.2250738585072011e-308", "2.225073858507201e-308"),
        ("1e-400", "0"),
    ]:
        ok(f"number {text}", text, expected)
    for text, expected in [("null", "null"), (" true\n", "true"), ("false", "false"), ("[]", "[]"), ("{}", "{}"),
                           ("[ 1 ,\t[ ] , { } ]", "[1,[],{}]"), ('""', '""')]:
        ok(f"{text.strip()} with its white space", text, expected)
    ok("the example of RFC 8785 section 3.2.2",
       r'{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],'
       r'"string":"\u20ac$\u000F\u000aA' "'" r'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}',
       '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
       '"string":"\u20ac$\\u000f\\nA' "'" 'B\\"\\\\\\\\\\"/"}')
    ok("members sort by UTF-16 code units (RFC 8785 section 3.2.3)",
       r'{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One",'
       r'"\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}',
       '{"\\r":"Carriage Return","1":"One","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis",'
       '"\u20ac":"Euro Sign","\U0001f600":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}')
    ok("U+10000 before U+E000 and U+FFFF: UTF-16 order is not code point order",
       r'{"\uffff":1,"\ue000":2,"\ud800\udc00":3,"\udbff\udfff":4,"\ud7ff":5}',
       '{"\ud7ff":5,"\U00010000":3,"\U0010ffff":4,"\ue000":2,"\uffff":1}')
    ok("a name that is the start of another, the empty name, capitals", '{"ab":1,"a":2,"":3,"A":4,"aa":5}',
       '{"":3,"A":4,"a":2,"aa":5,"ab":1}')
    ok("members sort at every depth", '{"b":[{"z":1,"a":{"d":1,"c":2}}],"a":1}', '{"a":1,"b":[{"a":{"c":2,"d":1},"z":1}]}')
    short = {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r"}
    for code in range(0x20):
        ok(f"control character U+{code:04X}", f'"\\u{code:04X}"', f'"{short.get(code, f"{chr(92)}u{code:04x}")}"')
    for text, expected in [
        (r'"\u007f\u0080\u2028\u2029\ufeff"', '"\u007f\u0080\u2028\u2029\ufeff"'),
        (r'"\"\\\/"', '"\\"\\\\/"'), (r'"\ud83d\ude00"', '"\U0001f600"'), ('"\U0001f600"', '"\U0001f600"'),
        (r'"e\u0301"', '"e\u0301"'), (r'"\u00e9"', '"\u00e9"'), ('"<&>\'"', '"<&>\'"'),
    ]:
        ok("string: only what must be escaped is, nothing is normalised", text, expected)
    for text in ["9007199254740992", "-9007199254740992", "18446744073709551616", '{"a":[9007199254740993]}',
                 "123456789012345678901234567890"]:
        bad("an integer beyond 2^53-1", text, "unsafe_integer")
    for text in ["1e400", "-1e400"]:
        bad("a number beyond the doubles", text, "not_json")
    for text in ["NaN", "Infinity", "01", "1.", ".5", "+1", "'a'", '{"a":1,}', "[1,]", "", "{", '"\t"', '"\\x"',
                 '{"a":1}x', "tru", '{a:1}', "\ufeff1", "// c\n1"]:
        bad("not JSON", text, "not_json")
    for text in [r'"\ud800"', r'"\udc00"', r'"\udc00\ud800"', r'{"\ud800":1}', r'"a\ud83d"', r'"\ud83d\u0041"']:
        bad("a lone surrogate", text, "not_json")
    for text in ['{"a":1,"a":1}', '{"a":1,"b":2,"a":3}', r'{"a":1,"\u0061":2}', '[{"x":{"y":1,"y":2}}]', '{"":1,"":2}']:
        bad("a member stands twice", text, "duplicate_member")
    return rows


# ---------------------------------------------------------------- macs.json

def mac_rows():
    rows = []

    def row(description, key, message, mac, expect="valid", reason=None):
        rows.append({"description": description, "key": key.hex(), "input": message.hex(), "mac": mac,
                     "expect": expect, "reason": reason})

    big = b"\xaa" * 131
    rfc4231 = [
        (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (b"\xaa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
        (bytes(range(1, 26)), b"\xcd" * 50, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
        (b"\x0c" * 20, b"Test With Truncation", "a3b6167473100ee06e0c796c2955552b"),
        (big, b"Test Using Larger Than Block-Size Key - Hash Key First",
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
        (big, b"This is a test using a larger than block-size key and a larger than block-size data. "
              b"The key needs to be hashed before being used by the HMAC algorithm.",
         "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"),
    ]
    for number, (key, message, mac) in enumerate(rfc4231, 1):
        assert hmac.digest(key, message, "sha256").hex().startswith(mac)
        row(f"RFC 4231 test case {number}", key, message, mac)
    key = bytes(range(32))
    mac = hmac.digest(key, b"payload", "sha256").hex()
    row("32 bytes of key", key, b"payload", mac)
    row("an empty message", key, b"", hmac.digest(key, b"", "sha256").hex())
    for size in (55, 56, 63, 64, 65, 119, 120, 4096):
        row(f"{size} bytes of message", key, b"m" * size, hmac.digest(key, b"m" * size, "sha256").hex())
    for at in (0, 15, 31):
        wrong = bytearray.fromhex(mac)
        wrong[at] ^= 1
        row(f"a flipped bit in byte {at}", key, b"payload", wrong.hex(), "refused", "bad_signature")
    row("another key", bytes(range(1, 33)), b"payload", mac, "refused", "bad_signature")
    row("another message", key, b"Payload", mac, "refused", "bad_signature")
    return rows


# ---------------------------------------------------------------- keys.json

def jwk(kid="k1", secret=bytes(range(32)), **members):
    key = {"kty": "oct", "use": "sig", "alg": "HS256", "kid": kid, "k": b64(secret)}
    key.update(members)
    return {name: value for name, value in key.items() if value is not None}


def jwks(*keys):
    return json.dumps({"keys": list(keys)})


VERIFY = ["verify"]
BOTH = ["sign", "verify"]


def key_rows():
    rows = []

    def ok(description, text, active, verify_only=()):
        rows.append({"description": description, "input": text, "expect": "valid", "reason": None,
                     "active": active, "verify_only": list(verify_only)})

    def bad(description, text, reason):
        rows.append({"description": description, "input": text, "expect": "refused", "reason": reason})

    ok("one key without key_ops may do both", jwks(jwk()), "k1")
    ok("only what is needed", jwks(jwk(use=None)), "k1")
    ok("key_ops in either order", jwks(jwk(key_ops=["verify", "sign"])), "k1")
    ok("one active, two verify-only, the active one anywhere",
       jwks(jwk("a", key_ops=VERIFY), jwk("b", key_ops=BOTH), jwk("c", key_ops=VERIFY)), "b", ["a", "c"])
    ok("a time for each", jwks(jwk(nbf=0, exp=9007199254740991)), "k1")
    ok("64 bytes, and a kid of any text", jwks(jwk("\u20ac \U0001f511\"\n", secret=b"s" * 64)), "\u20ac \U0001f511\"\n")
    ok("a key longer than SHA-256's block", jwks(jwk(secret=b"s" * 131)), "k1")
    ok("without alg, of which there is one", jwks({n: v for n, v in jwk().items() if n != "alg"}), "k1")
    bad("31 bytes", jwks(jwk(secret=bytes(31))), "too_short")
    bad("an empty secret", jwks(jwk(secret=b"")), "too_short")
    bad("one of two too short", jwks(jwk(), jwk("k2", secret=bytes(16), key_ops=VERIFY)), "too_short")
    bad("two keys of one kid", jwks(jwk(key_ops=BOTH), jwk(key_ops=VERIFY)), "duplicate_kid")
    bad("two verify-only keys of one kid", jwks(jwk(), jwk("b", key_ops=VERIFY), jwk("b", key_ops=VERIFY)), "duplicate_kid")
    bad("an empty kid", jwks(jwk("")), "empty_kid")
    for kty in ("RSA", "EC", "OKP", "OCT", ""):
        bad(f"kty `{kty}`", jwks(jwk(kty=kty)), "wrong_kty")
    for alg in ("HS512", "hs256", "none", "RS256", ""):
        bad(f"alg `{alg}`", jwks(jwk(alg=alg)), "wrong_alg")
    bad("use `enc`", jwks(jwk(use="enc")), "wrong_use")
    for ops in ([], ["sign"], ["verify", "verify"], ["sign", "verify", "encrypt"], ["encrypt"], ["Verify"]):
        bad(f"key_ops {ops}", jwks(jwk(key_ops=ops)), "wrong_key_ops")
    k = jwk()["k"]
    for text in (k + "=", k[:-1] + "*", "+" + k[1:], "/" + k[1:], k[:-1] + "9", " " + k, k + "\n", "\u00e9" + k[1:]):
        bad(f"k `{text!r}` is not base64url", jwks(jwk(k=text)),
            "not_base64url" if "\n" not in text and "\u00e9" not in text else "not_a_jwk_set")
    bad("no key", jwks(), "no_key")
    bad("no active key", jwks(jwk(key_ops=VERIFY)), "no_active_key")
    bad("two active keys", jwks(jwk("a"), jwk("b")), "two_active_keys")
    bad("two active keys, said outright", jwks(jwk("a", key_ops=BOTH), jwk("b", key_ops=BOTH)), "two_active_keys")
    bad("nbf after exp", jwks(jwk(nbf=2, exp=1)), "never_valid")
    bad("nbf at exp", jwks(jwk(nbf=1, exp=1)), "never_valid")
    for name in ("kty", "kid", "k"):
        bad(f"without {name}", jwks({n: v for n, v in jwk().items() if n != name}), "not_a_jwk_set")
    for description, text in [
        ("empty", ""), ("not JSON", "{"), ("an array", "[]"), ("a bare JWK", json.dumps(jwk())), ("keys is no array", '{"keys":{}}'),
        ("a key is a text", '{"keys":["k1"]}'), ("a key is an array", '{"keys":[["oct","k1"]]}'), ("without keys", "{}"),
        ("keys twice", '{"keys":[],"keys":[]}'), ("a further member", '{"keys":[],"kid":"k1"}'),
        ("a misspelt member", jwks(jwk(key_op=VERIFY))), ("a member twice", jwks(jwk()).replace('"alg"', '"kid":"k1","alg"')),
        ("nbf is a text", jwks(jwk(nbf="1"))), ("exp is a fraction", jwks(jwk(exp=1.5))), ("exp below zero", jwks(jwk(exp=-1))),
        ("exp beyond 2^53-1", jwks(jwk(exp=2**53))), ("k is a number", jwks(jwk(k=1))), ("k is escaped", jwks(jwk()).replace(k, "\\u0041" + k[1:])),
        ("key_ops is a text", jwks(jwk(key_ops="verify"))), ("something after the end", jwks(jwk()) + "x"),
    ]:
        bad(description, text, "not_a_jwk_set")
    return rows


# ---------------------------------------------------------------- orders.json

def order_rows():
    rows = []

    def ok(description, text, canonical):
        digest = b64(hashlib.sha256(canonical.encode()).digest())
        rows.append({"description": description, "input": text, "canonical_hex": canonical.encode().hex(),
                     "order_digest": digest, "expect": "valid", "reason": None})

    def bad(description, text, reason):
        rows.append({"description": description, "input": text, "expect": "refused", "reason": reason})

    def plain(qty, price):
        return ('{"client_order_id":"o-1","price":"%s","qty":"%s","side":"BUY","symbol":"AAPL"}' % (price, qty))

    form = '{"client_order_id":"o-1","symbol":"AAPL","side":"BUY","qty":%s,"price":%s}'
    for qty, price, q, p in [
        ("100", "185.50", "100", "185.5"), ('"100"', '"185.50"', "100", "185.5"), ("1e2", "1855E-1", "100", "185.5"),
        ("100.0", "185.5000", "100", "185.5"), ("1", "185.55", "1", "185.55"), ("3", "1.005", "3", "1.005"),
        ("1", "90071992547409.93", "1", "90071992547409.93"), ('"0.000000001"', "1e-9", "0.000000001", "0.000000001"),
        ("999999999999999999", "0.1", "999999999999999999", "0.1"), ("123456789.123456789", "12e3", "123456789.123456789", "12000"),
        ("0.10", "10", "0.1", "10"), ("0", "0.0", "0", "0"), ('"1E+3"', "1.50e1", "1000", "15"), ("1e63", "1", "1" + "0" * 63, "1"),
    ]:
        ok(f"amounts {qty} at {price}", form % (qty, price), plain(q, p))
    ok("members in another order, white space, an escaped name",
       ' {"\\u0070rice" : 185.50,\n"side":"BUY", "symbol":"AAPL","qty":100,"client_order_id":"o-1"} ', plain("100", "185.5"))
    ok("further members stay as received, amounts inside them too",
       '{"qty":1,"price":2,"tif":"DAY","leg":{"qty":1.50,"price":"1.50"},"\U0001f600":[1E2,null],"\ufb33":-0.0}',
       '{"leg":{"price":"1.50","qty":1.5},"price":"2","qty":"1","tif":"DAY","\U0001f600":[100,null],"\ufb33":0}')
    for description, text in [
        ("qty twice", '{"qty":1,"price":1,"qty":1}'), ("a member twice in a further member", '{"qty":1,"price":1,"x":[{"a":1,"a":1}]}'),
        ("an integer beyond 2^53-1 in a further member", '{"qty":1,"price":1,"x":9007199254740993}'),
        ("a longer one", '{"qty":1,"price":1,"x":{"y":[123456789012345678901234567890]}}'),
        ("a lone surrogate", '{"qty":1,"price":1,"x":"\\ud800"}'),
        ("no qty", '{"price":1}'), ("no price", '{"qty":1}'), ("not an object", "[1,1]"), ("not JSON", '{"qty":1,"price":1'),
    ]:
        bad(description, text, "unreadable")
    for amount in ("-1", "null", "true", "[1]", '"-1"', '""', '"1,5"', '" 1"', '"1 "', '"01"', '"1."', '".5"', '"NaN"', '"0x10"', '"+1"',
                   '"1e"', '"\\u0661"', "1e65", "1e-65", '"1e999999999"'):
        bad(f"qty is {amount}", '{"qty":%s,"price":1}' % amount, "not_an_amount")
    return rows


# ---------------------------------------------------------------- tokens.json

KEYS = {"keys": [jwk("k1", bytes(range(32)), key_ops=BOTH), jwk("old", b"o" * 48, key_ops=VERIFY, exp=NOW + 100),
                 jwk("past", b"p" * 32, key_ops=VERIFY, exp=NOW), jwk("future", b"f" * 32, key_ops=VERIFY, nbf=NOW + 1),
                 jwk("other", b"x" * 32, key_ops=VERIFY)]}
SECRETS = {key["kid"]: base64.urlsafe_b64decode(key["k"] + "==") for key in KEYS["keys"]}
ORDER = '{"client_order_id":"o-1","symbol":"AAPL","side":"BUY","qty":100,"price":185.50}'
ORDER_2 = '{"client_order_id":"o-1","symbol":"AAPL","side":"BUY","qty":101,"price":185.50}'
ORDER_CANONICAL = b'{"client_order_id":"o-1","price":"185.5","qty":"100","side":"BUY","symbol":"AAPL"}'


def claims(**members):
    base = {
        "typ": "gate-decision+v1", "alg": "HS256", "kid": "k1", "iss": "gate-1", "aud": "venue-gateway", "iat": NOW - 10, "exp": NOW + 20,
        "jti": "0198c5a0-5e3f-7000-8000-000000000001", "seq": 42, "status": "AUTHORIZED", "reasons": [], "client_id": "c5",
        "client_order_id": "o-1", "order_digest": b64(hashlib.sha256(ORDER_CANONICAL).digest()), "notional": "18550",
        "policy_revision": "r7", "policy_hash": "ab" * 32,
    }
    base.update(members)
    return base


def mac_of(payload, kid=None):
    return hmac.digest(SECRETS.get(kid or payload["kid"], bytes(32)), rfc8785.dumps(payload), "sha256")


def text_of(payload, mac=None):
    mac = b64(mac_of(payload) if mac is None else mac)
    return '{"payload":%s,"signature":"%s"}' % (rfc8785.dumps(payload).decode(), mac)


def jws_of(payload, header=None, secret=None, payload_text=None, header_text=None, hash_name="sha256"):
    header = header or {"alg": "HS256", "kid": payload["kid"], "typ": "gate-decision+v1"}
    text = b64((header_text or rfc8785.dumps(header).decode()).encode()) + "." + b64(payload_text.encode() if payload_text else rfc8785.dumps(payload))
    return text + "." + b64(hmac.digest(secret or SECRETS[payload["kid"]], text.encode(), hash_name))


def token_rows():
    rows = []

    def add(form, description, token, expect, reason, now=NOW, leeway=0, aud="venue-gateway", order=None, payload=None):
        row = {"description": f"{form}: {description}", "form": form, "input": token, "canonical_hex": None, "key": None, "mac": None,
               "aud": aud, "now": now, "leeway": leeway, "order": order, "expect": expect, "reason": reason}
        if payload is not None:
            row["canonical_hex"] = rfc8785.dumps(payload).hex()
            row["key"] = payload["kid"]
            row["mac"] = mac_of(payload).hex() if form == "object" else b64decode(token.split(".")[2]).hex()
        rows.append(row)

    def both(description, payload, expect, reason=None, **how):
        add("object", description, text_of(payload), expect, reason, payload=payload, **how)
        add("jws", description, jws_of(payload), expect, reason, payload=payload, **how)

    hostile = claims(client_id="c\"5\\\u0000\u001f\u007f\u2028\U0001f600\ufb33", client_order_id="\u20ac</script>\t\r\n\b\f/",
                     reasons=["", "max_exposure", "e\u0301 is not \u00e9", "\uffff\U0010ffff"], policy_revision="", iss="\u0080")
    both("a plain token", claims(), "valid")
    both("a BLOCKED decision with reasons verifies too", claims(status="BLOCKED", reasons=["max_exposure", "price_collar"]), "valid")
    both("hostile text in every free member", hostile, "valid")
    both("integers at both ends", claims(seq=9007199254740991, exp=9007199254740991, iat=0), "valid")
    both("signed by a verify-only key", claims(kid="old"), "valid")
    both("for the order it was made for", claims(), "valid", order=ORDER)
    both("for the same order, amounts spelt otherwise", claims(), "valid",
         order='{"price":"185.5","qty":1e2,"side":"BUY","symbol":"AAPL","client_order_id":"o-1"}')
    both("at its first second", claims(), "valid", now=NOW - 10)
    both("in its last second", claims(), "valid", now=NOW + 19)
    both("early, within the leeway", claims(), "valid", now=NOW - 15, leeway=5)
    both("late, within the leeway", claims(), "valid", now=NOW + 24, leeway=5)

    stranger = claims(kid="k2")
    add("object", "unknown key", text_of(stranger, hmac.digest(SECRETS["k1"], rfc8785.dumps(stranger), "sha256")), "refused", "unknown_key")
    add("jws", "unknown key", jws_of(stranger, secret=SECRETS["k1"]), "refused", "unknown_key")
    both("a key whose time is over", claims(kid="past"), "refused", "unknown_key")
    both("a key whose time is over, within the leeway", claims(kid="past"), "valid", leeway=1)
    both("a key whose time has not come", claims(kid="future"), "refused", "unknown_key")
    both("wrong audience", claims(aud="venue-gateway-2"), "refused", "wrong_audience")
    both("audience in capitals", claims(aud="Venue-Gateway"), "refused", "wrong_audience")
    both("not yet valid by a second", claims(), "refused", "not_yet_valid", now=NOW - 11)
    both("not yet valid by more than the leeway", claims(), "refused", "not_yet_valid", now=NOW - 16, leeway=5)
    both("expired at its `exp`", claims(), "refused", "expired", now=NOW + 20)
    both("expired by the leeway", claims(), "refused", "expired", now=NOW + 25, leeway=5)
    both("exp before iat", claims(exp=NOW - 20), "refused", "expired")
    both("for another order", claims(), "refused", "wrong_order", order=ORDER_2)
    both("another typ", claims(typ="gate-decision+v2"), "refused", "wrong_type")
    both("another typ by case", claims(typ="Gate-Decision+v1"), "refused", "wrong_type")
    both("alg none in the payload, signed", claims(alg="none"), "refused", "wrong_type")
    both("alg HS512 in the payload, signed", claims(alg="HS512"), "refused", "wrong_type")
    # The order of the reasons: each row fails two checks or more and names the first.
    both("bad time, audience, order and type: type first", claims(typ="x", aud="y", exp=1), "refused", "wrong_type", order=ORDER_2)
    both("bad time, audience and order: audience first", claims(aud="y", exp=1), "refused", "wrong_audience", order=ORDER_2)
    both("not yet valid and for another order: time first", claims(iat=NOW + 5), "refused", "not_yet_valid", order=ORDER_2)
    both("expired and for another order: time first", claims(exp=NOW), "refused", "expired", order=ORDER_2)

    # Any change of a signed member.
    for name, value in claims(reasons=["r"]).items():
        good = claims(reasons=["r"])
        mac = mac_of(good)
        reason = "unknown_key" if name == "kid" else "bad_signature"
        changed = copy.deepcopy(good)
        if name == "status":
            changed[name] = "BLOCKED"
        elif name == "order_digest":
            changed[name] = ("A" if value[0] != "A" else "B") + value[1:]
        elif isinstance(value, list):
            changed[name] = ["s"]
        elif isinstance(value, int):
            changed[name] = value ^ 1
        else:
            changed[name] = chr(ord(value[0]) ^ 1) + value[1:]
        add("object", f"a flipped bit in `{name}`", text_of(changed, mac), "refused", reason)
        good_jws = jws_of(good).split(".")
        header = b64(rfc8785.dumps({"alg": "HS256", "kid": changed["kid"], "typ": "gate-decision+v1"}))
        add("jws", f"a flipped bit in `{name}`", f"{header}.{b64(rfc8785.dumps(changed))}.{good_jws[2]}", "refused", reason)
        without = {n: v for n, v in good.items() if n != name}
        add("object", f"without `{name}`, signed", text_of(without, mac_of(without, "k1")), "refused", "malformed")
        if name != "kid":
            add("jws", f"without `{name}`, signed", jws_of(without), "refused", "malformed")
        for wrong in (None, 1.5, True, ["x"] if name != "reasons" else "x", {}, "7" if isinstance(value, int) else 7):
            bad = dict(good, **{name: wrong})
            add("object", f"`{name}` is {json.dumps(wrong)}, signed", text_of(bad, mac_of(bad, "k1")), "refused", "malformed")
            if name != "kid":
                add("jws", f"`{name}` is {json.dumps(wrong)}, signed", jws_of(bad), "refused", "malformed")
    for name, wrong in [("reasons", ["a", 1]), ("reasons", [["a"]]), ("reasons", [None]), ("status", "MAYBE"), ("status", "authorized"),
                        ("status", ""), ("order_digest", ""), ("order_digest", "A" * 42), ("order_digest", "A" * 44), ("order_digest", "A" * 42 + "B"),
                        ("order_digest", "+" + "A" * 42), ("order_digest", "A" * 43 + "="), ("seq", -1), ("iat", -1), ("exp", -1)]:
        bad = claims(**{name: wrong})
        add("object", f"`{name}` is {json.dumps(wrong)}, signed", text_of(bad), "refused", "malformed")
        add("jws", f"`{name}` is {json.dumps(wrong)}, signed", jws_of(bad), "refused", "malformed")
    extra = claims(extra="x")
    both("an unknown member, signed", extra, "refused", "malformed")
    plain = text_of(claims())
    canonical = rfc8785.dumps(claims()).decode()
    for description, old, new in [
        ("an integer with a fraction", '"seq":42', '"seq":42.0'), ("an integer with an exponent", '"seq":42', '"seq":42e0'),
        ("an integer with an exponent that changes nothing", '"seq":42', '"seq":4.2E1'), ("an integer as text", '"seq":42', '"seq":"42"'),
        ("an integer beyond 2^53-1", '"seq":42', '"seq":9007199254740992'), ("an integer far beyond", '"seq":42', '"seq":1' + "0" * 40),
        ("a leading zero", '"seq":42', '"seq":042'), ("minus zero", '"seq":42', '"seq":-0'),
        ("a member twice, the same", '"seq":42', '"seq":42,"seq":42'), ("a member twice, the first counts elsewhere", '"seq":42', '"seq":42,"seq":43'),
        ("a member twice, by an escape", '"seq":42', '"seq":42,"\\u0073eq":42'), ("the status twice", '"status":"AUTHORIZED"', '"status":"BLOCKED","status":"AUTHORIZED"'),
        ("a lone surrogate", '"c5"', '"\\ud800"'), ("a raw control character", '"c5"', '"c\n5"'), ("a bad escape", '"c5"', '"\\c5"'),
        ("a comma too many", '"typ":"gate-decision+v1"', '"typ":"gate-decision+v1",'), ("reasons is not closed", '"reasons":[]', '"reasons":['),
    ]:
        assert old in plain
        add("object", description, plain.replace(old, new), "refused", "malformed")
        add("jws", description + ", signed", jws_of(claims(), payload_text=canonical.replace(old, new)), "refused", "malformed")
    for description, payload_text in [
        ("members in another order", json.dumps(dict(reversed(claims().items())))),
        ("white space everywhere", json.dumps(claims(), indent=2)),
        ("needless escapes", canonical.replace("c5", "\\u0063\\u0035").replace("AAPL", "\\u0041APL")),
    ]:
        add("object", f"{description}: the same payload", '{"payload":%s,"signature":"%s"}' % (payload_text, b64(mac_of(claims()))), "valid", None, payload=claims())
        token = jws_of(claims(), payload_text=payload_text)
        add("jws", f"{description}, signed so", token, "valid", None)
    signature = b64(mac_of(claims()))
    add("object", "signature before payload, white space around", ' {"signature" : "%s",\n\t"payload":%s } ' % (signature, canonical), "valid", None, payload=claims())
    add("object", "escapes in the signature's text", '{"payload":%s,"signature":"\\u00%02x%s"}' % (canonical, ord(signature[0]), signature[1:]), "valid", None)

    def mac_rows_of(form, make):
        mac = mac_of(claims()) if form == "object" else b64decode(jws_of(claims()).split(".")[2])
        for at in (0, 16, 31):
            flipped = bytearray(mac)
            flipped[at] ^= 0x80
            add(form, f"a flipped bit in byte {at} of the MAC", make(b64(flipped)), "refused", "bad_signature")
        for description, text in [
            ("no MAC", ""), ("a MAC of 31 bytes", b64(mac[:31])), ("a MAC of 16 bytes", b64(mac[:16])), ("a MAC of 33 bytes", b64(mac + b"\0")),
            ("the MAC twice", b64(mac + mac)), ("padded base64", b64(mac) + "="), ("stray trailing bits", b64(mac)[:-1] + chr(ord(b64(mac)[-1]) + 1)),
            ("base64 of the other alphabet", "+" + b64(mac)[1:]), ("a space in the MAC", " " + b64(mac)[1:]), ("hex", mac.hex()),
        ]:
            add(form, description, make(text), "refused", "malformed")
        add(form, "a MAC of zeros", make(b64(bytes(32))), "refused", "bad_signature")
        add(form, "the plain SHA-256 in place of the MAC", make(b64(hashlib.sha256(rfc8785.dumps(claims())).digest())), "refused", "bad_signature")

    mac_rows_of("object", lambda mac: '{"payload":%s,"signature":"%s"}' % (canonical, mac))
    head = jws_of(claims()).rsplit(".", 1)[0]
    mac_rows_of("jws", lambda mac: f"{head}.{mac}")
    add("object", "signed with another key of the ring", text_of(claims(), mac_of(claims(), "other")), "refused", "bad_signature")
    add("jws", "signed with another key of the ring", jws_of(claims(), secret=SECRETS["other"]), "refused", "bad_signature")
    add("object", "the MAC of the members as written, not of the canonical form",
        '{"payload":%s,"signature":"%s"}' % (json.dumps(claims()), b64(hmac.digest(SECRETS["k1"], json.dumps(claims()).encode(), "sha256"))), "refused", "bad_signature")
    for description, token in [
        ("empty", ""), ("not JSON", "{"), ("no payload", '{"signature":"%s"}' % signature), ("no signature", '{"payload":%s}' % canonical),
        ("a further member", plain[:-1] + ',"x":1}'), ("payload twice", '{"payload":%s,' % canonical + plain[1:]),
        ("signature twice", plain[:-1] + ',"signature":"%s"}' % signature), ("payload is a text", '{"payload":%s,"signature":"%s"}' % (json.dumps(canonical), signature)),
        ("payload is an array of the values", '{"payload":%s,"signature":"%s"}' % (json.dumps([claims()[n] for n in sorted(claims())]), signature)),
        ("an array of two", '[%s,"%s"]' % (canonical, signature)), ("signature is null", '{"payload":%s,"signature":null}' % canonical),
        ("something after the end", plain + "x"), ("two tokens", plain + plain), ("the whole response", '{"decision_token":%s}' % plain),
        ("a byte order mark", "\ufeff" + plain), ("names in capitals", plain.replace("payload", "Payload")),
    ]:
        add("object", description, token, "refused", "malformed")

    good = claims()
    for description, header in [("none", {"alg": "none"}), ("HS512", {"alg": "HS512"}), ("RS256", {"alg": "RS256"}), ("in lower case", {"alg": "hs256"}), ("empty", {"alg": ""})]:
        header = {"kid": "k1", "typ": "gate-decision+v1", **header}
        add("jws", f"alg {description} in the header, signed by HS256", jws_of(good, header=header), "refused", "bad_signature")
    unsigned = b64(b'{"alg":"none","kid":"k1","typ":"gate-decision+v1"}') + "." + b64(rfc8785.dumps(good)) + "."
    add("jws", "alg none and no signature", unsigned, "refused", "malformed")
    add("jws", "alg HS512, signed by HS512", jws_of(good, header={"alg": "HS512", "kid": "k1", "typ": "gate-decision+v1"}, hash_name="sha512"), "refused", "malformed")
    add("jws", "another typ in the header", jws_of(good, header={"alg": "HS256", "kid": "k1", "typ": "JWT"}), "refused", "wrong_type")
    add("jws", "another kid in the header", jws_of(good, header={"alg": "HS256", "kid": "old", "typ": "gate-decision+v1"}), "refused", "malformed")
    for description, header_text in [
        ("crit in the header", '{"alg":"HS256","crit":["exp"],"kid":"k1","typ":"gate-decision+v1"}'),
        ("jku in the header", '{"alg":"HS256","jku":"https://e.example/","kid":"k1","typ":"gate-decision+v1"}'),
        ("jwk in the header", '{"alg":"HS256","jwk":{"kty":"oct","k":"AA"},"kid":"k1","typ":"gate-decision+v1"}'),
        ("b64 in the header", '{"alg":"HS256","b64":true,"kid":"k1","typ":"gate-decision+v1"}'),
        ("no kid in the header", '{"alg":"HS256","typ":"gate-decision+v1"}'), ("no typ in the header", '{"alg":"HS256","kid":"k1"}'),
        ("no alg in the header", '{"kid":"k1","typ":"gate-decision+v1"}'), ("alg twice in the header", '{"alg":"none","alg":"HS256","kid":"k1","typ":"gate-decision+v1"}'),
        ("alg is a number", '{"alg":1,"kid":"k1","typ":"gate-decision+v1"}'), ("the header is an array", '["HS256","k1","gate-decision+v1"]'),
        ("the header is not JSON", "{"), ("an empty header", "{}"),
    ]:
        add("jws", description, jws_of(good, header_text=header_text), "refused", "malformed")
    add("jws", "the header in another order, with white space", jws_of(good, header_text='{ "typ":"gate-decision+v1", "kid":"k1", "alg":"HS256" }'), "valid", None)
    token = jws_of(good)
    first, second, third = token.split(".")
    for description, text in [
        ("two parts", f"{first}.{second}"), ("four parts", f"{token}."), ("five parts, as JWE", f"{token}.{second}.{third}"), ("a leading point", "." + token),
        ("white space after it", token + "\n"), ("white space before it", " " + token), ("only points", ".."), ("a padded payload", f"{first}.{second}=.{third}"),
        ("an empty payload", f"{first}..{third}"), ("an empty header part", f".{second}.{third}"), ("Bearer before it", "Bearer " + token), ("in quotes", f'"{token}"'),
        # The cases of Wycheproof's JWS groups that are not above.
        ("no payload and no point for it", f"{first}.{third}"), ("no header and no point for it", f"{second}.{third}"),
        ("the payload between two points", f".{second}."), ("the payload alone", second), ("a fourth part of text", f"{token}.foo"),
        ("the JSON serialisation of JWS", json.dumps({"protected": first, "payload": second, "signature": third})),
    ]:
        add("jws", description, text, "refused", "malformed")
    return rows


def b64decode(text):
    return base64.urlsafe_b64decode(text + "==")


def main():
    files = {
        "canonical.json": {"rows": canonical_rows()}, "macs.json": {"rows": mac_rows()}, "keys.json": {"rows": key_rows()},
        "orders.json": {"rows": order_rows()}, "tokens.json": {"keys": KEYS, "rows": token_rows()},
    }
    stale = []
    for name, content in files.items():
        head = "".join(f"{json.dumps(k)}:{json.dumps(v)},\n" for k, v in content.items() if k != "rows")
        text = "{%s\"rows\":[\n%s\n]}\n" % (head, ",\n".join(json.dumps(row) for row in content["rows"]))
        path = HERE / name
        if "--check" in sys.argv:
            if not path.exists() or path.read_text() != text:
                stale.append(name)
        else:
            path.write_text(text)
        print(f"{name}: {len(content['rows'])} rows")
    if stale:
        sys.exit(f"not what generate.py writes: {', '.join(stale)}")


main()
