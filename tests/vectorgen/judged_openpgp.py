# SPDX-License-Identifier: Apache-2.0
"""OpenPGP seals that do not hold, and some that only look so, beside a sound COSE seal of the operator.

Spec: "OpenPGP seals", "Verification", step 2.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Final

from tests.vectorgen import openpgp, sealing
from tests.vectorgen.ceremonies import snapshot
from tests.vectorgen.ceremony import Making, Sealed, fixed
from tests.vectorgen.plain import CREATED
from tests.vectorgen.vector import Judged, Vectors

vector: Final = Vectors()
_ONE_PACKET: Final = "Verifiers MUST refuse armor, and anything before or after the packet"


def _openpgp(seal: sealing.OpenPgpSeal, *failed: str) -> Judged:
    """The smallest snapshot with the operator's OpenPGP certificate among its items, and its seal."""
    certificate = fixed("openpgp-certificate", seal.signer.encode())
    return snapshot().having("operator.openpgp", certificate).sealed_also(seal).judged(*failed)


@vector(_ONE_PACKET, "openpgp")
def seal_openpgp_armored() -> Judged:
    """The OpenPGP signature is armored."""

    def armored(making: Making) -> Sealed:
        lines = base64.encodebytes(openpgp.OPERATOR.sign(making.manifest)).decode()
        text = f"-----BEGIN PGP SIGNATURE-----\n\n{lines}-----END PGP SIGNATURE-----\n"
        return sealing.other(sealing.OPENPGP, text.encode())

    return snapshot().sealed_also(armored).judged("seal.form")


@vector(_ONE_PACKET, "openpgp")
def seal_openpgp_two_packets() -> Judged:
    """A marker packet stands before the OpenPGP signature."""
    marker = openpgp.packet(10, b"PGP")
    return _openpgp(sealing.OpenPgpSeal(signer=openpgp.OPERATOR, before=marker), "seal.form")


@vector("over the manifest's bytes", "openpgp", "rewrapped")
def seal_openpgp_of_another_manifest() -> Judged:
    """The OpenPGP signature is over the manifest of another ceremony."""
    return _openpgp(sealing.OpenPgpSeal(signer=openpgp.OPERATOR, message=b"another"), "seal.signer")


@vector("whose digest is MD5, SHA-1 or RIPEMD-160", "openpgp", "weak")
def seal_openpgp_sha1() -> Judged:
    """The OpenPGP signature is over a SHA-1 digest."""
    return _openpgp(sealing.OpenPgpSeal(signer=openpgp.OPERATOR, digest="sha1"), "seal.signer")


@vector("does not have the signing flag", "openpgp")
def seal_openpgp_certify_only() -> Judged:
    """The OpenPGP key that signed may certify, not sign."""
    operator = replace(openpgp.OPERATOR, flags=openpgp.CERTIFY)
    return _openpgp(sealing.OpenPgpSeal(signer=operator), "seal.signer")


@vector("had expired when the signature was made", "openpgp", "time")
def seal_openpgp_expired() -> Judged:
    """The OpenPGP key had expired when the signature was made."""
    operator = replace(openpgp.OPERATOR, lifetime=86400)
    return _openpgp(sealing.OpenPgpSeal(signer=operator), "seal.signer")


@vector("or that was made before its key", "openpgp", "time")
def seal_openpgp_before_key() -> Judged:
    """The OpenPGP signature says that it was made before its key was."""
    seal = sealing.OpenPgpSeal(signer=openpgp.OPERATOR, at=openpgp.KEY_TIME - 86400)
    return _openpgp(seal, "seal.signer")


@vector("whose valid signing key verifies it", "openpgp")
def seal_openpgp_subkey() -> Judged:
    """A signing subkey made the OpenPGP signature; its back-signature is there."""
    return _openpgp(sealing.OpenPgpSeal(signer=replace(openpgp.OPERATOR, subkey=True)))


@vector("or is a subkey without a valid back-signature", "openpgp")
def seal_openpgp_subkey_without_back_signature() -> Judged:
    """A signing subkey made the OpenPGP signature, and never agreed to belong to this certificate."""
    operator = replace(openpgp.OPERATOR, subkey=True, back_signature=False)
    return _openpgp(sealing.OpenPgpSeal(signer=operator), "seal.signer")


@vector("issuer subpackets are hints only", "openpgp", "witness")
def seal_openpgp_stranger() -> Judged:
    """A sound OpenPGP signature by a witness whose certificate nobody has."""
    return snapshot().sealed_also(sealing.OpenPgpSeal(signer=openpgp.WITNESS)).judged("seal.signer")


@vector("A verifier MUST refuse a signature that is not of type 0x00", "openpgp")
def seal_openpgp_text() -> Judged:
    """The OpenPGP signature is over text, in which line ends do not count."""
    return _openpgp(sealing.OpenPgpSeal(signer=openpgp.OPERATOR, kind=openpgp.TEXT), "seal.signer")


@vector("or has expired", "openpgp", "time")
def seal_openpgp_signature_expired() -> Judged:
    """The OpenPGP signature was to hold for an hour."""
    lapsed = {openpgp.SIGNATURE_EXPIRES: (3600).to_bytes(4, "big")}
    return _openpgp(sealing.OpenPgpSeal(signer=openpgp.OPERATOR, hashed=lapsed), "seal.signer")


@vector("critical subpacket or notation which is not understood", "openpgp", "critical")
def seal_openpgp_critical_subpacket() -> Judged:
    """The OpenPGP signature has a critical subpacket of a private type."""
    unknown = {0x80 | 100: b"?"}
    return _openpgp(sealing.OpenPgpSeal(signer=openpgp.OPERATOR, hashed=unknown), "seal.signer")


@vector("is not bound to the primary key by a valid self-signature", "openpgp")
def seal_openpgp_foreign_subkey() -> Judged:
    """The subkey that signed was grafted on from another certificate, with the binding made there."""
    stranger = replace(openpgp.WITNESS, subkey=True)
    grafted = openpgp.OPERATOR.encode() + stranger.encode()[len(openpgp.WITNESS.encode()) :]
    certificate = fixed("openpgp-certificate", grafted)
    seal = sealing.OpenPgpSeal(signer=stranger)
    return snapshot().having("operator.openpgp", certificate).sealed_also(seal).judged("seal.signer")


@vector("is revoked", "openpgp", "revoked")
def seal_openpgp_revoked() -> Judged:
    """The OpenPGP key was revoked as compromised, a day after the seal was made."""
    operator = replace(openpgp.OPERATOR, revoked=(CREATED + 86400, openpgp.COMPROMISED))
    return _openpgp(sealing.OpenPgpSeal(signer=operator), "seal.signer")


@vector("a key that was only retired or superseded keeps the signatures it made before", "openpgp", "revoked")
def seal_openpgp_retired_later() -> Judged:
    """The OpenPGP key was retired a day after the seal was made, which takes nothing back."""
    operator = replace(openpgp.OPERATOR, revoked=(CREATED + 86400, openpgp.RETIRED))
    return _openpgp(sealing.OpenPgpSeal(signer=operator))


@vector("`value` is exactly one binary detached signature packet", "openpgp")
def seal_openpgp_partial_length() -> Judged:
    """The signature packet comes in two parts, as a stream encoder would write it."""

    def parted(making: Making) -> Sealed:
        body = openpgp.OPERATOR.sign(making.manifest)[6:]
        parts = bytes([0xC2, 0xE6]) + body[:64] + bytes([len(body) - 64]) + body[64:]
        return sealing.other(sealing.OPENPGP, parts)

    return snapshot().sealed_also(parted).judged("seal.form")


@vector("`value` is exactly one binary detached signature packet", "openpgp")
def seal_openpgp_indeterminate_length() -> Judged:
    """The signature packet has no length: it goes on to the end, whatever is put there."""

    def endless(making: Making) -> Sealed:
        body = openpgp.OPERATOR.sign(making.manifest)[6:]
        return sealing.other(sealing.OPENPGP, b"\x8b" + body)

    return snapshot().sealed_also(endless).judged("seal.form")
