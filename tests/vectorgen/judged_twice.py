# SPDX-License-Identifier: Apache-2.0
"""What two verifiers that share nothing once judged differently, until one was mended or the text said more.

Spec: "Verification"; found by `tests/interop/differing.py`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from tests.vectorgen import certificates, keys, sealing
from tests.vectorgen.ceremonies import ak, ek_certificate, key, quote, snapshot, whole
from tests.vectorgen.ceremony import fixed
from tests.vectorgen.certificates import tlv
from tests.vectorgen.judged_seal import beside, second
from tests.vectorgen.vector import Judged, Vectors

vector: Final = Vectors()
_ECDSA: Final = bytes.fromhex("300a06082a8648ce3d040302")  # with SHA-256
_EC_KEY: Final = bytes.fromhex("06072a8648ce3d0201")
_OTHER_KEY: Final = bytes.fromhex("06072a8648ce3d02ff")  # an algorithm that there is not


def _edited(der: bytes, old: bytes, new: bytes, issuer: ec.EllipticCurvePrivateKey) -> bytes:
    """A certificate with other bytes in it, which its issuer has signed."""
    fields = x509.load_der_x509_certificate(der).tbs_certificate_bytes.replace(old, new, 1)
    return tlv(0x30, fields + _ECDSA + tlv(3, b"\x00" + keys.ecdsa_der(issuer, fields)))


def _ek_certificate(old: bytes, new: bytes) -> bytes:
    return _edited(ek_certificate(), old, new, keys.ec_key(certificates.ISSUER))


@vector("whatever the role of the item that has it", "reference")
def container_reference_of_another_role() -> Judged:
    """The attestation key says that it is `by` two items: a reference that its role has not."""
    return snapshot().changed("ak.pub", refs={"by": ["operator.piv", "quote"]}).judged("container.refs")


@vector("when the capture was made, by the clock of the machine that made it", "limit")
def container_created_far() -> Judged:
    """The capture says that it was made in more seconds than a double-precision number counts."""
    return replace(snapshot(), members={"created": 2**60 + 1}).judged()


@vector("piv.key", "bad-input")
def piv_key_of_no_known_kind() -> Judged:
    """A certificate's key is of an algorithm that nobody knows: the certificate around it can be read."""
    signer = keys.ec_key("operator p384", "p384")
    der = _edited(certificates.operator("p384").certificate, _EC_KEY, _OTHER_KEY, signer)
    ceremony = snapshot().having("second.piv", fixed("piv-certificate", der))
    return ceremony.judged(unsure=("piv.key", "piv.signature"))


@vector("seal.signature", "bad-input")
def seal_by_an_unreadable_certificate() -> Judged:
    """A second seal is by a certificate that lacks its last byte: whether it was valid is not judged."""
    identity = certificates.operator("p384")
    short = replace(identity, certificate=identity.certificate[:-1])
    ceremony = snapshot().having("second.piv", fixed("piv-certificate", short.certificate))
    return ceremony.sealed_also(sealing.by(short)).judged("piv.form", unsure=("seal.signature",))


@vector("seal.signature", "limit")
def seal_algorithm_far() -> Judged:
    """A second seal is by an algorithm whose number does not fit into 64 bits with a sign."""
    return beside(second(header={sealing.ALG: -(2**63) - 1}), unsure=("seal.signature",))


@vector("ek.chain", "bad-input")
def ek_purpose_in_words() -> Judged:
    """The EK certificate's extended key usage has the octets of the right identifier, as a text string."""
    right = bytes.fromhex("06056781050801")
    ceremony = whole().changed("ek.cert", value=_ek_certificate(right, b"\x0c" + right[1:]))
    return ceremony.concluding(tpm_genuine="unproven").judged("ek.chain")


@vector("each once and as text", "bad-input")
def ek_maker_in_no_text() -> Judged:
    """The manufacturer in the EK certificate is a UTF8String that is not UTF-8."""
    ceremony = whole().changed("ek.cert", value=_ek_certificate(b"id:54", b"id:\xff\xff"))
    return ceremony.concluding(tpm_genuine="unproven").judged("ek.certificate")


@vector("ek.key", "partners")
def ek_key_of_no_known_kind() -> Judged:
    """The EK certificate's key is of an algorithm that nobody knows, and has the octets of the EK's."""
    ceremony = whole().changed("ek.cert", value=_ek_certificate(_EC_KEY, _OTHER_KEY))
    ceremony = ceremony.concluding(tpm_genuine="unproven")
    return ceremony.judged("ek.chain", "ek.key", unsure=("ek.certificate",))


@vector("quote.form")
def quote_of_an_unknown_type() -> Judged:
    """The quote is a statement of a type that no TPM has, over another binding."""
    changed = snapshot().changed("quote", make=quote(ak(), type=0x8058, extra=bytes(32)))
    return changed.judged("quote.form", "quote.binding")


@vector("two text strings and a time; claimed", "time")
def seal_time_before_all_times() -> Judged:
    """The key in the TPM seals as well, which has no validity period, and says a time before 1970."""
    sealer = sealing.by_tpm(key(), keys.ESP256)
    claims = {sealing.ISS: "Evidence Bundle Test", sealing.SUB: "a manifest", sealing.IAT: -1}
    ceremony = whole().sealed_also(replace(sealer, header={**sealer.header, sealing.CLAIMS: claims}))
    return ceremony.judged("seal.form", "seal.signature", "seal.validity")
