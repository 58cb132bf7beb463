# SPDX-License-Identifier: Apache-2.0
"""Statements by which an attestation key certifies that another key is in its TPM.

Spec: "Verification", step 6.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Final

from tests.vectorgen import software_tpm as tpm
from tests.vectorgen.ceremonies import (
    ak,
    certify,
    key,
    quote,
    signature,
    storage,
    whole,
)
from tests.vectorgen.ceremony import Ceremony
from tests.vectorgen.plain import NONCE
from tests.vectorgen.software_tpm import tpm2b
from tests.vectorgen.vector import Judged, Vectors

vector: Final = Vectors()
OTHER_BINDING: Final = hashlib.sha256(b"the binding of another ceremony").digest()


def _certifying(**changes: object) -> Ceremony:
    """The whole ceremony whose certify statement has other fields; it is signed as it is."""
    return whole().changed("certify", make=certify(ak(), key(), **changes))


@vector("certify.form", "magic")
def certify_wrong_magic() -> Judged:
    """The certify statement does not begin with TPM_GENERATED_VALUE."""
    return _certifying(magic=0).judged("certify.form")


@vector("certify.form")
def certify_of_another_type() -> Judged:
    """A quote stands where the certify statement should; it is signed by the attestation key."""
    return whole().changed("certify", make=quote(ak())).judged("certify.form")


@vector("certify.subject", "trailing")
def certify_name_with_trailing_byte() -> Judged:
    """The Name in the statement has one byte too many within its size, as if the digest were longer."""
    attested = tpm2b(key().name + b"\x00") + tpm2b(key().qualified_name)
    return _certifying(attested=attested).judged("certify.subject")


@vector("certify.signature", "tampered")
def certify_signed_by_the_subject() -> Judged:
    """The signing key signed its own certify statement."""
    return whole().changed("certify.sig", make=signature(key(), "certify")).judged("certify.signature")


@vector("certify.signer")
def certify_signer_is_the_name() -> Judged:
    """The qualified signer is the attestation key's Name, which lacks the hierarchy."""
    return _certifying(signer=ak().name).judged("certify.signer")


@vector("certify.binding", "binding", "rewrapped")
def certify_of_another_ceremony() -> Judged:
    """The certify statement is bound to another ceremony."""
    return _certifying(extra=OTHER_BINDING).judged("certify.binding")


@vector("certify.binding", "binding")
def certify_bound_to_nonce() -> Judged:
    """The certify statement was made earlier over the plain nonce."""
    return _certifying(extra=NONCE).judged(unsure=("certify.binding",))


@vector("certify.subject")
def certify_of_another_key() -> Judged:
    """The certify statement is about another key than its subject."""
    other = tpm.ecc_key("second signing key", tpm.SIGNING, parent=storage().qualified_name)
    return whole().changed("certify", make=certify(ak(), other)).judged("certify.subject")


@vector("certify.subject")
def certify_of_itself() -> Judged:
    """The attestation key certifies itself, which says nothing about any other key."""
    refs = {"by": "ak.pub", "subject": "ak.pub"}
    ceremony = whole().changed("certify", make=certify(ak(), ak()), refs=refs)
    return ceremony.judged("certify.subject")


@vector("certify.subject")
def certify_in_another_hierarchy() -> Judged:
    """The subject's qualified name is that of a primary, while the bundle says that it has a parent."""
    primary = replace(key(), parent=tpm.OWNER)
    attested = tpm2b(key().name) + tpm2b(primary.qualified_name)
    return _certifying(attested=attested).judged("certify.subject")
