# SPDX-License-Identifier: Apache-2.0
"""`bundle attach`: what was withheld and what others sealed goes in; what does not fit is refused.

`tests/cli/test_redact.py` has the way there and back.
"""

from __future__ import annotations

import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest
from bundletools import sealing
from cryptography.hazmat.primitives.asymmetric import ec

from bundlefmt import cbor, labels
from bundlefmt.bundle import Bundle as Decoded
from bundlefmt.bundle import Record
from bundlefmt.cose import KeySigner
from bundlefmt.manifest import hash_bytes
from tests.cli.conftest import Bundle, terms, vector
from tests.conftest import Need
from tests.tools.conftest import certificate

GOOD = "activation_whole"


@pytest.fixture
def unsealed(tmp_path: Path) -> Path:
    """The good vector without its seals, which lie beside it as 1 and 2."""
    good = Decoded.open(vector(GOOD))
    for number, seal in enumerate(good.seals, 1):
        (tmp_path / str(number)).write_bytes(seal.value)
    file = tmp_path / "unsealed.evb"
    file.write_bytes(replace(good, seals=()).encode())
    return file


@pytest.fixture
def withheld(tmp_path: Path) -> Path:
    """The good vector without its quote."""
    file = tmp_path / "withheld.evb"
    file.write_bytes(Decoded.open(vector(GOOD)).without(["quote"]).encode())
    return file


def test_seals_made_elsewhere(unsealed: Path, bundle: Bundle, tmp_path: Path) -> None:
    seals = [word for number in "12" for word in ("--seal", tmp_path / number)]
    answer = bundle("attach", unsealed, *seals, "--in-place")
    assert (answer.code, answer.out) == (0, f"{unsealed}: attached seal 1, seal 2\n")
    assert unsealed.read_bytes() == vector(GOOD).read_bytes()
    assert bundle("verify", unsealed, *terms(GOOD)).code == 0
    again = bundle("attach", unsealed, "--seal", tmp_path / "1", "--in-place")
    assert (again.code, "is in the file already" in again.err) == (2, True)


@pytest.mark.parametrize("number", ["1", "2"])
def test_a_seal_over_another_manifest_is_refused(
    number: str, unsealed: Path, bundle: Bundle, tmp_path: Path
) -> None:
    other = Decoded.open(unsealed)
    manifest = replace(other.manifest, title="another")
    other = replace(other, manifest=manifest, manifest_raw=manifest.encode())
    (tmp_path / "other.evb").write_bytes(other.encode())
    before = (tmp_path / "other.evb").read_bytes()
    answer = bundle("attach", tmp_path / "other.evb", "--seal", tmp_path / number, "--in-place")
    assert (answer.code, answer.out) == (1, "")
    assert (tmp_path / "other.evb").read_bytes() == before


@pytest.mark.parametrize("number", ["1", "2"])
def test_a_damaged_seal_is_refused(number: str, unsealed: Path, bundle: Bundle, tmp_path: Path) -> None:
    data = bytearray((tmp_path / number).read_bytes())
    data[-1] ^= 1
    (tmp_path / "damaged").write_bytes(data)
    answer = bundle("attach", unsealed, "--seal", tmp_path / "damaged", "-o", tmp_path / "x.evb")
    assert answer.code == 1
    assert not (tmp_path / "x.evb").exists()


def test_a_later_witness_brings_a_certificate(bundle: Bundle, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    witness = certificate(key, "Witness (test key)")
    good = Decoded.open(vector(GOOD))
    seal = sealing.seal_cose(good, KeySigner(key), witness, issued_at=int(time.time())).seals[-1]
    (tmp_path / "w.cose").write_bytes(seal.value)
    (tmp_path / "w.der").write_bytes(witness)
    words = ["attach", vector(GOOD), "--seal", tmp_path / "w.cose", "-o", tmp_path / "x.evb"]
    alone = bundle(*words)
    assert (alone.code, "x5t names no certificate" in alone.err) == (1, True)
    assert "seal 3, of a later witness" in bundle(*words, "--cert", tmp_path / "w.der").out
    assert Decoded.open(tmp_path / "x.evb").seals[-1] == seal


def test_an_openpgp_witness(bundle: Bundle, part: Need, tmp_path: Path) -> None:
    part("gpg")
    home = tmp_path / "g"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet"]
    user = "Witness (test key) <witness@example.org>"
    try:
        subprocess.run(
            [*gpg, "--passphrase", "", "--quick-generate-key", user, "ed25519", "sign", "never"], check=True
        )
        exported = subprocess.run([*gpg, "--export"], check=True, capture_output=True).stdout
        bundle("extract", vector(GOOD), "--manifest", "-o", tmp_path / "manifest.cbor")
        for armor, name in ((), "sig"), (("--armor",), "asc"):
            target = ["--output", str(tmp_path / name), "--detach-sign", str(tmp_path / "manifest.cbor")]
            subprocess.run([*gpg, *armor, *target], check=True)
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)
    (tmp_path / "w.pgp").write_bytes(exported)
    words = ["attach", vector(GOOD), "--cert", tmp_path / "w.pgp", "-o", tmp_path / "x.evb", "--seal"]
    armored = bundle(*words, tmp_path / "asc")
    assert (armored.code, "gpg --dearmor" in armored.err) == (2, True)
    assert bundle(*words, tmp_path / "sig").code == 0
    assert Decoded.open(tmp_path / "x.evb").seals[-1].key == exported
    assert bundle("verify", tmp_path / "x.evb", *terms(GOOD)).code == 0


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "the digest is not the one that was sealed"),
        (lambda data: data + b"\0", "145 were sealed"),
        (lambda data: b"", "0 bytes"),
    ],
)
def test_other_bytes_are_refused(
    change: object, why: str, withheld: Path, bundle: Bundle, tmp_path: Path
) -> None:
    data = bytes(Decoded.open(vector(GOOD)).content["quote"].value)
    (tmp_path / "q").write_bytes(change(data))  # type: ignore[operator] # bytes to bytes
    answer = bundle("attach", withheld, "--item", f"quote={tmp_path / 'q'}", "-o", tmp_path / "x.evb")
    assert (answer.code, why in answer.err) == (2, True)
    assert not (tmp_path / "x.evb").exists()


def test_an_exchanged_artifact_is_put_right(bundle: Bundle, tmp_path: Path) -> None:
    good = Decoded.open(vector(GOOD))
    record = Record(type=good.content["quote"].type, value=b"another")
    (tmp_path / "b.evb").write_bytes(replace(good, content={**good.content, "quote": record}).encode())
    (tmp_path / "q").write_bytes(good.content["quote"].value)
    assert bundle("attach", tmp_path / "b.evb", "--item", f"quote={tmp_path / 'q'}", "--in-place").code == 0
    assert (tmp_path / "b.evb").read_bytes() == vector(GOOD).read_bytes()


def test_what_is_detached_stays_beside_the_file(bundle: Bundle, tmp_path: Path) -> None:
    """In the content it would fail container.complete; that it is the right one is said."""
    present = Decoded.open(vector("container_detached-present"))
    (label,) = (each for each, item in present.manifest.items.items() if item.detached)
    (tmp_path / "film").write_bytes(present.content[label].value)
    (tmp_path / "b.evb").write_bytes(present.without([label]).encode())
    words = ["attach", tmp_path / "b.evb", "-o", tmp_path / "x.evb", "--item"]
    answer = bundle(*words, f"{label}={tmp_path / 'film'}")
    assert (answer.code, "declares it detached" in answer.err) == (2, True)
    (tmp_path / "film").write_bytes(b"another")
    assert f"is not {label}" in bundle(*words, f"{label}={tmp_path / 'film'}").err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("-o new.evb", "say what to attach"),
        ("--item quote=FILE", "say where to write"),
        ("--item quote -o new.evb", "does not say which file"),
        ("--item quote= -o new.evb", "does not say which file"),
        ("--item nothing=FILE -o new.evb", "the manifest names no item nothing"),
        ("--item quote=FILE -o new.evb", "is in the file already"),
        ("--seal FILE -o new.evb", "is neither a COSE nor a binary OpenPGP signature"),
        ("--cert FILE --item quote=FILE -o new.evb", "--cert goes with --seal"),
        ("--item ak.pub=FILE -o FILE", "exists"),
    ],
)
def test_what_cannot_be_done_is_refused(
    words: str, why: str, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FILE").write_bytes(b"precious")
    answer = bundle("attach", vector(GOOD), *words.split())
    assert (answer.code, answer.out) == (2, "")
    assert why in answer.err
    assert (tmp_path / "FILE").read_bytes() == b"precious"
    assert not (tmp_path / "new.evb").exists()


def coverage(bundle: Decoded, **changes: object) -> dict[str, object]:
    """What a renewal of this bundle covers, by SHA-512."""
    return {
        "alg": labels.HASH_SHA512,
        "manifest": hash_bytes(labels.HASH_SHA512, bundle.manifest_raw),
        "content": {
            label: hash_bytes(labels.HASH_SHA512, record.value) for label, record in bundle.content.items()
        },
        "seals": [hash_bytes(labels.HASH_SHA512, seal.value) for seal in bundle.seals],
        "renewals": [hash_bytes(labels.HASH_SHA512, each.raw) for each in bundle.renewals],
        **changes,
    }


PROOF = "application/vnd.example.proof"  # of a kind that nobody knows


def renewal(covers: object, proof: object = (PROOF, b"token")) -> bytes:
    return cbor.encode({"covers": cbor.encode(covers), "proof": proof})


def test_renewals_one_behind_the_other(bundle: Bundle, tmp_path: Path) -> None:
    file = tmp_path / "b.evb"
    file.write_bytes(vector(GOOD).read_bytes())
    for number in (1, 2):
        made = renewal(coverage(Decoded.open(file), revocation=[b"crl"]))
        (tmp_path / "r").write_bytes(made)
        answer = bundle("attach", file, "--renewal", tmp_path / "r", "--in-place")
        assert (answer.code, answer.out) == (0, f"{file}: attached renewal {number}\n"), answer.err
        assert Decoded.open(file).renewals[-1].raw == made
    assert bundle("verify", file, *terms(GOOD)).code == 0


def test_what_was_withheld_since_is_covered_still(withheld: Path, bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "r").write_bytes(renewal(coverage(Decoded.open(vector(GOOD)))))
    assert bundle("attach", withheld, "--renewal", tmp_path / "r", "--in-place").code == 0


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"manifest": bytes(64)}, "does not cover the manifest"),
        ({"seals": []}, "does not cover each seal"),
        ({"renewals": [bytes(64)]}, "does not cover each renewal"),
        ({"content": {}}, "does not cover ak.name as it is here"),
        ({"content": []}, "wrong-type"),
        ({"alg": -14}, "is not accepted"),
        ({"alg": labels.HASH_SHA256}, "a digest of 64 bytes"),
        ({"revocation": []}, "wrong-length"),
        ({"more": 1}, "unknown-member"),
    ],
)
def test_renewals_of_something_else(
    change: dict[str, object], why: str, bundle: Bundle, tmp_path: Path
) -> None:
    (tmp_path / "r").write_bytes(renewal(coverage(Decoded.open(vector(GOOD)), **change)))
    answer = bundle("attach", vector(GOOD), "--renewal", tmp_path / "r", "-o", tmp_path / "x.evb")
    assert (answer.code, why in answer.err) == (2, True), answer.err
    assert not (tmp_path / "x.evb").exists()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\xff", "is no renewal of this bundle"),
        (cbor.encode([]), "wrong-type"),
        (cbor.encode({"covers": b"\xff", "proof": [PROOF, b""]}), "is no renewal of this bundle"),
        (renewal({}, [PROOF, "text"]), "wrong-type"),
        (renewal([]), "wrong-type"),
        (renewal({}), "missing-member"),
    ],
)
def test_what_is_no_renewal(data: bytes, why: str, bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "r").write_bytes(data)
    answer = bundle("attach", vector(GOOD), "--renewal", tmp_path / "r", "-o", tmp_path / "x.evb")
    assert (answer.code, why in answer.err) == (2, True), answer.err
