# SPDX-License-Identifier: Apache-2.0
"""The snapshot before: which one it is, and whether the same attestation key speaks again.

Spec: "Manifest", `previous`; "Verification", step 9.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Final

from tests.vectorgen import software_tpm as tpm
from tests.vectorgen.ceremonies import ak, snapshot, snapshot_with, whole
from tests.vectorgen.ceremony import Ceremony, Making
from tests.vectorgen.vector import Judged, Vectors

vector: Final = Vectors()
FIRST: Final = "previous_first"


def _first() -> Ceremony:
    """The snapshot that the others follow."""
    return snapshot()


def _after(ceremony: Ceremony, before: Ceremony | None = None) -> Ceremony:
    """`ceremony` a day later, naming the manifest of `before`, which the verifier is given as `FIRST`."""
    digest = hashlib.sha256(Making(before or _first()).manifest).digest()
    members = {"previous": [-16, digest], "created": 1_767_312_000}
    return replace(ceremony, members=members, previous=FIRST)


@vector("previous.digest", "valid")
def previous_first() -> Judged:
    """The first snapshot of a machine; it names none before it."""
    return _first().judged()


@vector("previous.ak", "valid")
def previous_same_key() -> Judged:
    """A day later the same attestation key speaks again: the same TPM made both snapshots."""
    return _after(snapshot()).concluding(tpm_same="proven").judged()


@vector("previous.ak", "valid")
def previous_key_came_back() -> Judged:
    """The attestation key of the first snapshot was made again from its template."""
    ceremony = _after(whole()).concluding(tpm_same="proven", ak_lifetime="proven")
    return ceremony.judged()


@vector("previous.ak", "valid")
def previous_other_key() -> Judged:
    """Another attestation key speaks: nothing says that it is the same TPM, or that it is not."""
    other = tpm.ecc_key("another attestation key", tpm.ATTESTING)
    return _after(snapshot_with(other)).concluding(tpm_same="unproven").judged()


@vector("previous.digest")
def previous_of_another_history() -> Judged:
    """The snapshot given as the one before is not the one that the manifest names."""
    ceremony = _after(snapshot(), whole()).concluding(tpm_same="unproven")
    return ceremony.judged("previous.digest")


@vector("previous.digest")
def previous_not_named() -> Judged:
    """A snapshot is given as the one before, and the manifest names none."""
    return replace(snapshot(), previous=FIRST).concluding(tpm_same="unproven").judged("previous.digest")


@vector("previous.ak", "unknown", "algorithm")
def previous_key_by_unknown_hash() -> Judged:
    """The attestation key's Name is by a hash that is not computed here: is it the key of then?"""
    other = replace(ak(), public=replace(ak().public, name_alg=tpm.UNKNOWN_HASH))
    ceremony = _after(snapshot_with(other)).concluding(tpm_same="unproven")
    return ceremony.judged(unsure=("previous.ak", "quote.signer"))
