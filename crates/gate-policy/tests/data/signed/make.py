"""Makes the signed bundles of this directory: bundle/ under three keys, as OPA signs it.

Made by PyJWT 2.15.1 over cryptography, and by the hashing below; `opa` itself was not to be had on
the machine that made them. The format is the one of OPA's documentation ("Signature Format" of its
chapter on bundles): one JWT whose `files` name every file with its hash; a file of structured data
(data.json, .manifest) is hashed by its content with members sorted, any other by its bytes. None of
Gate's code takes part.

    pip install PyJWT==2.15.1 cryptography && python3 make.py

makes new keys, so everything it writes changes. Private keys are not kept; the HS256 secret is.
"""

import hashlib
import io
import json
import pathlib
import secrets
import gzip
import tarfile

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

HERE = pathlib.Path(__file__).parent
SCOPE = "write"


class Number(str):
    """A number as it was written."""


def string(text):
    """As Go's encoder, which OPA uses, writes a string when HTML is left alone."""
    quoted = json.dumps(text, ensure_ascii=False)
    quoted = quoted.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return quoted


def canonical(value):
    if isinstance(value, dict):
        members = sorted(value.items(), key=lambda member: member[0].encode())
        return "{" + ",".join(string(name) + ":" + canonical(inner) for name, inner in members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(canonical(inner) for inner in value) + "]"
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, str):
        return string(value)
    return json.dumps(value)


def digest(name, content):
    if name.rsplit("/", 1)[-1] in ("data.json", ".manifest"):
        value = json.loads(content, parse_int=Number, parse_float=Number)
        content = canonical(value).encode()
    return hashlib.sha256(content).hexdigest()


def sign(algorithm, key, kid, in_header, files):
    claims = {
        "files": [
            {"name": name, "hash": digest(name, content), "algorithm": "SHA-256"}
            for name, content in files.items()
        ],
        "iat": 1763834400,
        "iss": "make.py",
        "scope": SCOPE,
    }
    # OPA names the key in the header; its older form is the claim.
    headers = {"kid": kid} if in_header else None
    if not in_header:
        claims["keyid"] = kid
    token = jwt.encode(claims, key, algorithm=algorithm, headers=headers)
    return json.dumps({"signatures": [token]}).encode() + b"\n"


def archive(files):
    """As `opa build` writes it: paths start at the root."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo("/" + name)
            entry.size, entry.mode = len(content), 0o600
            tar.addfile(entry, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), mtime=0)


def public(key):
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def main():
    root = HERE / "bundle"
    files = {path.name: path.read_bytes() for path in sorted(root.iterdir())}
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    ec_key = ec.generate_private_key(ec.SECP256R1())
    secret = secrets.token_hex(32).encode()
    for algorithm, key, shown, kid, in_header in [
        ("HS256", secret, secret, "hmac-1", False),
        ("RS256", rsa_key, public(rsa_key), "rsa-1", True),
        ("ES256", ec_key, public(ec_key), "ec-1", True),
    ]:
        name = algorithm.lower()
        signatures = sign(algorithm, key, kid, in_header, files)
        (HERE / f"{name}.signatures.json").write_bytes(signatures)
        (HERE / f"{name}.key").write_bytes(shown)
        whole = dict(files) | {".signatures.json": signatures}
        (HERE / f"{name}.tar.gz").write_bytes(archive(whole))


main()
