# SPDX-License-Identifier: Apache-2.0
"""How the signing key came to be: certified creation, creation data, ticket.

Spec: "Verification", step 6.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tests.vectorgen import software_tpm as tpm
from tests.vectorgen.ceremonies import (
    PCRS,
    ak,
    certify,
    creation,
    creation_data,
    key,
    signature,
    whole,
    whole_with_key,
)
from tests.vectorgen.ceremony import Ceremony
from tests.vectorgen.judged_certify import OTHER_BINDING
from tests.vectorgen.plain import NONCE
from tests.vectorgen.vector import Judged, Vectors

vector: Final = Vectors()
OTHER_PCRS: Final = {tpm.SHA256: {index: bytes(32) for index in PCRS[tpm.SHA256]}}


def _created(**changes: object) -> Ceremony:
    """The whole ceremony whose statement of creation has other fields; it is signed as it is."""
    return whole().changed("created", make=creation(ak(), key(), **changes))


def _data(**changes: object) -> Ceremony:
    """The whole ceremony with other creation data, which the TPM certified as they are."""
    return whole().changed("key.creation", value=creation_data(**changes))


@vector("creation.form", "magic")
def creation_wrong_magic() -> Judged:
    """The statement of creation does not begin with TPM_GENERATED_VALUE."""
    return _created(magic=0).judged("creation.form")


@vector("creation.form")
def creation_of_another_type() -> Judged:
    """A certify statement stands where that of creation should; it is signed by the attestation key."""
    return whole().changed("created", make=certify(ak(), key())).judged("creation.form")


@vector("creation.signature", "tampered")
def creation_signed_by_the_subject() -> Judged:
    """The signing key signed the statement of its own creation."""
    return whole().changed("created.sig", make=signature(key(), "created")).judged("creation.signature")


@vector("creation.signer")
def creation_signer_is_the_name() -> Judged:
    """The qualified signer is the attestation key's Name, which lacks the hierarchy."""
    return _created(signer=ak().name).judged("creation.signer")


@vector("creation.binding", "binding", "rewrapped")
def creation_of_another_ceremony() -> Judged:
    """The statement of creation is bound to another ceremony."""
    return _created(extra=OTHER_BINDING).judged("creation.binding")


@vector("creation.subject")
def creation_of_another_key() -> Judged:
    """The statement of creation is about another key than its subject."""
    other = tpm.ecc_key("second signing key", tpm.SIGNING)
    return whole().changed("created", make=creation(ak(), other)).judged("creation.subject")


@vector("creation.subject")
def creation_of_itself() -> Judged:
    """The attestation key certifies its own creation; the signing key's creation data are left uncovered."""
    refs = {"by": "ak.pub", "subject": "ak.pub"}
    ceremony = whole().changed("created", make=creation(ak(), ak()), refs=refs)
    return ceremony.judged("creation.subject", unsure=("creation.data",))


@vector("creation.ticket", "trailing")
def creation_ticket_with_trailing_byte() -> Judged:
    """One byte follows the creation ticket."""
    value = tpm.creation_ticket(tpm.OWNER) + b"\x00"
    return whole().changed("key.ticket", value=value).judged("creation.ticket")


@vector("creation.ticket")
def creation_ticket_of_another_kind() -> Judged:
    """The ticket's tag is TPM_ST_VERIFIED (0x8022): a ticket of another command."""
    value = b"\x80\x22" + tpm.creation_ticket(tpm.OWNER)[2:]
    return whole().changed("key.ticket", value=value).judged("creation.ticket")


@vector("creation.data")
def creation_data_not_certified() -> Judged:
    """The creation data are not those that the attestation key certified."""
    certified = whole().value_of("created")
    ceremony = _data(values=OTHER_PCRS).changed("created", value=certified)
    return ceremony.judged("creation.data")


@vector("creation.data")
def creation_data_uncovered() -> Judged:
    """Creation data without a statement that covers them: only the TPM could check the ticket."""
    return whole().without("created", "created.sig").judged(unsure=("creation.data",))


@vector("creation.data")
def creation_under_another_parent() -> Judged:
    """The key was created under another parent than the one that is carried."""
    other = tpm.ecc_key("second storage key", tpm.STORING | tpm.A.noDA, scheme=None, parent=tpm.OWNER)
    return _data(name=other.name, qualified_name=other.qualified_name).judged("creation.data")


@vector("creation.data")
def creation_under_parent_elsewhere() -> Judged:
    """The parent's Name is right, its qualified name is that of a key below another one."""
    elsewhere = tpm.qualified(tpm.OWNER, [ak().name, key().name])
    return _data(qualified_name=elsewhere).judged("creation.data")


@vector("creation.data", "rewrapped")
def creation_in_another_ceremony() -> Judged:
    """OutsideInfo is not the nonce of this binding: the key was made for something else."""
    return _data(outside=bytes(32)).judged("creation.data")


@vector("creation.data", "absent", "relaxed")
def creation_in_another_ceremony_alone() -> Judged:
    """OutsideInfo is not the nonce; the statement over it is withheld, which is allowed and mends nothing."""
    ceremony = _data(outside=bytes(32)).under(allow_withheld=True)
    return replace(ceremony, absent=frozenset({"created"})).judged("creation.data")


@vector("creation.data", "absent", "relaxed")
def creation_under_another_parent_alone() -> Judged:
    """The parent's Name is another, and the statement over it is withheld, which is allowed."""
    other = tpm.ecc_key("second storage key", tpm.STORING | tpm.A.noDA, scheme=None, parent=tpm.OWNER)
    ceremony = _data(name=other.name, qualified_name=other.qualified_name).under(allow_withheld=True)
    return replace(ceremony, absent=frozenset({"created"})).judged("creation.data")


@vector("creation.data", "valid")
def creation_with_other_pcrs() -> Judged:
    """The PCRs had other values at creation than in the quote, which is no fault: both are said."""
    return _data(values=OTHER_PCRS).concluding(key_resident="vouched").judged()


@vector("A withheld item cannot be judged", "withheld")
def creation_values_withheld() -> Judged:
    """The quoted PCR values are withheld: that is no doubt about the creation, which has its own digest."""
    unsure = ("container.complete", "quote.pcrs", "quote.selection")
    return replace(whole(), absent=frozenset({"quote.pcrs"})).judged(unsure=unsure)


def _primary(data: bytes) -> Ceremony:
    """The whole ceremony with a signing key that has no parent but the owner hierarchy."""
    signing = tpm.ecc_key("primary signing key", tpm.SIGNING, parent=tpm.OWNER)
    return whole_with_key(signing).changed("key.pub", refs={}).changed("key.creation", value=data)


@vector("creation.data", "valid")
def creation_of_a_primary() -> Judged:
    """The signing key is a primary: its parent is the hierarchy, whose handle stands for both names."""
    data = tpm.creation_data(None, outside=NONCE, values=PCRS)
    return _primary(data).concluding(key_resident="vouched").judged()


@vector("creation.data")
def creation_parent_not_carried() -> Judged:
    """The key is said to be a primary, and its creation data name a parent, which is not in the bundle."""
    return _primary(creation_data()).judged("creation.data")


@vector("creation.data", "valid")
def creation_alone_certifies() -> Judged:
    """The key is certified by its creation only, without a certify statement: that is enough."""
    return whole().without("certify", "certify.sig").concluding(key_resident="vouched").judged()


@vector("creation.binding", "binding")
def creation_bound_to_nonce() -> Judged:
    """The statement of creation was made earlier over the plain nonce."""
    return _created(extra=NONCE).judged(unsure=("creation.binding",))
