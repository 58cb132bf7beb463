# SPDX-License-Identifier: Apache-2.0
"""Hostile OpenPGP certificates, large or flooded: a verifier is done in seconds and says what it left.

Each is judged with sixty seals over the bundle, which Sequoia judges one by one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final

import pytest

from bundlefmt import labels
from bundlefmt.evidence.openpgp_certificate import MAX_CERTIFICATE, MAX_SUBKEYS
from bundlefmt.evidence.openpgp_packet import MAX_PACKETS
from bundlefmt.evidence.openpgp_self_signatures import MAX_VERIFIED
from bundlefmt.verify import Outcome, Policy, verify
from bundlefmt.verify.signers import MAX_KEYS
from tests.vectorgen import openpgp_maker as pgp
from tests.vectorgen.openpgp_case import OTHER, OVER_ID, PRIMARY, SIGNER, SOUND
from tests.vectorgen.openpgp_maker import AT, DAY, MADE, Key, Subkey, UserId, make
from tests.verify.test_openpgp import ceremony, checks, sealed

SECONDS: Final = 20  # several times what it takes; quadratic work would take many minutes
SEALS: Final = labels.MAX_SEALS - 4
STRANGER: Final = Key("stranger")


def flooded(body: bytes, times: int = MAX_PACKETS - 3) -> bytes:
    return SOUND.encode() + pgp.packet(pgp.SIGNATURE, body) * times


def with_subkeys(*keys: Key) -> bytes:
    return make(PRIMARY, subkeys=[Subkey(key=key) for key in keys]).encode()


def signed_by(key: Key, *, hints: bool = True) -> bytes:
    """The body of a certification of the user id by another."""
    return key.sign(0x10, OVER_ID, at=MADE, hints=hints)


BACK: Final = SIGNER.sign(pgp.BACK, PRIMARY.covered + SIGNER.covered, at=MADE)
HOSTILE: Final[Mapping[str, tuple[Callable[[], bytes], Key]]] = {
    "a picture of four mebibytes": (
        lambda: SOUND.encode() + pgp.packet(pgp.ATTRIBUTE, bytes(MAX_CERTIFICATE - len(SOUND.encode()) - 6)),
        PRIMARY,
    ),
    "certified by thousands": (lambda: flooded(signed_by(OTHER)), PRIMARY),
    "certified by thousands who give no name": (lambda: flooded(signed_by(OTHER, hints=False)), PRIMARY),
    "thousands of self-signatures": (lambda: flooded(UserId().certification(PRIMARY)), PRIMARY),
    "thousands of retirements": (lambda: flooded(pgp.revocation(PRIMARY, 3, AT + DAY)), PRIMARY),
    "thousands of user ids": (
        lambda: make(PRIMARY, user_ids=[UserId(text=b"%d" % n) for n in range(2000)]).encode(),
        PRIMARY,
    ),
    "as many subkeys as there may be": (
        lambda: with_subkeys(*(Key(f"{number}") for number in range(MAX_SUBKEYS))),
        Key(f"{MAX_SUBKEYS - 1}"),
    ),
    "one key as many subkeys": (
        lambda: with_subkeys(*(Key("x", "rsa3072", MADE + number) for number in range(MAX_SUBKEYS))),
        Key("x", "rsa3072"),
    ),
    "sixty back-signatures": (
        lambda: make(PRIMARY, subkeys=(Subkey(key=SIGNER, hashed=((pgp.EMBEDDED, BACK),) * 60),)).encode(),
        SIGNER,
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_judged_within_seconds(name: str) -> None:
    make_certificate, signer = HOSTILE[name]
    bundle = ceremony({"pgp": make_certificate()})
    signature = signer.detached(bundle.manifest_raw)
    for _ in range(SEALS):
        bundle = sealed(bundle, signature)
    start = time.perf_counter()
    report = verify(bundle, Policy(at=AT))
    assert time.perf_counter() - start < SECONDS
    assert checks(report, Outcome.FAILED) == set()


def test_many_certificates_of_many_keys_are_not_all_tried() -> None:
    one = with_subkeys(*(Key(f"{number}") for number in range(MAX_SUBKEYS)))
    bundle = ceremony({f"c{number}": one for number in range(60)})
    for _ in range(SEALS):
        bundle = sealed(bundle, STRANGER.detached(bundle.manifest_raw))
    start = time.perf_counter()
    report = verify(bundle, Policy(at=AT))
    assert time.perf_counter() - start < SECONDS
    (*_, last) = report.of("seal.signer")
    assert (last.outcome, last.message) == (
        Outcome.INDETERMINATE,
        f"more than {MAX_KEYS} keys in OpenPGP certificates",
    )


def test_a_key_among_those_that_are_tried_is_found() -> None:
    half = MAX_KEYS // 2
    keys = [Key(f"{number}") for number in range(half - 1)]
    full = {"a": with_subkeys(*keys), "b": make(OTHER, subkeys=[Subkey(key=key) for key in keys]).encode()}
    bundle = ceremony({**full, "c": make(STRANGER).encode()})
    for key, outcome in ((OTHER, Outcome.PASSED), (STRANGER, Outcome.INDETERMINATE)):
        report = verify(sealed(bundle, key.detached(bundle.manifest_raw)), Policy(at=AT))
        (*_, last) = report.of("seal.signer")
        assert last.outcome is outcome


def test_more_self_signatures_than_are_verified_leave_a_doubt() -> None:
    """A revocation may be among those that were left; without revocations nothing depends on them."""
    certification, wrong = UserId().certification(PRIMARY), pgp.revocation(OTHER, 2, AT, by=PRIMARY)
    for count, outcome in ((MAX_VERIFIED - 2, Outcome.PASSED), (MAX_VERIFIED + 1, Outcome.INDETERMINATE)):
        data = flooded(wrong, count)
        report = verify(ceremony({"pgp": data}), Policy(at=AT))
        (finding,) = report.of("openpgp.revocation")
        assert finding.outcome is outcome
    report = verify(ceremony({"pgp": flooded(certification, MAX_VERIFIED + 1)}), Policy(at=AT))
    assert checks(report, Outcome.INDETERMINATE, "openpgp") == set()
