# SPDX-License-Identifier: Apache-2.0
"""Receipts of transparency logs put into seals, from the command line, by a log that there is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bundlefmt import labels
from bundlefmt.bundle import Bundle as Decoded
from bundlefmt.cose import CoseSign1
from bundlefmt.verify.registration import MAX_RECEIPTS
from tests.cli.conftest import Bundle, vector
from tests.test_vectors import octets, said
from tests.tools.test_renew import carried
from tests.tools.time_authority import Authority
from tests.vectorgen import transparency
from tests.vectorgen.transparency import INCLUSION, OTHER_NAME, Receipt

KEYS = Path(__file__).parents[2] / "test-vectors" / "keys"
ONE_OF_TWO = "seal_receipt-of-one-of-two"  # two COSE seals; the second has two receipts


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    path = tmp_path / "ceremony.evb"
    path.write_bytes(octets("container_whole"))
    return path


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """The key of the log that gives receipts."""
    path = tmp_path / "log.der"
    path.write_bytes(transparency.key())
    return path


def entry(bundle: Bundle, path: Path, number: int = 1) -> bytes:
    """What goes out to the log."""
    out = path.with_suffix(".entry")
    answer = bundle("register", path, "--seal", number, "--request-out", out, "--force")
    assert answer.code == 0, answer.err
    return out.read_bytes()


def add(bundle: Bundle, path: Path, receipt: bytes, *options: object, number: int = 1) -> Any:
    """The receipt comes in; the bundle is replaced."""
    file = path.with_suffix(".receipt")
    file.write_bytes(receipt)
    return bundle("register", path, "--seal", number, "--response-in", file, "--in-place", *options)


def refused(answer: Any, path: Path, before: bytes, words: str, hint: str = "") -> None:
    assert (answer.code, answer.out) == (1, "")
    assert words in answer.err
    assert f"hint: {hint}" in answer.err or not hint
    assert path.read_bytes() == before


def test_a_seal_is_registered_across_an_air_gap(bundle: Bundle, sealed: Path, log: Path) -> None:
    before = Decoded.open(sealed)
    answer = add(bundle, sealed, Receipt()(entry(bundle, sealed)), "--anchor-log", log)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == f"{sealed}: receipt added to seal 1\n"
    after = Decoded.open(sealed)
    old, new = (CoseSign1.decode(each.seals[0].value) for each in (before, after))
    assert (old.protected_raw, old.payload, old.signature) == (new.protected_raw, new.payload, new.signature)
    assert after.seals[1:] == before.seals[1:]
    known = said("container_whole")["policy"]
    pins = ["--pin-piv", known["pins_piv"][0], "--pin-openpgp", known["pins_openpgp"][0]]
    judge = ["verify", sealed, *pins, "--anchor", KEYS / "tpm-root.der", "--no-trust"]
    answer = bundle(*judge, "--anchor-log", log, "--json")
    assert answer.code == 0
    (found,) = (each for each in answer.json["conclusions"] if each["id"] == "seal.registered")
    assert found["basis"] == "proven"
    assert "leaf index 5" in found["statement"]


def test_the_entry_is_the_seal_without_what_was_added(bundle: Bundle, sealed: Path, log: Path) -> None:
    first = entry(bundle, sealed)
    assert cbor2.loads(first).value[1] == {}
    assert cbor2.loads(first).value[0::2] == cbor2.loads(Decoded.open(sealed).seals[0].value).value[0::2]
    assert add(bundle, sealed, Receipt()(first), "--anchor-log", log).code == 0
    assert entry(bundle, sealed) == first


def test_a_timestamp_and_receipts_of_two_logs(
    bundle: Bundle, sealed: Path, log: Path, stamps: Authority, tmp_path: Path
) -> None:
    other = tmp_path / "other.der"
    other.write_bytes(transparency.key(OTHER_NAME))
    assert add(bundle, sealed, Receipt()(entry(bundle, sealed)), "--anchor-log", log).code == 0
    carried(bundle, "timestamp", sealed, stamps, "--seal", 1)
    second = Receipt(by=OTHER_NAME, index=0, size=1)(entry(bundle, sealed))
    assert add(bundle, sealed, second, "--anchor-log", log, "--anchor-log", other).code == 0
    header = CoseSign1.decode(Decoded.open(sealed).seals[0].value).unprotected
    receipts = header[labels.HDR_RECEIPTS]
    assert isinstance(receipts, list)
    assert (len(receipts), receipts[1], labels.HDR_3161_CTT in header) == (2, second, True)
    judged = bundle("verify", sealed, "--no-trust", "--anchor-log", other, "-v").out
    assert "seal.receipt" in judged
    before = sealed.read_bytes()
    answer = add(bundle, sealed, second, "--anchor-log", other)
    assert (answer.code, "the receipt is in seal 1 already" in answer.err) == (2, True)
    assert sealed.read_bytes() == before


def test_without_the_key_of_the_log_it_is_said(bundle: Bundle, sealed: Path) -> None:
    answer = add(bundle, sealed, Receipt()(entry(bundle, sealed)))
    assert answer.code == 0
    assert answer.err == "note: without --anchor-log nothing shows that the receipt is of this seal\n"


# --- refused --------------------------------------------------------------------------------------------


def test_a_receipt_of_another_seal(bundle: Bundle, sealed: Path, log: Path) -> None:
    sealed.write_bytes(octets(ONE_OF_TWO))
    before = sealed.read_bytes()
    receipt = Receipt()(entry(bundle, sealed, 1))
    answer = add(bundle, sealed, receipt, "--anchor-log", log, number=2)
    refused(answer, sealed, before, "the receipt is of seal 1", "--seal 1")
    assert add(bundle, sealed, receipt, "--anchor-log", log, number=1).code == 0


def test_a_receipt_of_another_bundles_seal(bundle: Bundle, sealed: Path, log: Path) -> None:
    before = sealed.read_bytes()
    receipt = Receipt()(entry(bundle, sealed))
    other = sealed.with_name("other.evb")
    other.write_bytes(octets("container_cose-esp384"))
    at_first = other.read_bytes()
    words = "the receipt is not of seal 1, or not by a log of --anchor-log"
    hint = "--request-out writes what the log must have registered, byte for byte"
    refused(add(bundle, other, receipt, "--anchor-log", log), other, at_first, words, hint)
    assert sealed.read_bytes() == before


def test_a_receipt_of_another_log(bundle: Bundle, sealed: Path, log: Path) -> None:
    before = sealed.read_bytes()
    receipt = Receipt(by=OTHER_NAME)(entry(bundle, sealed))
    refused(add(bundle, sealed, receipt, "--anchor-log", log), sealed, before, "not by a log of --anchor-log")


def test_a_receipt_of_the_seal_with_its_header(
    bundle: Bundle, sealed: Path, log: Path, stamps: Authority
) -> None:
    carried(bundle, "timestamp", sealed, stamps, "--seal", 1)
    before = sealed.read_bytes()
    receipt = Receipt()(Decoded.open(sealed).seals[0].value)
    words = "the log registered seal 1 with its unprotected header"
    refused(add(bundle, sealed, receipt, "--anchor-log", log), sealed, before, words)


@pytest.mark.parametrize(
    ("receipt", "words"),
    [
        (Receipt(payload=b"x"), "the payload of a receipt is not detached"),
        (Receipt(proof=[11, 11, []]), "an entry behind the end of the tree"),
        (Receipt(proof=[11, 5, [bytes(32)]]), "1 nodes, and not 4"),
        (Receipt(proofs={INCLUSION: [b"", b""]}), "2 proofs of inclusion"),
        (Receipt(header={transparency.VDS: 2}), "of another kind, or in another encoding"),
        (Receipt(proofs={-2: [b""]}), "of another kind, or in another encoding"),
        (lambda _: b"\x00", "this is no receipt that can be kept"),
        (lambda _: b"\x30\x03\x02\x01\x00", "this is no receipt that can be kept"),
        (lambda entry: entry, "of another kind, or in another encoding"),
        (lambda entry: Receipt()(entry) + b"\x00", "this is no receipt that can be kept"),
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_what_is_no_receipt(
    receipt: Any, words: str, known: bool, bundle: Bundle, sealed: Path, log: Path
) -> None:
    before = sealed.read_bytes()
    options = ["--anchor-log", log] if known else []
    refused(add(bundle, sealed, receipt(entry(bundle, sealed)), *options), sealed, before, words)


def test_a_log_with_a_weak_key(bundle: Bundle, sealed: Path, tmp_path: Path) -> None:
    weak = tmp_path / "weak.der"
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 # too short on purpose
    weak.write_bytes(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    before = sealed.read_bytes()
    receipt = Receipt()(entry(bundle, sealed))
    refused(add(bundle, sealed, receipt, "--anchor-log", weak), sealed, before, "not by a log")


@pytest.mark.parametrize(
    ("name", "number", "words"),
    [
        ("container_whole", 2, "is no COSE seal, and has no place for a receipt"),
        ("container_whole", 3, "there is no seal 3"),
        ("renewal_whole", 1, "a renewal covers seal 1, and a receipt would change it"),
        ("block_whole", 1, "a renewal covers seal 1, and a receipt would change it"),
        ("seal_receipt-protected", 1, "receipts in its protected header"),
        ("seal_receipt-not-wrapped", 1, "something else in the place of receipts"),
    ],
)
def test_which_seal(name: str, number: int, words: str, bundle: Bundle, tmp_path: Path) -> None:
    answer = bundle("register", vector(name), "--seal", number, "--request-out", tmp_path / "e")
    assert (answer.code, words in answer.err) == (1, True)
    assert not (tmp_path / "e").exists()


def test_a_seal_has_so_many_receipts(bundle: Bundle, sealed: Path, log: Path) -> None:
    made = [Receipt(index=0, size=size)(entry(bundle, sealed)) for size in range(1, 12)]
    made += [Receipt(index=1, size=size)(entry(bundle, sealed)) for size in range(2, 12)]
    for receipt in made[: MAX_RECEIPTS - 1]:
        _put(sealed, receipt)
    assert add(bundle, sealed, made[MAX_RECEIPTS - 1], "--anchor-log", log).code == 0
    before = sealed.read_bytes()
    answer = add(bundle, sealed, made[MAX_RECEIPTS], "--anchor-log", log)
    refused(answer, sealed, before, f"seal 1 has {MAX_RECEIPTS} receipts")


def _put(path: Path, receipt: bytes) -> None:
    """Into the first seal, whatever it is."""
    found = Decoded.open(path)
    message = CoseSign1.decode(found.seals[0].value)
    listed = message.unprotected.get(labels.HDR_RECEIPTS, [])
    assert isinstance(listed, list)
    header = {**message.unprotected, labels.HDR_RECEIPTS: [*listed, receipt]}
    seal = replace(found.seals[0], value=replace(message, unprotected=header).encode())
    path.write_bytes(replace(found, seals=(seal, *found.seals[1:])).encode())


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--request-out", "x", "--response-in", "y"],
        ["--response-in", "x"],
        ["--request-out", "x", "-o", "y"],
        ["--request-out", "x", "--anchor-log", "y"],
    ],
)
def test_usage(bundle: Bundle, sealed: Path, options: list[str]) -> None:
    assert bundle("register", sealed, "--seal", 1, *options).code == 2
