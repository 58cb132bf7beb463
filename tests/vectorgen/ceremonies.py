# SPDX-License-Identifier: Apache-2.0
"""The two ceremonies that every judged vector changes one thing in: the smallest, and a whole one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Final

from bundlefmt.evidence.credential import CredentialActivation, entropy_size, make_credential
from bundlefmt.evidence.tpm import TpmsEccPoint
from tests.vectorgen import certificates, openpgp, sealing
from tests.vectorgen import software_tpm as tpm
from tests.vectorgen.ceremony import Artifact, Ceremony, Making, fixed
from tests.vectorgen.plain import MINUTES, NONCE
from tests.vectorgen.software_tpm import Key, Statement
from tests.vectorgen.tree import encoded
from tests.vectorgen.vector import Terms

PCRS: Final = {tpm.SHA256: {index: hashlib.sha256(b"PCR %d" % index).digest() for index in (0, 7)}}
# PolicySecret(TPM_RH_ENDORSEMENT), TCG EK Credential Profile, annex B
EK_POLICY: Final = bytes.fromhex("837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa")
ROOT_FILE: Final = "tpm-root.der"


@cache
def ak() -> Key:
    """A primary in the endorsement hierarchy."""
    return tpm.ecc_key("attestation key", tpm.ATTESTING)


@cache
def ek() -> Key:
    """By template L-2 of the EK profile."""
    attributes = tpm.STORING & ~tpm.A.userWithAuth | tpm.A.adminWithPolicy
    made = tpm.ecc_key("endorsement key", attributes, scheme=None)
    return replace(made, public=replace(made.public, auth_policy=EK_POLICY))


@cache
def storage() -> Key:
    return tpm.ecc_key("storage key", tpm.STORING | tpm.A.noDA, scheme=None, parent=tpm.OWNER)


@cache
def key() -> Key:
    return tpm.ecc_key("signing key", tpm.SIGNING, parent=storage().qualified_name)


def quote(by: Key, values: tpm.PcrValues = PCRS, **changes: object) -> Callable[[Making], bytes]:
    """TPMS_ATTEST of a quote over `values`; `changes` are fields of the statement that are wrong."""
    attested = tpm.quote_info(values, by.public.scheme_hash or tpm.SHA256)
    return statement(tpm.QUOTE, by, attested, changes)


def certify(by: Key, subject: Key, **changes: object) -> Callable[[Making], bytes]:
    """TPMS_ATTEST that says `subject` is in the TPM."""
    attested = tpm.tpm2b(subject.name) + tpm.tpm2b(subject.qualified_name)
    return statement(tpm.CERTIFY, by, attested, changes)


def creation(by: Key, subject: Key, **changes: object) -> Callable[[Making], bytes]:
    """TPMS_ATTEST that says `subject` was created in the TPM, with the creation data in the bundle."""

    def make(making: Making) -> bytes:
        digest = hashlib.sha256(making.value("key.creation")).digest()
        attested = tpm.tpm2b(subject.name) + tpm.tpm2b(digest)
        return statement(tpm.CREATION, by, attested, changes)(making)

    return make


def creation_data(**changes: object) -> bytes:
    """Of the signing key, below the storage key, in this ceremony; `changes` are keywords of the TPM's."""
    said = {"outside": NONCE, "values": PCRS, **changes}
    return tpm.creation_data(storage(), **said)  # type: ignore[arg-type] # its keywords


def activation(endorsing: Key, attesting: bytes, *, seed: str = "challenge") -> CredentialActivation:
    """A challenge made from its seed for an endorsement key and the Name of an attestation key."""
    entropy = b"".join(hashlib.sha256(f"{seed} {n}".encode()).digest() for n in range(8))
    credential = hashlib.sha256(f"{seed} credential".encode()).digest()
    public = endorsing.public
    return make_credential(public, attesting, credential, entropy=entropy[: entropy_size(public)])


def statement(
    kind: int, by: Key, attested: bytes, changes: Mapping[str, object]
) -> Callable[[Making], bytes]:
    def make(making: Making) -> bytes:
        fields = {
            "type": kind,
            "signer": by.qualified_name,
            "extra": making.binding,
            "attested": attested,
            **changes,
        }
        return Statement(**fields).encode()  # type: ignore[arg-type] # the fields of Statement

    return make


def signature(by: Key, over: str, **changes: tuple[int, int]) -> Callable[[Making], bytes]:
    """TPMT_SIGNATURE over an artifact."""
    return lambda making: by.sign(making.value(over), **changes)


def attested_with(by: Key, values: tpm.PcrValues = PCRS, *, label: str = "ak.pub") -> dict[str, Artifact]:
    """An attestation key, its quote over `values`, the signature and the values."""
    digest = tpm.pcr_digest(values, by.public.scheme_hash or tpm.SHA256)
    return {
        label: fixed("ak-public", by.area),
        "quote": Artifact(role="quote", make=quote(by, values), refs={"by": label}),
        "quote.sig": Artifact(
            role="tpm-signature", make=signature(by, "quote"), refs={"by": label, "over": "quote"}
        ),
        "quote.pcrs": fixed("pcr-values", encoded(values), {"quoted-by": "quote"}, pcr_digest=digest),
    }


@cache
def snapshot(kind: str = "p256") -> Ceremony:
    """As little as the profile asks for: an operator with a PIV card seals a quote."""
    operator = certificates.operator(kind)
    return Ceremony(
        artifacts={
            "operator.piv": fixed("piv-certificate", operator.certificate),
            **attested_with(ak()),
        },
        signers={"operator.piv": "operator"},
        seals=(sealing.by(operator),),
        terms=Terms(pins_piv=(hashlib.sha256(operator.certificate).hexdigest(),)),
    )


def snapshot_with(attesting: Key, values: tpm.PcrValues = PCRS) -> Ceremony:
    """The smallest ceremony with another attestation key or other PCR values."""
    small = snapshot()
    return replace(small, artifacts={**small.artifacts, **attested_with(attesting, values)})


@cache
def whole() -> Ceremony:
    """An operator with two cards, an EK that leads to its maker, a certified signing key, minutes."""
    small, certified = snapshot(), {"by": "ak.pub", "subject": "key.pub"}
    template = replace(ak().public, unique=TpmsEccPoint(x=hashlib.sha256(b"unique").digest(), y=b""))
    more = {
        "operator.openpgp": fixed("openpgp-certificate", openpgp.OPERATOR.encode()),
        "ek.issuer": fixed("certificate-issuer", certificates.manufacturer_issuer()),
        "ek.cert": fixed("ek-certificate", ek_certificate(), {"issuer": "ek.issuer"}),
        "ek.pub": fixed("ek-public", ek().area, {"certificate": "ek.cert"}),
        "ak.name": fixed("ak-name", ak().name, {"of": "ak.pub"}),
        "ak.template": fixed("ak-template", template.encode(), {"of": "ak.pub"}),
        "key.parent": fixed("parent-public", storage().area),
        "key.pub": fixed("key-public", key().area, {"parent": "key.parent"}),
        "key.name": fixed("key-name", key().name, {"of": "key.pub"}),
        "certify": Artifact(role="certify", make=certify(ak(), key()), refs=certified),
        "certify.sig": Artifact(
            role="tpm-signature", make=signature(ak(), "certify"), refs={"by": "ak.pub", "over": "certify"}
        ),
        "key.creation": fixed("creation-data", creation_data(), {"of": "key.pub"}),
        "key.ticket": fixed("creation-ticket", tpm.creation_ticket(tpm.OWNER), {"of": "key.pub"}),
        "created": Artifact(role="certify-creation", make=creation(ak(), key()), refs=certified),
        "created.sig": Artifact(
            role="tpm-signature", make=signature(ak(), "created"), refs={"by": "ak.pub", "over": "created"}
        ),
        "ek.activation": activated(),
        "minutes": fixed("minutes", MINUTES),
    }
    return replace(
        small,
        artifacts={**small.artifacts, **more},
        signers={"operator.openpgp": "operator", "operator.piv": "operator"},
        seals=(*small.seals, sealing.OpenPgpSeal(signer=openpgp.OPERATOR)),
        terms=replace(small.terms, pins_openpgp=(openpgp.OPERATOR.fingerprint,), anchors=(ROOT_FILE,)),
    )


def activated(**changes: bytes | None) -> Artifact:
    """The record of a challenge to the whole ceremony's EK and AK; `changes` are members of the record."""
    record = replace(activation(ek(), ak().name), **changes)  # type: ignore[arg-type] # its fields
    return fixed("credential-activation", record.encode(), {"ek": "ek.pub", "ak": "ak.pub"})


def ek_certificate(**changes: object) -> bytes:
    public = ek().private.public_key()
    return certificates.ek_certificate(public, **changes)  # type: ignore[arg-type] # its keywords


def whole_with_key(signing: Key) -> Ceremony:
    """The whole ceremony with another key in place of the signing key."""
    changed = whole().changed("key.pub", value=signing.area).changed("key.name", value=signing.name)
    changed = changed.changed("certify", make=certify(ak(), signing))
    return changed.changed("created", make=creation(ak(), signing))
