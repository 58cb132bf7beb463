# SPDX-License-Identifier: Apache-2.0
"""Prints the table of figures: what, how many times as much, and the two medians that it comes from."""

from __future__ import annotations

import argparse
import hashlib
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from bundlefmt import cbor
from bundlefmt.bundle import Bundle
from bundlefmt.evidence import openpgp
from bundlefmt.evidence.chain import find_chain
from bundlefmt.evidence.ek_certificate import EK_PURPOSE
from bundlefmt.manifest import Digest
from bundlefmt.verify import Verdict, verify
from tests.bench import logs, many, samples
from tests.bench.measure import Figure, inspected_alone, milliseconds, python
from tests.fuzz import resealing, seeds
from tests.vectorgen import certificates, keys
from tests.vectorgen.plain import CREATED

MEGABYTE: Final = 10**6
_BUNDLE: Final = "import sys; from bundletools.cli import main; sys.exit(main())"
_KEY: Final = keys.ec_key("benchmark")
_MESSAGE: Final = b"a message"
_ECDSA: Final = ec.ECDSA(hashes.SHA256())
_SIGNATURE: Final = _KEY.sign(_MESSAGE, _ECDSA)


def scanning() -> Iterator[Figure]:
    for name, data in (
        ("a text of 65,000 data items", samples.structured()),
        ("a byte string of 50 MB", cbor.head(cbor.BYTES, 50 * MEGABYTE) + bytes(50 * MEGABYTE)),
    ):
        scan, loads = milliseconds(partial(cbor.scan, data)), milliseconds(partial(cbor2.loads, data))
        yield Figure(f"scan : cbor2.loads, {name}", scan, loads, "ms")


def opening(folder: Path) -> Iterator[Figure]:
    found = []
    for size in (500, 1):
        file = folder / f"{size}.evb"
        samples.write_sparse(file, size * MEGABYTE)
        found.append(inspected_alone(file))
    (big_time, big_peak), (small_time, small_peak) = found
    yield Figure("open and inspect, 500 MB : 1 MB, time", big_time, small_time, "ms")
    yield Figure("open and inspect, 500 MB : 1 MB, peak memory", big_peak, small_peak, "MiB")


def verifying() -> Iterator[Figure]:
    policy = seeds.policy(seeds.SMALL)
    each = {}
    for count in (10, 100, 1000):
        bundle = samples.quoted(count)
        assert verify(bundle, policy).verdict is Verdict.PASSED
        each[count] = milliseconds(partial(verify, bundle, policy), 3) / count
    yield Figure("verify for each quote, 100 : 10 quotes", each[100], each[10], "ms")
    yield Figure("verify for each quote, 1000 : 100 quotes", each[1000], each[100], "ms")

    good, policy = resealing.good(), seeds.policy(seeds.GOOD)
    whole, bare = milliseconds(partial(verify, good, policy)), milliseconds(bare_signatures)
    yield Figure("verify the whole ceremony : its bare signatures", whole, bare, "ms")
    decode = milliseconds(partial(Bundle.decode, seeds.files()[seeds.GOOD]))
    yield Figure("decode : verify, the whole ceremony", decode, whole, "ms")

    media = bytes(100 * MEGABYTE)
    large = samples.with_media(media, Digest.of(media))
    assert verify(large, policy).verdict is Verdict.PASSED
    judging, hashing = (
        milliseconds(partial(verify, large, policy), 3),
        milliseconds(partial(_sha256, media), 3),
    )
    yield Figure("verify with 100 MB of media : SHA-256 of them", judging, hashing, "ms")


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def bare_signatures() -> None:
    """The signatures of the whole ceremony, and nothing else: three of P-256, one of OpenPGP, one chain."""
    for _ in range(3):
        _KEY.public_key().verify(_SIGNATURE, _MESSAGE, _ECDSA)
    good = resealing.good()
    openpgp.verify_detached(good.content["operator.openpgp"].value, good.seals[1].value, good.manifest_raw)
    root, issuer = certificates.manufacturer_root(), certificates.manufacturer_issuer()
    leaf = good.content["ek.cert"].value
    find_chain(leaf, issuers=[issuer], anchors=[root], at=CREATED, purpose=EK_PURPOSE)


def starting() -> Iterator[Figure]:
    file = str(seeds.FOLDER / seeds.SMALL / "bundle.evb")
    nothing = milliseconds(partial(python, "-c", "pass"))
    for name, words in (
        ("--help", ["--help"]),
        ("log --help", ["log", "--help"]),
        ("inspect", ["inspect", file]),
    ):
        took = milliseconds(partial(python, "-c", _BUNDLE, *words))
        yield Figure(f"bundle {name} : python -c pass", took, nothing, "ms")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    names = ("open", "scan", "verify", "logs", "start", "batch")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(names)}; default: all")
    parser.add_argument("--snapshots", type=int, default=2000, help="how many are judged by batch")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(names):
        parser.error(f"there is no benchmark {min(unknown)!r}")
    print(f"{'':62} {'ratio':>9}   medians")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        all_of_them: dict[str, Callable[[], Iterator[Figure]]] = {
            "open": partial(opening, place),
            "scan": scanning,
            "verify": verifying,
            "logs": partial(logs.figures, place),
            "start": starting,
            "batch": partial(many.figures, place, asked.snapshots),
        }
        for name in asked.names or names:
            for figure in all_of_them[name]():
                print(figure, flush=True)


if __name__ == "__main__":
    main()
