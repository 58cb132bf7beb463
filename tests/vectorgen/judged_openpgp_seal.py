# SPDX-License-Identifier: Apache-2.0
"""OpenPGP seals that do not hold, and some that only look so, beside a sound COSE seal of the operator.

Spec: "OpenPGP seals", "OpenPGP certificates".
"""

from __future__ import annotations

import base64
from typing import Final

from tests.vectorgen import openpgp, sealing
from tests.vectorgen import openpgp_maker as pgp
from tests.vectorgen.ceremonies import snapshot
from tests.vectorgen.ceremony import Making, Sealed, fixed
from tests.vectorgen.openpgp_cases import CASES
from tests.vectorgen.vector import Judged, Vectors

vector: Final = Vectors()
_ONE_PACKET: Final = "Verifiers MUST refuse armor, and anything before or after the packet"
_EXACTLY: Final = "`value` is exactly one binary detached signature packet"


def of_case(name: str) -> Judged:
    """The smallest snapshot with the certificate of a case among its items, and the seal of that case."""
    case = CASES[name]
    certificate = fixed("openpgp-certificate", case.certificate)
    ceremony = snapshot().having("signer.openpgp", certificate).sealed_also(sealing.signed(case.sign))
    return ceremony.under(at=case.at).judged(*case.failing, unsure=case.unsure)


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
    marker = pgp.packet(10, b"PGP")
    return _openpgp(sealing.OpenPgpSeal(signer=openpgp.OPERATOR, before=marker), "seal.form")


@vector(_EXACTLY, "openpgp")
def seal_openpgp_partial_length() -> Judged:
    """The signature packet comes in two parts, as a stream encoder would write it."""

    def parted(making: Making) -> Sealed:
        body = openpgp.OPERATOR.sign(making.manifest)[6:]
        parts = bytes([0xC2, 0xE6]) + body[:64] + bytes([len(body) - 64]) + body[64:]
        return sealing.other(sealing.OPENPGP, parts)

    return snapshot().sealed_also(parted).judged("seal.form")


@vector(_EXACTLY, "openpgp")
def seal_openpgp_indeterminate_length() -> Judged:
    """The signature packet has no length: it goes on to the end, whatever is put there."""

    def endless(making: Making) -> Sealed:
        body = openpgp.OPERATOR.sign(making.manifest)[6:]
        return sealing.other(sealing.OPENPGP, b"\x8b" + body)

    return snapshot().sealed_also(endless).judged("seal.form")


@vector("over the manifest's bytes", "openpgp", "rewrapped")
def seal_openpgp_of_another_manifest() -> Judged:
    """The OpenPGP signature is over the manifest of another ceremony."""
    return _openpgp(sealing.OpenPgpSeal(signer=openpgp.OPERATOR, message=b"another"), "seal.signer")


@vector("issuer subpackets are hints only", "openpgp", "witness")
def seal_openpgp_stranger() -> Judged:
    """A sound OpenPGP signature by a witness whose certificate nobody has."""
    return snapshot().sealed_also(sealing.OpenPgpSeal(signer=openpgp.WITNESS)).judged("seal.signer")


@vector("seal.form", "openpgp")
def seal_openpgp_text() -> Judged:
    """The OpenPGP signature is over text, in which line ends do not count."""
    return of_case("type text")


@vector("seal.form", "openpgp")
def seal_openpgp_timestamp() -> Judged:
    """The OpenPGP signature is a timestamp over the manifest, not a signature of it."""
    return of_case("type timestamp")


@vector("seal.form", "openpgp")
def seal_openpgp_certification() -> Judged:
    """The OpenPGP signature is of the type that certifies a user id."""
    return of_case("type certification")


@vector("seal.form", "openpgp")
def seal_openpgp_time_twice() -> Judged:
    """The OpenPGP signature says twice when it was made."""
    return of_case("signature's time twice")


@vector("seal.form", "openpgp")
def seal_openpgp_area_too_long() -> Judged:
    """The hashed area of the OpenPGP signature is said to be longer than the packet."""
    return of_case("signature's area longer than its packet")


@vector("seal.form", "openpgp")
def seal_openpgp_version_3() -> Judged:
    """The OpenPGP signature is of version 3, which has no areas."""
    return of_case("signature of version 3")


@vector("seal.validity", "openpgp")
def seal_openpgp_time_unhashed() -> Judged:
    """When the OpenPGP signature was made stands outside its hashed area."""
    return of_case("signature's time outside the hashed area")


@vector("seal.signer", "openpgp")
def seal_openpgp_ripemd160() -> Judged:
    """The OpenPGP signature says that it is over a RIPEMD-160 digest."""
    return of_case("RIPEMD-160")


@vector("seal.signer", "openpgp")
def seal_openpgp_version_4_subkey() -> Judged:
    """A version 4 subkey of a version 6 key signs: it is no key of that certificate."""
    return of_case("version 4 subkey of a version 6 key")


@vector("openpgp.policy", "hints", "optional")
def openpgp_no_hint() -> Judged:
    """The seal's signature does not say whose it is, which Sequoia refuses."""
    return of_case("no hint of who signed")


@vector("openpgp.policy", "time", "optional")
def openpgp_from_the_future() -> Judged:
    """The seal says that it was made in 2100; Sequoia alone looks at today's clock."""
    return of_case("from the future")


@vector("openpgp.critical", "critical")
def openpgp_critical_subpacket() -> Judged:
    """The seal's signature has a critical subpacket of a private type."""
    return of_case("unknown critical subpacket")


@vector("openpgp.critical", "critical")
def openpgp_critical_notation() -> Judged:
    """The seal's signature has a critical notation."""
    return of_case("unknown critical notation")


@vector("openpgp.critical", "critical")
def openpgp_critical_self_signature() -> Judged:
    """The only self-signature has a critical subpacket of a private type."""
    return of_case("critical in the self-signature")


@vector("openpgp.critical", "critical")
def openpgp_critical_binding() -> Judged:
    """The binding of the subkey that signs has a critical subpacket of a private type."""
    return of_case("critical in the binding")


@vector("openpgp.critical", "critical")
def openpgp_uncritical_subpacket() -> Judged:
    """The seal's signature has a subpacket of a private type that is not critical."""
    return of_case("sound with an unknown subpacket")


@vector("openpgp.critical", "critical")
def openpgp_uncritical_notation() -> Judged:
    """The seal's signature has a notation that is not critical."""
    return of_case("sound with a notation")


@vector("openpgp.critical", "critical")
def openpgp_critical_unhashed() -> Judged:
    """A critical subpacket of a private type stands outside the hashed area, where anyone can put it."""
    return of_case("sound, unknown and critical outside the hashed area")
