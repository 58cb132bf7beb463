# SPDX-License-Identifier: Apache-2.0
"""The snapshot before: which one it is, and whether the same attestation key speaks again.

Spec: "Manifest", `previous`; "Verification", step 9.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Final

from tests.vectorgen import software_tpm as tpm
from tests.vectorgen.ceremonies import ak, creation_data, quote, snapshot, snapshot_with, whole
from tests.vectorgen.ceremony import Ceremony, Making, fixed
from tests.vectorgen.judged_ak_certificate import certified
from tests.vectorgen.vector import Judged, Vectors

vector: Final = Vectors()
FIRST: Final = "previous_first"
_LATER: Final = bytes(range(16, 32))  # the nonce of a second ceremony


def _first() -> Ceremony:
    """The snapshot that the others follow."""
    return snapshot()


def _after(ceremony: Ceremony, before: Ceremony | None = None, *, given: str = FIRST) -> Ceremony:
    """`ceremony` a day later, naming the manifest of `before`; the verifier is given the bundle `given`."""
    digest = hashlib.sha256(Making(before or _first()).manifest).digest()
    members = {"previous": [-16, digest], "created": 1_767_312_000}
    return replace(ceremony, members=members, previous=given)


def _later() -> Ceremony:
    """A second ceremony with the attestation key of the first."""
    return replace(snapshot(), nonce=_LATER)


def _carried() -> Ceremony:
    """Another attestation key quotes; that of the first snapshot lies beside it and says nothing."""
    other = tpm.ecc_key("another attestation key", tpm.ATTESTING)
    return _after(snapshot_with(other).having("ak-before.pub", fixed("ak-public", ak().area)))


@vector("previous.digest", "valid")
def previous_first() -> Judged:
    """The first snapshot of a machine; it names none before it."""
    return _first().judged()


@vector("previous.ak", "valid")
def previous_same_key() -> Judged:
    """A day later the same attestation key speaks again; nobody says that it is in a TPM."""
    return _after(_later()).concluding(ak_same="proven", tpm_same="unproven").judged()


@vector("previous.ak", "valid")
def previous_key_came_back() -> Judged:
    """The attestation key of the first snapshot speaks again; its template could have made it."""
    ceremony = _after(whole()).concluding(ak_same="proven", tpm_same="vouched", ak_lifetime="vouched")
    return ceremony.judged()


@vector("previous.ak", "valid")
def previous_certified_key() -> Judged:
    """The same attestation key speaks again, and an authority says that it is in a TPM: the same TPM."""
    ceremony = replace(certified(), nonce=_LATER)
    ceremony = ceremony.changed("key.creation", value=creation_data(outside=_LATER))
    ceremony = _after(ceremony, certified(), given="ak_certified")
    return ceremony.concluding(ak_same="proven", tpm_same="proven").judged()


@vector("previous.ak", "partners")
def previous_key_only_carried() -> Judged:
    """The attestation key of the first snapshot is in the file; the quote is by another key."""
    return _carried().concluding(ak_same="unproven", tpm_same="unproven").judged()


@vector("previous.ak", "partners")
def previous_key_only_carried_before() -> Judged:
    """The attestation key that speaks now was in the snapshot before, where another key had quoted."""
    ceremony = _after(_later(), _carried(), given="previous_key-only-carried")
    return ceremony.concluding(ak_same="unproven", tpm_same="unproven").judged()


@vector("can have been said before the manifest of the earlier one was written", "replayed")
def previous_same_statement() -> Judged:
    """The evidence of the first snapshot is sealed again as a second one: nothing spoke again."""
    ceremony = _after(snapshot().changed("quote", make=quote(ak(), extra=Making(_first()).binding)))
    return ceremony.concluding(ak_same="unproven", tpm_same="unproven").judged("quote.binding")


@vector("previous.digest", "replayed")
def previous_same_binding() -> Judged:
    """The first snapshot is sealed a day later under another title: both have one binding and one quote."""
    members = {"created": 1_767_312_000, "title": "the same again"}
    ceremony = replace(_first(), members=members, previous=FIRST)
    return ceremony.concluding(ak_same="unproven", tpm_same="unproven").judged("previous.digest")


@vector("previous.ak", "replayed")
def previous_statement_as_nonce() -> Judged:
    """The first snapshot's quote is sealed again, its extraData as the nonce, and the policy allows that."""
    said = Making(_first()).binding
    ceremony = replace(snapshot(), nonce=said).changed("quote", make=quote(ak(), extra=said))
    ceremony = _after(ceremony).under(allow_nonce_binding=True)
    return ceremony.concluding(ak_same="unproven", tpm_same="unproven").judged()


@vector("previous.ak", "valid")
def previous_other_key() -> Judged:
    """Another attestation key speaks: nothing says that it is the same TPM, or that it is not."""
    other = tpm.ecc_key("another attestation key", tpm.ATTESTING)
    return _after(snapshot_with(other)).concluding(ak_same="unproven", tpm_same="unproven").judged()


@vector("previous.digest")
def previous_of_another_history() -> Judged:
    """The snapshot given as the one before is not the one that the manifest names."""
    ceremony = _after(_later(), whole()).concluding(ak_same="unproven", tpm_same="unproven")
    return ceremony.judged("previous.digest")


@vector("previous.digest")
def previous_not_named() -> Judged:
    """A snapshot is given as the one before, and the manifest names none."""
    ceremony = replace(_later(), previous=FIRST)
    return ceremony.concluding(ak_same="unproven", tpm_same="unproven").judged("previous.digest")


@vector("an attestation key that quoted there quotes again here", "unknown", "algorithm")
def previous_key_by_unknown_hash() -> Judged:
    """The attestation key's Name is by a hash that is not computed here: is it the key of then?"""
    other = replace(ak(), public=replace(ak().public, name_alg=tpm.UNKNOWN_HASH))
    ceremony = _after(snapshot_with(other)).concluding(ak_same="unproven", tpm_same="unproven")
    return ceremony.judged(unsure=("quote.signer",))


@vector("can have been said before the manifest of the earlier one was written", "replayed")
def previous_statement_in_advance() -> Judged:
    """The quote was made for this nonce and these keys before the snapshot before was written."""
    early = Making(_later()).binding
    ceremony = _after(_later().changed("quote", make=quote(ak(), extra=early)))
    ceremony = ceremony.concluding(ak_same="unproven", tpm_same="unproven")
    return ceremony.judged("quote.binding")
