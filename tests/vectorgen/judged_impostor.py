# SPDX-License-Identifier: Apache-2.0
"""Impostors: the same name with another key, the same key by another algorithm, another role.

Spec: "Verification", steps 2, 3 and 5.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tests.vectorgen import certificates, keys, sealing, vendor
from tests.vectorgen.ceremonies import snapshot, whole
from tests.vectorgen.complete import complete
from tests.vectorgen.judged_seal import beside, second
from tests.vectorgen.sealing import ALG, HASH_ALG
from tests.vectorgen.vector import Judged, Vectors

vector: Final = Vectors()
_NAMED: Final = "Evidence Bundle Test Operator p256 (test key)"


def _of_the_same_name(name: str, path_length: int | None = None) -> bytes:
    """A self-signed certificate with somebody's name, and an impostor's key."""
    key = keys.ec_key(f"impostor of {name}")
    extensions = certificates.authority(path_length)
    return certificates.certificate(name, key.public_key(), name, key, extensions=extensions)


@vector("seal.anchor", "impostor")
def seal_by_an_impostor() -> Judged:
    """The certificate that sealed has the name and serial number of the pinned one, and another key."""
    impostor = certificates.Identity(
        alg=keys.ESP256,
        key=keys.ec_key(f"impostor of {_NAMED}"),
        certificate=_of_the_same_name(_NAMED),
    )
    changed = snapshot().changed("operator.piv", value=impostor.certificate)
    sealed = replace(changed, seals=(sealing.by(impostor),))
    return sealed.concluding(identity_sealed="unproven").judged("seal.anchor")


@vector("ek.chain", "impostor")
def ek_issuer_of_the_same_name() -> Judged:
    """The intermediate certificate has the issuer's name, and a key that did not sign the EK certificate."""
    changed = whole().changed("ek.issuer", value=_of_the_same_name(certificates.ISSUER))
    return changed.concluding(tpm_genuine="unproven").judged("ek.chain")


@vector("hardware.chain", "impostor")
def hardware_issuer_of_the_same_name() -> Judged:
    """The maker's intermediate certificate has the right name, and a key that certified no device."""
    changed = complete().changed("device.issuer", value=_of_the_same_name(vendor.ISSUER))
    return changed.concluding(identity_hardware="unproven").judged("hardware.chain")


@vector("Section 10.3 says which key an algorithm takes", "algorithm")
def seal_pkcs1_under_ps256() -> Judged:
    """The header says PS256 and the signature is RSASSA-PKCS1-v1_5, by the same key over the same bytes."""
    rsa = certificates.operator("rsa2048")
    seal = sealing.by(rsa, alg=keys.RS256, header={ALG: keys.PS256}, certificate=rsa.certificate)
    return beside(seal, "seal.signature")


@vector("Section 10.3 says which key an algorithm takes", "algorithm")
def seal_pss_under_rs256() -> Judged:
    """The header says RS256 and the signature is RSASSA-PSS."""
    rsa = certificates.operator("rsa2048")
    return beside(
        sealing.by(rsa, header={ALG: keys.RS256}, certificate=rsa.certificate),
        "seal.signature",
    )


@vector("compare every member of the table, and the payload, with what they must be", "algorithm")
def seal_payload_of_another_hash() -> Judged:
    """The header says SHA-384 and the payload is the manifest's SHA-256 digest."""
    return beside(second(header={HASH_ALG: -43}), "seal.form", "seal.signature")


@vector("find the certificate by `x5t` among the manifest's items", "roles")
def seal_by_an_issuer() -> Judged:
    """x5t names an item that is a certificate and no person's: the TPM's maker cannot seal."""
    issuer = certificates.Identity(
        alg=keys.ESP256,
        key=keys.ec_key(certificates.ISSUER),
        certificate=certificates.manufacturer_issuer(),
    )
    return whole().sealed_also(sealing.by(issuer)).judged("seal.signer")
