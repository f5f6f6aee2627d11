"""The corpus between its two shapes.

    corpus.py unpack   corpus/*.txt and the vectors -> corpus/<target>/*, for cargo-fuzz
    corpus.py pack     corpus/<target>/* -> corpus/<target>.txt, an input a line in base64
"""
import base64, hashlib, json, pathlib, sys

HERE = pathlib.Path(__file__).parent
VECTORS = HERE / "../../../test-vectors"
SEEDS = {"token": ["tokens.json"], "keys": ["keys.json"], "canonical": ["canonical.json", "orders.json"]}


def seeds(target):
    for name in SEEDS[target]:
        for row in json.loads((VECTORS / name).read_text())["rows"]:
            yield row["input"].encode()
            if row.get("canonical_hex"):
                yield bytes.fromhex(row["canonical_hex"])


for target in SEEDS:
    folder, packed = HERE / "corpus" / target, HERE / "corpus" / f"{target}.txt"
    if sys.argv[1] == "pack":
        lines = sorted({base64.b64encode(path.read_bytes()).decode() for path in folder.iterdir()})
        packed.write_text("\n".join(lines) + "\n")
        print(f"{packed.name}: {len(lines)} inputs, {packed.stat().st_size} bytes")
        continue
    folder.mkdir(parents=True, exist_ok=True)
    kept = packed.read_text().split("\n")[:-1] if packed.exists() else []
    for data in [*seeds(target), *map(base64.b64decode, kept)]:
        (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)
